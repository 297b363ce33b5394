"""What a person enters for intervals.icu: whose calendar, and the key that opens it."""

import re
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError

from destinations.configuration import AddressField, ConfigForm

ATHLETE = re.compile(r"0|i?[0-9]{1,12}", re.ASCII)
PRINTABLE = re.compile(r"[\x21-\x7e]+")


class IntervalsIcuConfigForm(ConfigForm):
    secrets: ClassVar[frozenset[str]] = frozenset({"credential"})
    personal: ClassVar[frozenset[str]] = frozenset({"athletes"})

    auth = forms.ChoiceField(
        label="How to sign in",
        choices=[("api_key", "API key"), ("bearer", "OAuth access token")],
        initial="api_key",
        required=False,
    )
    credential = forms.CharField(
        label="API key or access token",
        max_length=1000,
        widget=forms.PasswordInput(render_value=False),
        help_text="From Settings → Developer Settings. It must allow writing the calendar.",
    )
    athlete_id = forms.CharField(
        label="Athlete id",
        required=False,
        max_length=13,
        help_text="For one athlete: their id, for example i12345. Empty: the owner of the key.",
    )
    athletes = forms.CharField(
        label="Several athletes",
        required=False,
        widget=forms.Textarea,
        help_text="One per line: name = id. The plans of athletes who are not listed wait.",
    )
    base_url = AddressField(
        label="Address", required=False, initial="https://intervals.icu", max_length=200
    )

    def get_initial_for_field(self, field: forms.Field, field_name: str) -> Any:
        value = super().get_initial_for_field(field, field_name)
        if isinstance(value, dict):
            return "\n".join(f"{name} = {found}" for name, found in value.items())
        return value

    def clean_auth(self) -> str:
        return self.cleaned_data["auth"] or "api_key"

    def clean_base_url(self) -> str:
        return (self.cleaned_data["base_url"] or "https://intervals.icu").rstrip("/")

    def clean_credential(self) -> str:
        value: str = self.cleaned_data["credential"].strip()
        if value and not PRINTABLE.fullmatch(value):
            raise ValidationError("A key has no spaces and no unusual characters.")
        return value

    def clean_athlete_id(self) -> str:
        return _athlete_id(self.cleaned_data["athlete_id"].strip() or "0")

    def clean_athletes(self) -> dict[str, str]:
        lines = str(self.cleaned_data["athletes"]).splitlines()
        pairs = [line.rpartition("=") for line in lines if line.strip()]
        if any(not (name.strip() and separator) for name, separator, _ in pairs):
            raise ValidationError("Write one athlete per line: name = id.")
        return {name.strip().casefold(): _athlete_id(found.strip()) for name, _, found in pairs}


def _athlete_id(text: str) -> str:
    if not ATHLETE.fullmatch(text):
        raise ValidationError(f"“{text}” is not an intervals.icu athlete id, for example i12345.")
    return text
