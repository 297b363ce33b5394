"""What people enter about bulk actions. Choices are limited to what the person may see."""

from datetime import UTC, datetime
from typing import Any

from django import forms

from accounts.models import Athlete, Cohort, Organisation, User
from destinations.errors import CATALOGUE
from destinations.models import Destination
from sharing.bulk.criteria import HIGHEST, Criteria, To
from sharing.models import BulkAction, Delivery, Plan, Route
from sharing.reasons import OWN, given_up

Kind = BulkAction.Kind
NOTHING = "nothing"
SEVERAL = 2
STATES = [
    (Delivery.State.DEAD, "Dead"),
    (Delivery.State.UNKNOWN, "Unknown"),
    (Delivery.State.BLOCKED, "Blocked"),
    (Delivery.State.DELIVERED, "Delivered"),
]
BACK_TO = {
    To.VERSION: "A version, by its number",
    To.PREVIOUS: "One version back",
    To.MOMENT: "What was the newest at a moment",
    NOTHING: "Nothing: take back everything that was written",
    To.NEWEST: "The newest version: release what was rolled back",
}


class Moment(forms.DateTimeField):
    """A moment in UTC."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def to_python(self, value: Any) -> datetime | None:
        found = super().to_python(value)
        return found.replace(tzinfo=UTC) if found else None


class LetterFilter(forms.Form):
    """Which deliveries: the list and the action read the same.

    Both are about one organisation; who belongs to several is asked which.
    """

    organisation = forms.ModelChoiceField(
        Organisation.objects.none(), required=False, empty_label=None
    )
    state = forms.ChoiceField(choices=STATES, required=False)
    destination = forms.ModelChoiceField(
        Destination.objects.none(), required=False, empty_label="Every destination"
    )
    route = forms.ModelChoiceField(Route.objects.none(), required=False, empty_label="Every route")
    cohort = forms.ModelChoiceField(
        Cohort.objects.none(), required=False, empty_label="Every cohort"
    )
    athlete = forms.ModelChoiceField(
        Athlete.objects.none(), required=False, empty_label="Every athlete"
    )
    cause = forms.ChoiceField(required=False)
    since = Moment(required=False, label="Since (UTC)")
    until = Moment(required=False, label="Until (UTC)")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.own = Organisation.objects.for_user(user).order_by("name")
        for name, rows in {**_rows(user), "organisation": self.own}.items():
            if name in self.fields:
                _limit(self, name, rows)
        if len(self.own) < SEVERAL:
            del self.fields["organisation"]
        codes = sorted({*CATALOGUE, *OWN}, key=lambda code: given_up(code).coach_words)
        causes = [(code, given_up(code).coach_words) for code in codes]
        cause = self.fields["cause"]
        if isinstance(cause, forms.ChoiceField):
            cause.choices = [("", "Every cause"), *causes]

    def criteria(self) -> Criteria:
        """What is asked for. Call after `is_valid()`."""
        chosen = {**self.cleaned_data}
        chosen.pop("organisation", None)
        return _criteria(chosen)

    def concerned(self) -> Organisation | None:
        """The organisation that was chosen, or else the first; None: the person is in none."""
        chosen: Organisation | None = self.cleaned_data.get("organisation")
        return chosen or self.own.first()

    def asked(self) -> dict[str, str]:
        """What was chosen, as it was sent: for the button that acts on it."""
        return {name: self.data[name] for name in self.fields if self.data.get(name)}


class RollBackForm(forms.Form):
    """Where to go back to; for one plan also a version by its number."""

    to = forms.ChoiceField(label="Back to", widget=forms.RadioSelect)
    version = forms.IntegerField(
        min_value=1, max_value=HIGHEST, required=False, label="Version number"
    )
    moment = Moment(
        required=False,
        label="Moment (UTC)",
        help_text="Each plan goes back to what was its newest version then.",
    )
    destination = forms.ModelChoiceField(
        Destination.objects.none(), required=False, empty_label="Every destination"
    )
    reason = forms.CharField(
        max_length=300, label="Why", help_text="It stays with the action, for whoever asks later."
    )

    def __init__(self, *args: Any, user: User, scope: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _limit(self, "destination", _rows(user)["destination"])
        offered = dict(BACK_TO)
        if scope != "plan":
            del offered[To.VERSION], self.fields["version"]
        if scope in {"destination", "route"}:
            del self.fields["destination"]
        to = self.fields["to"]
        if isinstance(to, forms.ChoiceField):
            to.choices = list(offered.items())
        self.initial.setdefault("to", To.PREVIOUS)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("to") == To.VERSION and not cleaned.get("version"):
            self.add_error("version", "Say which version.")
        if cleaned.get("to") == To.MOMENT and not cleaned.get("moment"):
            self.add_error("moment", "Say which moment.")
        return cleaned

    @property
    def kind(self) -> Kind:
        return Kind.TAKE_BACK if self.cleaned_data["to"] == NOTHING else Kind.ROLL_BACK

    def criteria(self, scope: str, thing: Any) -> Criteria:
        """What is asked for, of this plan, athlete, cohort, route or destination."""
        data = self.cleaned_data
        chosen = {To.VERSION: "version", To.MOMENT: "moment"}.get(data["to"], "")
        wish = {
            "destination": data.get("destination"),
            "to": "" if data["to"] == NOTHING else data["to"],
        }
        if chosen:
            wish[chosen] = data[chosen]
        return _criteria(wish | {scope: thing})


def _rows(user: User) -> dict[str, Any]:
    return {
        "destination": Destination.objects.for_user(user).order_by("name"),
        "route": Route.objects.for_user(user).order_by("name"),
        "cohort": Cohort.objects.for_user(user).order_by("name"),
        "athlete": Athlete.objects.for_user(user).order_by("name"),
        "plan": Plan.objects.for_user(user),
    }


def _criteria(chosen: dict[str, Any]) -> Criteria:
    told = {name: getattr(value, "pk", value) for name, value in chosen.items()}
    return Criteria(**{name: value for name, value in told.items() if value not in (None, "")})


def _limit(form: forms.Form, name: str, queryset: Any) -> None:
    field = form.fields[name]
    if isinstance(field, forms.ModelChoiceField):
        field.queryset = queryset
