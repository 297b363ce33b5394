"""How the audit trail is searched."""

from typing import Any

from django import forms

from accounts.models import Athlete, User
from destinations.models import Destination

AREAS = [
    ("", "Everything"),
    ("delivery", "Deliveries"),
    ("attempt", "Attempts"),
    ("version", "Plan versions"),
    ("consent", "Consent"),
    ("destination", "Destinations"),
    ("route", "Routes"),
    ("connection", "Connections"),
    ("model", "Changed records"),
]


class LogFilter(forms.Form):
    area = forms.ChoiceField(label="What", choices=AREAS, required=False)
    athlete = forms.ModelChoiceField(
        Athlete.objects.none(), required=False, empty_label="Every athlete"
    )
    destination = forms.ModelChoiceField(
        Destination.objects.none(), required=False, empty_label="Every destination"
    )
    day = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    entry = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limits = {
            "athlete": Athlete.objects.for_user(user).order_by("name"),
            "destination": Destination.objects.for_user(user).order_by("name"),
        }
        for name, rows in limits.items():
            field = self.fields[name]
            if isinstance(field, forms.ModelChoiceField):
                field.queryset = rows

    def asked(self) -> dict[str, Any]:
        """The filters as the log's own columns; what makes no sense filters nothing."""
        if not self.is_valid():
            return {}
        data = self.cleaned_data
        columns = {
            "action__startswith": f"{data['area']}." if data["area"] else None,
            "subject": data["athlete"].pseudonym if data["athlete"] else None,
            "destination": data["destination"].pk if data["destination"] else None,
            "at__date": data["day"],
            "id": data["entry"],
        }
        return {column: value for column, value in columns.items() if value}
