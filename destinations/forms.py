"""What every destination is asked for, whatever its kind: its name and who looks after it."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django import forms

from accounts.models import Organisation, User
from destinations import pace, repeats, schedule
from destinations.models import Destination

NOT_ABOUT_ITSELF = {"idempotency_class", *pace.BOUNDS}
OF_CALLS = ("rate_per_second", "burst", "late_apply_window")


def _figure(bounds: pace.Bounds, step: str = "1") -> forms.NumberInput:
    return forms.NumberInput(
        attrs={"min": f"{bounds.least:g}", "max": f"{bounds.most:g}", "step": step}
    )


class DestinationForm(forms.Form):
    name = forms.CharField(max_length=120, help_text="As you and your athletes will know it.")
    deputy = forms.ModelChoiceField(
        User.objects.none(),
        required=False,
        empty_label="Nobody",
        help_text="Who looks after it when the owner is away.",
    )
    pseudonymous = forms.BooleanField(
        required=False,
        label="Send a pseudonym instead of names",
        help_text="Each athlete gets a name that only this destination knows.",
    )
    delivery_mode = forms.ChoiceField(
        label="Which versions it gets",
        required=False,
        choices=Destination.DeliveryMode.choices,
        help_text=(
            "When a plan changes again before the last change was sent, most places want the "
            "newest only. Every version, in order, is for places that keep a history."
        ),
    )
    schedule = forms.CharField(
        label="Tries after a failure",
        required=False,
        max_length=400,
        help_text=(
            "The wait before each try, between half and one and a half of it by chance. "
            f"Leave empty for the usual {schedule.in_words(None)}. s, m and h are seconds, "
            "minutes and hours; 24 h is the longest wait. A try that is already waiting keeps its "
            "time."
        ),
    )
    rate_per_second = forms.FloatField(
        label="Calls per second",
        required=False,
        widget=_figure(pace.RATE, step="any"),
        help_text=(
            "In the long run, for all athletes together. Lower it if the destination often asks "
            "Baton to slow down. 0.01 to 1,000."
        ),
    )
    burst = forms.IntegerField(
        label="Calls in one go",
        required=False,
        widget=_figure(pace.BURST),
        help_text="How many may follow one another at once after a quiet time. 1 to 1,000.",
    )
    slots = forms.IntegerField(
        label="Plans at the same time",
        required=False,
        widget=_figure(pace.SLOTS),
        help_text="How many are being sent there side by side. 1 to 100.",
    )
    late_apply_window = forms.IntegerField(
        label="Late window, in seconds",
        required=False,
        widget=_figure(pace.LATE),
        help_text=(
            "How long a call that got no answer may still take effect there. Baton waits that long "
            "before it sends what such a call could undo. 0 to 3,600."
        ),
    )
    idempotency_class = forms.ChoiceField(
        label="What it does with a message that comes twice",
        required=False,
        widget=forms.RadioSelect,
        help_text=(
            "When a call gets no answer, nobody knows whether it arrived: this decides whether "
            "Baton may send it again or asks you."
        ),
    )

    def __init__(
        self,
        *args: Any,
        organisation: Organisation,
        promises: Collection[str] = (),
        called: bool = True,
        destination: Destination | None = None,
        **kwargs: Any,
    ) -> None:
        """`promises` are the classes that its kind can have; one alone is not asked about.

        `called`: Baton calls it; what is only read from Baton has no rate and answers nothing.
        """
        super().__init__(*args, **kwargs)
        self.initial = _initial(destination)
        if not called:
            for name in OF_CALLS:
                del self.fields[name]
        if destination is not None:
            self._let_stay(destination)
        self._ask_what_it_promises(promises, new=destination is None)
        members = User.objects.filter(memberships__organisation=organisation)
        deputy = self.fields["deputy"]
        if isinstance(deputy, forms.ModelChoiceField):
            deputy.queryset = members.distinct().order_by("name", "email")

    def _let_stay(self, destination: Destination) -> None:
        """A figure from before there were bounds keeps no browser from saving the rest."""
        for bound in self.about_its_pace:
            if not pace.within(bound.name, getattr(destination, bound.name)):
                del bound.field.widget.attrs["min"], bound.field.widget.attrs["max"]

    def _ask_what_it_promises(self, able: Collection[str], *, new: bool) -> None:
        asked = self.fields["idempotency_class"]
        if len(able) < 2:
            del self.fields["idempotency_class"]
        elif isinstance(asked, forms.ChoiceField):
            asked.choices = [*([repeats.BY_ADDRESS] if new else []), *repeats.choices(able)]

    @property
    def about_itself(self) -> list[forms.BoundField]:
        return [bound for bound in self if bound.name not in NOT_ABOUT_ITSELF]

    @property
    def about_its_settings(self) -> list[forms.BoundField]:
        """What can be said only once it is known where it leads."""
        return [bound for bound in self if bound.name == "idempotency_class"]

    @property
    def about_its_pace(self) -> list[forms.BoundField]:
        return [self[name] for name in pace.BOUNDS if name in self.fields]

    def clean(self) -> dict[str, Any]:
        """A promise that was left as it was is nobody's word: it may follow the address. A figure
        that was left empty is not changed.
        """
        for name in pace.BOUNDS:
            if self.cleaned_data.get(name) is None:
                self.cleaned_data.pop(name, None)
        said = self.cleaned_data.pop("idempotency_class", "")
        if said and "idempotency_class" in self.changed_data:
            self.cleaned_data["idempotency_class"] = said
        return self.cleaned_data

    def clean_delivery_mode(self) -> str:
        return self.cleaned_data["delivery_mode"] or Destination.DeliveryMode.LATEST

    def clean_late_apply_window(self) -> timedelta | None:
        seconds = self.cleaned_data["late_apply_window"]
        return None if seconds is None else pace.window(seconds)

    def clean_schedule(self) -> list[int] | None:
        return schedule.parse(self.cleaned_data["schedule"])


def _initial(destination: Destination | None) -> dict[str, Any]:
    if destination is None:
        return {"idempotency_class": ""}
    names = ("name", "deputy", "pseudonymous", "delivery_mode", "idempotency_class")
    kept = {name: getattr(destination, name) for name in (*names, *pace.BOUNDS)}
    return kept | {
        "schedule": schedule.as_text(destination.schedule),
        "rate_per_second": f"{destination.rate_per_second}".removesuffix(".0"),
        "late_apply_window": int(destination.late_apply_window.total_seconds()),
    }
