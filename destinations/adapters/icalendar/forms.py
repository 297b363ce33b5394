"""What a person enters for a calendar feed: nothing is needed, because the feed is read from us."""

from django import forms

from destinations.configuration import ConfigForm


class ICalendarConfigForm(ConfigForm):
    calendar_name = forms.CharField(
        label="Name of the calendar",
        required=False,
        max_length=120,
        help_text="As athletes see it in their calendar. Empty: the name of the plan.",
    )
