"""How the audit trail is searched, and what somebody says who takes care of an alert."""

from typing import Any, NamedTuple

from django import forms
from django.db.models import QuerySet

from accounts.models import Athlete, User
from destinations.models import Destination


class Area(NamedTuple):
    """What a person looks for in the log, and how the actions of its entries begin."""

    words: str
    beginnings: tuple[str, ...]


AREAS = {  # as the page's address names it
    "plan": Area("Plans and their versions", ("plan", "version")),
    "delivery": Area("Deliveries", ("delivery", "lane")),
    "attempt": Area("Attempts", ("attempt",)),
    "consent": Area("Consent", ("consent",)),
    "athlete": Area("Athletes and rosters", ("athlete", "roster", "cohort", "erasure")),
    "destination": Area("Destinations and calendar feeds", ("destination", "feed", "endpoint")),
    "route": Area("Routes", ("route",)),
    "connection": Area("TrainingPeaks", ("connection", "source", "quarantine")),
    "stop": Area("Stops", ("stop",)),
    "bulk": Area("Bulk actions and roll backs", ("bulk",)),
    "drift": Area("Drift", ("drift",)),
    "alert": Area("Alerts", ("alert",)),
    "person": Area("People, sign-ins and keys", ("session", "account", "person", "keys")),
    "model": Area("Changed records", ("model",)),
    "installation": Area("The installation", ("installation",)),
}


class LogFilter(forms.Form):
    area = forms.ChoiceField(
        label="What",
        choices=[("", "Everything"), *((name, area.words) for name, area in AREAS.items())],
        required=False,
    )
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
            "action__regex": _beginning(AREAS[data["area"]]) if data["area"] else None,
            "subject": data["athlete"].pseudonym if data["athlete"] else None,
            "destination": data["destination"].pk if data["destination"] else None,
            "at__date": data["day"],
            "id": data["entry"],
        }
        return {column: value for column, value in columns.items() if value}


def _beginning(area: Area) -> str:
    return rf"^({'|'.join(area.beginnings)})\."


class AcknowledgeForm(forms.Form):
    assigned_to = forms.ModelChoiceField(
        User.objects.none(),
        label="Who takes care of it",
        required=False,
        empty_label="Nobody in particular",
    )
    note = forms.CharField(
        max_length=300,
        required=False,
        help_text="What is being done. Nothing about an athlete's health or plan.",
    )

    def __init__(self, *args: Any, helpers: QuerySet[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["assigned_to"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = helpers
