"""Destinations: the configured places plans go, with their sealed settings, limits and health."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from auditlog.registry import auditlog
from django.conf import settings as django_settings
from django.db import models
from django.db.models import Q, QuerySet

from accounts.models import Organisation, User
from accounts.sealing import SealedField

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)  # a pause that is over
SWITCHED_OFF = 100  # per cent of the time for which nothing but failures is put up with


def long_ago() -> datetime:
    return LONG_AGO


class DestinationManager(models.Manager["Destination"]):
    def for_user(self, user: User) -> QuerySet["Destination"]:
        """The destinations of the organisations in which this person may see destinations."""
        return self.filter(organisation__in=Organisation.objects.allowing(user, "view_destination"))


class Destination(models.Model):
    class IdempotencyClass(models.TextChoices):
        VERSIONED = "versioned", "Versioned: refuses an older version"
        KEYED = "keyed", "Keyed: honours our idempotency key"
        UPSERT = "upsert", "Upsert: writes under our id"
        NONE = "none", "None: only reading back can tell"

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        DISABLED = "disabled", "Disabled"

    class Stage(models.TextChoices):
        TEST = "test", "Test"
        LIVE = "live", "Live"

    class Breaker(models.TextChoices):
        CLOSED = "closed", "Closed: calls go through"
        OPEN = "open", "Open: calls wait"

    class DeliveryMode(models.TextChoices):
        LATEST = "latest", "Only the newest version"
        EVERY = "every", "Every version"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        "accounts.Organisation", on_delete=models.CASCADE, related_name="destinations"
    )
    kind = models.CharField(max_length=32)
    name = models.CharField(max_length=120)
    owner = models.ForeignKey(
        django_settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="destinations"
    )
    deputy = models.ForeignKey(
        django_settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        related_name="+",
        null=True,
        blank=True,
    )
    settings = SealedField()  # JSON; read it with `configuration`
    endpoint = models.CharField(max_length=255)  # where it goes, without anything secret
    idempotency_class = models.CharField(max_length=10, choices=IdempotencyClass.choices)
    delivery_mode = models.CharField(
        max_length=8, choices=DeliveryMode.choices, default=DeliveryMode.LATEST
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    paused_reason = models.CharField(max_length=200, blank=True)
    stage = models.CharField(max_length=4, choices=Stage.choices, default=Stage.TEST)
    pseudonymous = models.BooleanField(default=False)

    rate_per_second = models.FloatField(default=5.0)
    burst = models.PositiveSmallIntegerField(default=5)
    slots = models.PositiveSmallIntegerField(default=2)  # plans at the same time
    late_apply_window = models.DurationField(default=timedelta(seconds=60))
    held_until = models.DateTimeField(default=long_ago, null=True)  # it asked; null: just resumed
    schedule = models.JSONField(null=True, blank=True)  # seconds before each try; null: the default

    breaker_state = models.CharField(max_length=8, choices=Breaker.choices, default=Breaker.CLOSED)
    breaker_opened_at = models.DateTimeField(null=True, blank=True)
    breaker_closed_at = models.DateTimeField(null=True, blank=True)  # the last time
    breaker_until = models.DateTimeField(default=long_ago)
    breaker_step = models.PositiveSmallIntegerField(default=0)
    consecutive_failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    warned_percent = models.PositiveSmallIntegerField(default=0)  # of the way to being switched off
    last_ok_at = models.DateTimeField(null=True, blank=True)
    last_error_code = models.CharField(max_length=64, blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)

    created_at = models.DateTimeField(auto_now_add=True)
    audit_entry = models.ForeignKey(
        "audit.Entry", to_field="id", on_delete=models.PROTECT, related_name="+", editable=False
    )

    objects = DestinationManager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "name"], name="destination_names_are_unique"
            ),
            models.CheckConstraint(condition=Q(rate_per_second__gt=0), name="a_rate_is_positive"),
            models.CheckConstraint(
                condition=Q(slots__gte=1) & Q(burst__gte=1), name="at_least_one_call_at_a_time"
            ),
            models.CheckConstraint(
                condition=~Q(breaker_state="open") | Q(breaker_opened_at__isnull=False),
                name="an_open_breaker_says_since_when",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def configuration(self) -> dict[str, Any]:
        """The unsealed settings. They hold secrets: never show, log or pass them on."""
        opened: dict[str, Any] = json.loads(self.settings or "{}")
        return opened

    def configure(self, settings: Mapping[str, Any]) -> None:
        self.settings = json.dumps(dict(settings), sort_keys=True)


# The engine writes these all the time, and a secret must never be copied.
NOT_LOGGED = [
    "settings", "breaker_state", "breaker_opened_at", "breaker_closed_at", "breaker_until",
    "breaker_step", "consecutive_failures", "failing_since", "warned_percent", "held_until",
    "last_ok_at", "last_error_code",
    "last_error_at", "audit_entry",
]  # fmt: skip
auditlog.register(Destination, exclude_fields=NOT_LOGGED)
