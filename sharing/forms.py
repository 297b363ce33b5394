"""What people enter on the sharing pages. Choices are limited to what the person may see."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from accounts import cohorts
from accounts.models import Athlete, Cohort, ConsentDecision, Organisation, User
from destinations.models import Destination
from plans.fields import SESSION_FIELDS
from sharing import quarantine, remarks
from sharing.drift import policy
from sharing.models import Delivery, Plan, Route, Stop
from sharing.routes import DEFAULT_PURPOSE, RouteSettings

WEEKDAYS = list(
    enumerate(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"])
)


class EraseForm(forms.Form):
    sure = forms.BooleanField(
        label="Erase this athlete. I know that it cannot be undone.",
        error_messages={"required": "Tick the box to say that this is meant."},
    )


class RemarkForm(forms.Form):
    words = forms.CharField(
        max_length=remarks.LONGEST, label="Note", widget=forms.Textarea(attrs={"rows": 3})
    )


class DismissForm(forms.Form):
    note = forms.CharField(max_length=quarantine.LONGEST_NOTE, required=False)


class DeliveryFilter(forms.Form):
    state = forms.ChoiceField(
        required=False, choices=[("", "Every state"), *Delivery.State.choices]
    )
    destination = forms.ModelChoiceField(
        Destination.objects.none(), required=False, empty_label="Every destination"
    )
    athlete = forms.ModelChoiceField(
        Athlete.objects.none(), required=False, empty_label="Every athlete"
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _limit(self, "destination", Destination.objects.for_user(user).order_by("name"))
        _limit(self, "athlete", Athlete.objects.for_user(user).order_by("name"))

    def wish(self) -> dict[str, object]:
        """What is asked for; a filter that makes no sense filters nothing."""
        return dict(self.cleaned_data) if self.is_valid() else {}


class ConsentForm(forms.Form):
    """A consent the athlete gave elsewhere, recorded by the coach with its basis."""

    destination = forms.ModelChoiceField(Destination.objects.none(), empty_label=None)
    decision = forms.ChoiceField(
        choices=[
            (ConsentDecision.Decision.GRANTED, "Granted"),
            (ConsentDecision.Decision.DECLINED, "Declined"),
            (ConsentDecision.Decision.WITHDRAWN, "Withdrawn"),
        ]
    )
    note = forms.CharField(
        max_length=200,
        label="How and when they said so",
        help_text="For example: “signed form of 3 November, kept in the studio folder”.",
    )
    athletes = forms.ModelMultipleChoiceField(
        Athlete.objects.none(),
        widget=forms.MultipleHiddenInput,
        error_messages={"required": "Tick at least one athlete first."},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        places = Destination.objects.for_user(user).order_by("name")
        if not self.is_bound:  # what is sent may name others: that is refused with its reason
            able = Organisation.objects.allowing(user, "record_consent")
            places = places.filter(organisation__in=able)
        _limit(self, "destination", places)
        _limit(self, "athletes", _staying(user))


class RouteForm(forms.Form):
    """A route: for what, from whom, which fields and why, how soon."""

    name = forms.CharField(
        max_length=200,
        help_text="As you will find it again, e.g. “Week plans to the squad calendar”.",
    )
    purpose = forms.CharField(
        max_length=200,
        label="What is it for?",
        help_text="Athletes read this when they are asked for consent.",
    )
    plan_kind = forms.ChoiceField(
        label="Which plans", choices=Plan.Kind.choices, initial=Plan.Kind.ROLLING
    )
    audience = forms.ChoiceField(
        label="Whose plans", choices=Route.Audience.choices, widget=forms.RadioSelect,
        initial=Route.Audience.EVERYONE,
    )  # fmt: skip
    athletes = forms.ModelMultipleChoiceField(
        Athlete.objects.none(), required=False, label="Chosen athletes",
        widget=forms.CheckboxSelectMultiple,
        help_text="Only used when you chose “Chosen athletes” above.",
    )  # fmt: skip
    cadence = forms.ChoiceField(
        label="How soon", choices=Route.Cadence.choices, widget=forms.RadioSelect,
        initial=Route.Cadence.REAL_TIME,
    )  # fmt: skip
    local_time = forms.TimeField(
        label="At what time, for every night and every week", initial="02:00",
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text="The athlete's own time.",
    )  # fmt: skip
    weekday = forms.TypedChoiceField(
        label="On which day, for every week", choices=WEEKDAYS, coerce=int, initial=6
    )
    urgent_at_once = forms.BooleanField(
        label="Send urgent changes at once", required=False, initial=True,
        help_text="A changed day, time or length, an added or removed session does not wait.",
    )  # fmt: skip

    def __init__(
        self,
        *args: Any,
        user: User,
        destination: Destination,
        route: Route | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.initial = _initial(route)
        here = _staying(user).filter(organisation=destination.organisation_id)
        _limit(self, "athletes", here.order_by("name"))
        self._ask_about_drift(policy.fields_of(destination), route)
        for name, about in SESSION_FIELDS.items():
            self.fields[f"share_{name}"] = forms.BooleanField(label=about.label, required=False)
            self.fields[f"why_{name}"] = forms.CharField(
                label=f"Why {about.label.lower()} leaves", max_length=200, required=False
            )
        self._preset(route)

    def _ask_about_drift(self, compared: dict[str, str], route: Route | None) -> None:
        """A choice for each field that reading back compares; none where nothing is read back."""
        chosen = route.drift_policy if route else {}
        self._compared = tuple(compared)
        for name, words in compared.items():
            self.fields[f"drift_{name}"] = forms.ChoiceField(
                label=words, choices=Route.OnDrift.choices, required=False
            )
            self.initial[f"drift_{name}"] = policy.choice(chosen, name)

    def _preset(self, route: Route | None) -> None:
        """A new route shares the minimum; an existing one what it shares now."""
        shared = dict(route.fields) if route else {}
        for name, about in SESSION_FIELDS.items():
            self.initial[f"share_{name}"] = name in shared if route else about.minimal
            self.initial[f"why_{name}"] = shared.get(name) or about.purpose

    @property
    def main(self) -> list[forms.BoundField]:
        return [self[name] for name in ("name", "purpose", "plan_kind", "audience", "athletes")]

    @property
    def timing(self) -> list[forms.BoundField]:
        return [self[name] for name in ("cadence", "local_time", "weekday", "urgent_at_once")]

    @property
    def shares(self) -> list[dict[str, Any]]:
        """One row per field: may it leave, and why."""
        return [
            {"about": about, "share": self[f"share_{name}"], "why": self[f"why_{name}"]}
            for name, about in SESSION_FIELDS.items()
        ]

    @property
    def drift(self) -> list[forms.BoundField]:
        return [self[f"drift_{name}"] for name in self._compared]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in SESSION_FIELDS:
            if cleaned.get(f"share_{name}") and not cleaned.get(f"why_{name}", "").strip():
                self.add_error(f"why_{name}", "Say why this field leaves.")
        chosen = cleaned.get("audience") == Route.Audience.CHOSEN
        if chosen and not cleaned.get("athletes"):
            self.add_error("athletes", "Choose at least one athlete.")
        return cleaned

    def refused(self, refusal: ValidationError) -> None:
        """Show the service's refusal at its field; what has none stands on top."""
        known = getattr(refusal, "error_dict", {})
        for name, errors in known.items():
            self.add_error(name if name in self.fields else None, errors)
        if not known:
            self.add_error(None, refusal)

    def settings(self) -> RouteSettings:
        """What the person chose. Call after `is_valid()`."""
        data = self.cleaned_data
        chosen = data["audience"] == Route.Audience.CHOSEN
        return RouteSettings(
            name=data["name"], purpose=data["purpose"], plan_kind=data["plan_kind"],
            audience=data["audience"],
            athletes=[athlete.pk for athlete in data["athletes"]] if chosen else [],
            cadence=data["cadence"], local_time=data["local_time"], weekday=data["weekday"],
            urgent_at_once=data["urgent_at_once"],
            fields={
                name: data[f"why_{name}"] for name in SESSION_FIELDS if data[f"share_{name}"]
            },
            drift_policy={
                name: said for name in self._compared if (said := data[f"drift_{name}"])
            },
        )  # fmt: skip


