"""What every destination is asked for, whatever its kind: its name and who looks after it."""

from typing import Any

from django import forms

from accounts.models import Organisation, User
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


def _initial(destination: Destination | None) -> dict[str, Any]:
    if destination is None:
        return {}
    return {name: getattr(destination, name) for name in ("name", "deputy", "pseudonymous")}
