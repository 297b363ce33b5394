"""The one place that reads the environment.

A wrong value stops start-up with one sentence that says what to set.
"""

import base64
import binascii
import os
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

BASE_DIR = Path(__file__).resolve().parent.parent
EMBEDDED = f"sqlite:///{BASE_DIR / 'var' / 'baton.sqlite3'}"
DATABASES = {"sqlite", "postgres", "postgresql"}
KEY_BYTES = 32
LEASE_IN_DEADLINES = 3  # two exchanges, and as long as one more for the rest
EXAMPLE_SECRETS = {"change-me", "changeme", "secret", "example", "insecure"}

Seconds = Annotated[float, Field(ge=0, le=86_400)]


class Env(BaseSettings):
    """Every setting that a machine may give Baton, by its name in the environment."""

    model_config = SettingsConfigDict(
        env_file=os.environ.get("BATON_SECRETS_FILE", str(BASE_DIR / "var" / "secrets.env")),
        extra="ignore",
        case_sensitive=False,
    )

    baton_env: Literal["development", "production"] = "development"
    baton_debug: bool = False
    baton_secret_key: str = ""
    baton_keys: Annotated[dict[str, bytes], NoDecode] = Field(default_factory=dict)
    baton_public_url: str = "http://127.0.0.1:8000"
    baton_allowed_hosts: Annotated[list[str], NoDecode] = Field(
        default_factory=lambda: ["127.0.0.1", "localhost", "[::1]"]
    )
    baton_log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    baton_allow_loopback_destinations: bool = False

    database_url: str = EMBEDDED
    redis_url: str = ""
    broker_url: str = ""
    email_url: str = "console:"
    default_from_email: str = "Baton <baton@localhost>"

    trainingpeaks_api_url: str = "https://api.sandbox.trainingpeaks.com"
    trainingpeaks_oauth_url: str = "https://oauth.sandbox.trainingpeaks.com"
    trainingpeaks_client_id: str = ""
    trainingpeaks_client_secret: str = ""
    trainingpeaks_scopes: str = (
        "coach:athletes workouts:read workouts:wod "
        "webhook:read-subscriptions webhook:write-subscriptions"
    )
    trainingpeaks_pkce: bool = True
    trainingpeaks_redirect_url: str = ""
    trainingpeaks_rate_per_second: Annotated[float, Field(gt=0, le=1000)] = 2.0
    trainingpeaks_readings_per_hour: Annotated[int, Field(ge=2, le=10_000_000)] = 1_200
    trainingpeaks_insecure_transport: bool = False

    baton_quiet_period: Seconds = 5
    baton_max_wait: Seconds = 30
    baton_fetch_spacing: Seconds = 10
    baton_poll_every: Seconds = 900
    baton_window_weeks: Annotated[int, Field(ge=1, le=52)] = 6
    baton_lease_seconds: Annotated[float, Field(ge=1, le=600)] = 60
    baton_send_deadline: Annotated[float, Field(ge=0.1, le=120)] = 15
    baton_pump_interval: Annotated[float, Field(ge=0.05, le=60)] = 1.0
    baton_pump_threads: Annotated[int, Field(ge=1, le=64)] = 4
    baton_incarnation: Annotated[int, Field(ge=1)] = 1
    baton_checkpoint_key_file: str = str(BASE_DIR / "var" / "checkpoint.key")
    baton_checkpoint_vkeys_file: str = str(BASE_DIR / "var" / "checkpoint.vkeys")
    baton_checkpoint_memory_file: str = str(BASE_DIR / "var" / "checkpoint.memory")
    baton_checkpoint_every: Annotated[float, Field(ge=0.1, le=86_400)] = 60
    baton_checkpoint_entries: Annotated[int, Field(ge=1)] = 1_000
    baton_anchor_file: str = str(BASE_DIR / "var" / "anchors.jsonl")
    baton_mark_file: str = str(BASE_DIR / "var" / "mark.json")
    baton_erasures_file: str = ""
    baton_erasure_patience_days: Annotated[float, Field(ge=0, le=365)] = 30
    baton_alert_errors: Annotated[int, Field(ge=1)] = 5
    baton_alert_window: Seconds = 300
    baton_alert_tries: Annotated[int, Field(ge=1)] = 4
    baton_alert_late: Seconds = 60
    baton_alert_unread: Seconds = 300
    baton_alert_take_back: Seconds = 86_400
    baton_alert_job: Seconds = 300
    baton_alert_unsettled: Seconds = 30
    baton_alert_pump: Seconds = 30
    baton_alert_broker: Seconds = 30
    baton_alert_clock: Seconds = 5
    baton_alert_anchor: Seconds = 120
    baton_alert_mail: bool = True
    baton_guard_factor: Annotated[int, Field(ge=1)] = 5
    baton_guard_floor: Annotated[int, Field(ge=1)] = 200
    baton_guard_least: Annotated[int, Field(ge=1)] = 20
    baton_guard_failed_percent: Annotated[int, Field(ge=1, le=100)] = 50

    @field_validator("baton_allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",")] if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _of_a_database(cls, url: str) -> str:
        """Empty is not set, as in a file that has the name of each setting."""
        if url and urlsplit(url).scheme not in DATABASES:
            raise ValueError("Set it to postgres://user:password@host:port/name or sqlite:///path.")
        return url or EMBEDDED

    @field_validator("baton_keys", mode="before")
    @classmethod
    def _key_ring(cls, value: object) -> object:
        return parse_key_ring(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.baton_lease_seconds < LEASE_IN_DEADLINES * self.baton_send_deadline:
            raise ValueError(
                "BATON_LEASE_SECONDS must be at least three times BATON_SEND_DEADLINE: one write "
                "may take two exchanges, and the rest is for what comes before and after them."
            )
        if not self.baton_secret_key or self.baton_secret_key.lower() in EXAMPLE_SECRETS:
            raise ValueError(
                "Set BATON_SECRET_KEY to a long random value (`make setup` writes one)."
            )
        if not self.baton_keys:
            raise ValueError("Set BATON_KEYS to id:base64-of-32-bytes (`make setup` writes one).")
        if self.baton_env == "production":
            self._fit_for_production()
        return self

    def _fit_for_production(self) -> None:
        https = self.baton_public_url.startswith("https://")
        client = self.trainingpeaks_client_id and self.trainingpeaks_client_secret
        refused = {
            "Switch BATON_DEBUG off in production.": self.baton_debug,
            "Set BATON_PUBLIC_URL to an https address in production.": not https,
            "Set TRAININGPEAKS_CLIENT_ID and TRAININGPEAKS_CLIENT_SECRET.": not client,
            "Unset BATON_ALLOW_LOOPBACK_DESTINATIONS: it is for development only.": (
                self.baton_allow_loopback_destinations
            ),
            "Unset TRAININGPEAKS_INSECURE_TRANSPORT: it is for development only.": (
                self.trainingpeaks_insecure_transport
            ),
            "Set REDIS_URL: production needs a broker that all processes reach.": (
                not self.redis_url
            ),
            "Set BATON_ERASURES_FILE to an absolute path, apart from the database's backups.": (
                not Path(self.baton_erasures_file).is_absolute()
            ),
            "Set EMAIL_URL to smtp://user:password@host:port in production.": (
                self.email_url == "console:"
            ),
        }
        for sentence, wrong in refused.items():
            if wrong:
                raise ValueError(sentence)


def parse_key_ring(text: str) -> dict[str, bytes]:
    """`id:base64,id:base64` → keys by id; the first seals, all of them open."""
    ring: dict[str, bytes] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        key_id, _, encoded = part.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise ValueError(f"BATON_KEYS: key “{key_id}” is not base64.") from error
        if len(key) != KEY_BYTES or len(set(key)) == 1:
            raise ValueError(f"BATON_KEYS: key “{key_id}” must be {KEY_BYTES} random bytes.")
        ring[key_id] = key
    return ring


def read() -> Env:
    """The environment, or one sentence that says what to set."""
    try:
        return Env()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"]).upper()
        message = first["msg"].removeprefix("Value error, ")
        raise ImproperlyConfigured(f"{name}: {message}" if name else message) from None
