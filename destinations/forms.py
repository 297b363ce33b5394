"""What every destination is asked for, whatever its kind: its name and who looks after it."""

from typing import Any

from django import forms

from accounts.models import Organisation, User
from destinations import schedule
from destinations.models import Destination


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

    def __init__(
        self,
        *args: Any,
        organisation: Organisation,
        destination: Destination | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.initial = _initial(destination)
        members = User.objects.filter(memberships__organisation=organisation)
        deputy = self.fields["deputy"]
        if isinstance(deputy, forms.ModelChoiceField):
            deputy.queryset = members.distinct().order_by("name", "email")

    def clean_delivery_mode(self) -> str:
        return self.cleaned_data["delivery_mode"] or Destination.DeliveryMode.LATEST

    def clean_schedule(self) -> list[int] | None:
        return schedule.parse(self.cleaned_data["schedule"])


def _initial(destination: Destination | None) -> dict[str, Any]:
    if destination is None:
        return {}
    names = ("name", "deputy", "pseudonymous", "delivery_mode")
    kept = {name: getattr(destination, name) for name in names}
    return kept | {"schedule": schedule.as_text(destination.schedule)}
