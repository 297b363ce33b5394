"""Drift: what a destination shows when it is read back, where that is not what was written."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from sharing.models.base import Identified, audit_entry, long_ago
from sharing.models.lane import Lane, RemoteRecord
from sharing.models.tenancy import OrganisationTenants, Tenants


class DriftCheck(Identified):
    """One reading back of a destination: once a day, or because a person asked."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        INCOMPLETE = "incomplete", "Incomplete: some could not be read"

    organisation = models.ForeignKey(
        "accounts.Organisation", on_delete=models.CASCADE, related_name="drift_checks"
    )
    destination = models.ForeignKey(
        "destinations.Destination", on_delete=models.CASCADE, related_name="drift_checks"
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    after = models.UUIDField(null=True)  # the last lane that was compared: where to go on
    due_at = models.DateTimeField(default=long_ago)
    lease_until = models.DateTimeField(default=long_ago)
    epoch = models.BigIntegerField(default=0)
    unreturned = models.PositiveSmallIntegerField(
        default=0, db_default=0
    )  # claims in a row in which no lane was finished
    lanes_read = models.PositiveIntegerField(default=0)
    records_compared = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)  # lanes that were not compared, and of them
    busy = models.PositiveIntegerField(default=0, db_default=0)  # those that can be read soon
    given_up = models.PositiveIntegerField(default=0, db_default=0)  # whose delivery is dead
    in_doubt = models.PositiveIntegerField(default=0, db_default=0)  # of which nobody knows
    unreadable = models.PositiveIntegerField(default=0)  # lanes that could not be read whole
    last_error = models.CharField(max_length=64, blank=True)
    audit_entry = audit_entry()

    objects = OrganisationTenants("view_destination")

    class Meta:
        ordering = ["-asked_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["destination"],
                condition=Q(state__in=["waiting", "running"]),
                name="one_drift_check_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"check of {self.destination_id}"


class Drift(Identified):
    """One record that is missing at the destination, one field of it that was altered there, or a
    copy of it that somebody made there.
    """

    class Kind(models.TextChoices):
        MISSING = "missing", "Missing"
        ALTERED = "altered", "Altered"
        EXTRA = "extra", "There a second time"

    class State(models.TextChoices):
        OPEN = "open", "Waiting for a person"
        REPAIRING = "repairing", "Being repaired"
        REPAIRED = "repaired", "Repaired"
        KEPT = "kept", "Kept as the athlete changed it"
        VANISHED = "vanished", "Gone by itself"

    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="drifts")
    record = models.ForeignKey(RemoteRecord, on_delete=models.CASCADE, related_name="drifts")
    found_by = models.ForeignKey(
        DriftCheck, on_delete=models.SET_NULL, related_name="drifts", null=True
    )
    kind = models.CharField(max_length=8, choices=Kind.choices)
    field = models.CharField(max_length=64, blank=True)  # a field of the plan; empty: all of it
    values = models.BinaryField(null=True)  # {"ours": …, "theirs": …}, sealed for the athlete
    policy = models.CharField(max_length=8)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    found_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True
    )
    audit_entry = audit_entry()

    objects = Tenants("lane__plan__athlete")

    class Meta:
        ordering = ["-found_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["record", "field"],
                condition=Q(state__in=["open", "repairing", "kept"]),
                name="a_drift_is_listed_once",
            )
        ]
        indexes = [models.Index(fields=["state", "-found_at"], name="drifts_by_state")]

    def __str__(self) -> str:
        return f"{self.kind} {self.field}"