class CohortForm(forms.Form):
    """A cohort's name and who belongs to it."""

    name = forms.CharField(
        max_length=cohorts.LONGEST_NAME,
        help_text="As you call them: “Juniors”, “Pilot group”, “Camp in May”.",
    )
    athletes = forms.ModelMultipleChoiceField(
        Athlete.objects.none(), required=False, label="Who belongs to it",
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip

    def __init__(
        self, *args: Any, organisation: Organisation, cohort: Cohort | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        everyone = Athlete.objects.filter(organisation=organisation)
        here = everyone.filter(state=Athlete.State.ACTIVE)
        if cohort is not None:
            self.initial = {"name": cohort.name, "athletes": cohort.athletes.all()}
            here = everyone.filter(Q(state=Athlete.State.ACTIVE) | Q(cohorts=cohort)).distinct()
        _limit(self, "athletes", here.order_by("name"))


class StopForm(forms.Form):
    """How something is stopped, and why."""

    mode = forms.ChoiceField(
        label="How", choices=Stop.Mode.choices, widget=forms.RadioSelect, initial=Stop.Mode.PAUSE
    )
    reason = forms.CharField(
        max_length=300,
        label="Why",
        help_text="Whoever meets this stop reads it. For example: “wrong week imported”.",
    )
    sure = forms.BooleanField(
        label="I mean everything: every organisation, athlete and destination here",
        error_messages={"required": "Tick this: it stops everybody, not only your studio."},
    )

    def __init__(self, *args: Any, everything: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if everything:
            self.initial["mode"] = Stop.Mode.KILL
        else:
            del self.fields["sure"]


def _initial(route: Route | None) -> dict[str, Any]:
    if route is None:
        return {"purpose": DEFAULT_PURPOSE}
    names = (
        "name", "purpose", "plan_kind", "audience", "cadence", "local_time", "weekday",
        "urgent_at_once",
    )  # fmt: skip
    return {name: getattr(route, name) for name in names} | {"athletes": route.athletes.all()}


def _staying(user: User) -> QuerySet[Athlete]:
    """Nobody who is being erased can be chosen for anything."""
    return Athlete.objects.for_user(user).exclude(state__in=Athlete.LEAVING)


def _limit(form: forms.Form, name: str, queryset: Any) -> None:
    field = form.fields[name]
    if isinstance(field, forms.ModelChoiceField):
        field.queryset = queryset
