"""What a person enters to set up a destination: a form per kind, and which answers are secret."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.conf import settings as django_settings
from django.core.exceptions import ValidationError

from destinations.errors import PermanentError
from destinations.http.url import target

MASK = "••••"


class AddressField(forms.CharField):
    """A URL that Baton may call. Where it leads is checked again at every call."""

    widget = forms.URLInput

    def clean(self, value: Any) -> Any:
        url = super().clean(value)
        return self._checked(url) if url else url

    def _checked(self, url: str) -> str:
        try:
            place = target(url)
        except PermanentError as error:
            raise ValidationError(str(error)) from None
        if not (place.everyday or django_settings.BATON_ALLOW_LOOPBACK_DESTINATIONS):
            raise ValidationError("Use an https address on the usual port (443).")
        return url


class ConfigForm(forms.Form):
    """The settings of one kind. Secrets are asked for but never shown again.

    `stored` are the settings there are already: a secret that is left empty keeps its value.
    """

    secrets: ClassVar[frozenset[str]] = frozenset()
    personal: ClassVar[frozenset[str]] = frozenset()  # names of people: kept out of the audit log
    rotates: ClassVar[bool] = False  # its secret is ours to renew

    def __init__(
        self, data: Any = None, *, stored: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        self.stored = dict(stored or {})
        shown = {name: value for name, value in self.stored.items() if name not in self.secrets}
        super().__init__(data, initial={**shown, **kwargs.pop("initial", {})}, **kwargs)
        for name in self.secrets & set(self.fields):
            if self.stored.get(name):
                self.fields[name].required = False
                self.fields[name].help_text = "Leave empty to keep what is stored."

    def settings(self) -> dict[str, Any]:
        """What is to be stored. Call after `is_valid()`."""
        entered = {
            name: value
            for name, value in self.cleaned_data.items()
            if value or name not in self.secrets
        }
        return {**self.stored, **entered}

    @classmethod
    def masked(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The settings as they may be shown: a secret only says that it is set."""
        return {
            name: (MASK if value and name in cls.secrets else value)
            for name, value in settings.items()
        }

    @classmethod
    def secret_values(cls, settings: Mapping[str, Any]) -> frozenset[str]:
        return frozenset(str(settings[name]) for name in cls.secrets if settings.get(name))

    @classmethod
    def rotated(cls, settings: Mapping[str, Any], *, overlap_until: datetime) -> dict[str, Any]:
        """The settings with a new secret; the old one stays valid until `overlap_until`."""
        raise ValidationError("This kind of destination has no secret that Baton could renew.")
