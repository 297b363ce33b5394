"""A route: which plans go to which destination, when, and which fields leave for which purpose."""

from datetime import time

from django.db import models
from django.db.models import Q

from sharing.models.base import Identified, audit_entry
from sharing.models.plan import Plan
from sharing.models.tenancy import OrganisationTenants


class Route(Identified):
    class Cadence(models.TextChoices):
        REAL_TIME = "real_time", "In real time"
        HOURLY = "hourly", "Every hour"
        NIGHTLY = "nightly", "Every night, athlete's time"
        WEEKLY = "weekly", "Every week, athlete's time"

    class Audience(models.TextChoices):
        EVERYONE = "everyone", "Every athlete"
        CHOSEN = "chosen", "Chosen athletes"

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        RETIRED = "retired", "Retired"

    class OnDrift(models.TextChoices):
        """What is done about a field that a destination shows otherwise than it was written."""

        SOURCE = "source", "The plan wins: put it back"
        KEEP = "keep", "Keep the change there, and tell me"
        ASK = "ask", "Ask me"

    organisation = models.ForeignKey(
        "accounts.Organisation", on_delete=models.CASCADE, related_name="routes"
    )
    destination = models.ForeignKey(
        "destinations.Destination", on_delete=models.PROTECT, related_name="routes"
    )
    name = models.CharField(max_length=200)
    purpose = models.CharField(max_length=200)
    plan_kind = models.CharField(max_length=8, choices=Plan.Kind.choices, default=Plan.Kind.ROLLING)
    audience = models.CharField(max_length=10, choices=Audience.choices, default=Audience.EVERYONE)
    athletes = models.ManyToManyField("accounts.Athlete", blank=True, related_name="routes")
    fields = models.JSONField(default=dict)  # session field → purpose; what is not here stays here
    drift_policy = models.JSONField(default=dict)  # field → source | keep | ask
    cadence = models.CharField(max_length=10, choices=Cadence.choices, default=Cadence.REAL_TIME)
    local_time = models.TimeField(default=time(2, 0))
    weekday = models.PositiveSmallIntegerField(default=6)  # 0 is Monday
    urgent_at_once = models.BooleanField(default=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    created_at = models.DateTimeField(auto_now_add=True)
    audit_entry = audit_entry()

    objects = OrganisationTenants("view_route")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(weekday__lte=6), name="weekday_is_a_weekday")
        ]

    def __str__(self) -> str:
        return self.name
