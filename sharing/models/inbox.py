"""What the source told us: hints as they came, what is out of date, what could not be read."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from sharing.models.base import AnyRemark, Identified, audit_entry, long_ago
from sharing.models.tenancy import Tenants


class Source(Identified):
    """One athlete's calendar at the source, and how stale our reading of it is.

    A hint raises `dirty_seq`; a reading notes the counter before it asks and sets
    `clean_seq` to it with the commit of what it found. Duplicates, bursts and
    reordering then need no further thought.
    """

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        SUSPENDED = "suspended", "Suspended: no longer attached to the coach"
        NEEDS_RECONNECT = "needs_reconnect", "Waiting for the coach to reconnect"

    athlete = models.OneToOneField(
        "accounts.Athlete", on_delete=models.CASCADE, related_name="source"
    )
    state = models.CharField(max_length=20, choices=State.choices, default=State.ACTIVE)
    dirty_seq = models.BigIntegerField(default=0)
    clean_seq = models.BigIntegerField(default=0)
    dirty_since = models.DateTimeField(null=True)
    due_at = models.DateTimeField(default=long_ago)
    lease_until = models.DateTimeField(default=long_ago)
    epoch = models.BigIntegerField(default=0)
    unreturned = models.PositiveSmallIntegerField(
        default=0, db_default=0
    )  # claims in a row whose reader has not come back
    read_at = models.DateTimeField(null=True)
    cursor = models.DateTimeField(null=True)  # changed feed: everything before it has been seen
    polled_at = models.DateTimeField(null=True)
    last_webhook_at = models.DateTimeField(null=True)
    emptied_at = models.DateTimeField(null=True)  # when a reading last found most of it gone
    silent_changes = models.PositiveIntegerField(default=0)  # found by polling since the last event
    hooks_asked_at = models.DateTimeField(null=True)  # when subscriptions were first asked for
    hooks_refused = models.CharField(max_length=200, blank=True)  # kinds of events we may not have
    hook_generation = models.PositiveIntegerField(default=1)
    previous_hook_until = models.DateTimeField(default=long_ago)
    failures = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=64, blank=True)

    objects = Tenants("athlete")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(clean_seq__lte=F("dirty_seq")), name="clean_never_ahead_of_dirty"
            )
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(dirty_seq__gt=F("clean_seq")),
                name="sources_to_read",
            )
        ]

    def __str__(self) -> str:
        return f"calendar of {self.athlete_id}"


class Hint(Identified):
    """A webhook event (or a finding of our own) as it came.

    Never data, only a reason to read again.
    """

    class Kind(models.TextChoices):
        WEBHOOK = "webhook", "Webhook event"
        POLL = "poll", "Found by polling"
        MANUAL = "manual", "Asked for by a person"
        SCHEDULE = "schedule", "Time passed"

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="hints")
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=12, choices=Kind.choices)
    event_type = models.CharField(max_length=64, blank=True)
    workout_id = models.BigIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=bytes)
    received_at = models.DateTimeField()

    objects = Tenants("source__athlete")

    class Meta:
        ordering = ["received_at"]
        indexes = [models.Index(fields=["source", "seq"], name="hints_of_a_reading")]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_type} at {self.received_at}"


class Subscription(Identified):
    """One athlete × one kind of event at the source, as last seen there."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="subscriptions")
    event_type = models.CharField(max_length=32)
    remote_id = models.CharField(max_length=64)
    active = models.BooleanField(default=True)
    hook_generation = models.PositiveIntegerField(default=1)
    seen_at = models.DateTimeField()

    objects = Tenants("source__athlete")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "event_type"], name="one_subscription_per_event"
            )
        ]

    def __str__(self) -> str:
        return f"{self.event_type} for {self.source_id}"


class Quarantine(Identified):
    """An answer of the source that broke its contract: kept whole, nothing sent, replayable after a
    fix.
    """

    class State(models.TextChoices):
        OPEN = "open", "Waiting for a person"
        REPLAYED = "replayed", "Read again successfully"
        DISMISSED = "dismissed", "Dismissed"

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="quarantined")
    contract = models.CharField(max_length=64)
    field = models.CharField(max_length=200)
    problem = models.TextField()
    body = models.BinaryField()  # sealed with the athlete's key
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    note = models.TextField(blank=True)
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True
    )  # null: by itself
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, related_name="+", null=True
    )
    audit_entry = audit_entry()

    objects = Tenants("source__athlete", "view_quarantine")

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.contract}: {self.field}"


class QuarantineRemark(AnyRemark):
    """Beside an answer in quarantine."""

    quarantine = models.ForeignKey(Quarantine, on_delete=models.CASCADE, related_name="remarks")

    objects = Tenants("quarantine__source__athlete", "view_quarantine")

    def __str__(self) -> str:
        return f"remark on {self.quarantine_id}"
