"""What a coach is asked for where a calendar is connected."""

from typing import Any

from django import forms

from accounts import calendars

HELP = (
    "The athlete publishes it in TrainingPeaks' settings, under Calendar. "
    "It is sealed as soon as you save and never shown again."
)


class CalendarForm(forms.Form):
    name = forms.CharField(
        label="Athlete", max_length=200, help_text="Whose calendar it is: it does not say so."
    )
    published_at = forms.CharField(
        label="Calendar address",
        max_length=500,
        help_text=HELP,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "webcal://"}),
    )

    def __init__(self, *args: Any, known: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if known:
            del self.fields["name"]

    def clean_published_at(self) -> str:
        return calendars.address(self.cleaned_data["published_at"])
