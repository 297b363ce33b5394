"""Alerts: what is wrong now, said once; and the mails that tell people of it."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

STANDING = ("open", "acknowledged")


class Alert(models.Model):
    """One fault of one thing. While it stands, finding it again only brings it up to date.

    `facts` holds codes, identifiers and numbers; names are read when somebody looks.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        RESOLVED = "resolved", "Resolved"

    class Severity(models.TextChoices):
        CRITICAL = "critical", "Critical"
        WARNING = "warning", "Warning"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        "accounts.Organisation", on_delete=models.CASCADE, related_name="alerts", null=True
    )  # null: the whole installation
    destination = models.ForeignKey(
        "destinations.Destination", on_delete=models.CASCADE, related_name="alerts", null=True
    )
    athlete = models.ForeignKey(
        "accounts.Athlete", on_delete=models.CASCADE, related_name="alerts", null=True
    )
    connection = models.ForeignKey(
        "accounts.Connection", on_delete=models.CASCADE, related_name="alerts", null=True
    )
    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=160)  # what it is about: the same fault, the same key
    severity = models.CharField(max_length=8, choices=Severity.choices)
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    count = models.PositiveIntegerField(default=1)  # how many things it concerns now
    level = models.PositiveSmallIntegerField(default=0)  # the higher, the worse
    facts = models.JSONField(default=dict)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, related_name="+", null=True
    )
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, related_name="+", null=True
    )
    note = models.CharField(max_length=300, blank=True)
    resolved_at = models.DateTimeField(null=True)
    audit_entry: "models.ForeignKey[Any, Any]" = models.ForeignKey(
        "audit.Entry", to_field="id", on_delete=models.PROTECT, related_name="+", editable=False
    )

    class Meta:
        ordering = ["-first_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"],
                condition=Q(state__in=STANDING),
                name="one_alert_stands_per_fault",
            ),
            models.CheckConstraint(
                condition=~Q(state="resolved") | Q(resolved_at__isnull=False),
                name="a_resolved_alert_says_when",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organisation"], condition=Q(state__in=STANDING), name="alerts_that_stand"
            ),
            models.Index(fields=["kind", "subject", "-first_at"], name="alerts_of_a_fault"),
            models.Index(fields=["-first_at"], name="alerts_newest_first"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"

    @property
    def stands(self) -> bool:
        return self.state in STANDING


class Notice(models.Model):
    """One mail to one person: that an alert was raised or became worse, or that it is over."""

    class Event(models.TextChoices):
        RAISED = "raised", "Raised"
        RESOLVED = "resolved", "Resolved"

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        DROPPED = "dropped", "Not needed any more"
        FAILED = "failed", "Given up"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="notices")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    event = models.CharField(max_length=8, choices=Event.choices)
    level = models.PositiveSmallIntegerField(default=0)  # of the alert, when it was owed
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    made_at = models.DateTimeField()
    due_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=64, blank=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["due_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["alert", "person", "event", "level"], name="told_once_of_each_event"
            )
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="waiting"), name="notices_to_send")
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.person_id}"
