"""What a person enters for a webhook, and how its signing secret is renewed."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from django import forms
from django.core.exceptions import ValidationError

from destinations.adapters.webhook import signing
from destinations.configuration import MASK, AddressField, ConfigForm

RESERVED = re.compile(
    r"(webhook|baton|content|accept|transfer|connection|host|user-agent).*", re.IGNORECASE
)
HEADER_NAME = re.compile(r"[A-Za-z0-9-]+", re.ASCII)


class WebhookConfigForm(ConfigForm):
    secrets: ClassVar[frozenset[str]] = frozenset(
        {"url", "secret", "previous_secret", "header_value"}
    )
    rotates: ClassVar[bool] = True

    url = AddressField(
        label="Address",
        max_length=2000,
        help_text="The https address that receives the plan, for example from Zapier, Make or n8n.",
    )
    header_name = forms.CharField(
        label="Extra header",
        required=False,
        max_length=64,
        help_text="Only if the other side asks for one, for example X-Api-Key or Authorization.",
    )
    header_value = forms.CharField(
        label="Value of the extra header",
        required=False,
        max_length=1000,
        widget=forms.PasswordInput(render_value=False),
    )

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        if "/webhook-test/" in url:
            raise ValidationError(
                "This test address stops working after two minutes. Use the one for production."
            )
        return url

    def clean_header_name(self) -> str:
        name: str = self.cleaned_data["header_name"]
        if name and (RESERVED.fullmatch(name) or not HEADER_NAME.fullmatch(name)):
            raise ValidationError("This header cannot be chosen.")
        return name

    def clean_header_value(self) -> str:
        value: str = self.cleaned_data["header_value"]
        if not (value.isascii() and (value.isprintable() or not value)):
            raise ValidationError("A header can only hold plain letters, digits and signs.")
        return value

    def settings(self) -> dict[str, Any]:
        settings = super().settings()
        settings.setdefault("secret", signing.new_secret())
        return settings

    @classmethod
    def masked(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The path of a webhook is often its password: only the host is shown."""
        shown = super().masked(settings)
        if settings.get("url"):
            parts = urlsplit(settings["url"])
            shown["url"] = f"{parts.scheme}://{parts.hostname}/{MASK}"
        return shown

    @classmethod
    def secret_values(cls, settings: Mapping[str, Any]) -> frozenset[str]:
        """Also what a receiver may quote of its address alone: any part may be the password."""
        parts = urlsplit(settings.get("url", ""))
        values = [value for _, value in parse_qsl(parts.query)]
        quoted = {parts.path, parts.query, *parts.path.split("/"), *values}
        return super().secret_values(settings) | {part for part in quoted if len(part) > 8}

    @classmethod
    def rotated(cls, settings: Mapping[str, Any], *, overlap_until: datetime) -> dict[str, Any]:
        return {
            **settings,
            "secret": signing.new_secret(),
            "previous_secret": settings["secret"],
            "previous_secret_until": overlap_until.isoformat(),
        }
