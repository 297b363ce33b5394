"""Lanes and their history: what is promised, what was tried, what is known to be there."""

from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from sharing.models.base import Identified, audit_entry, long_ago
from sharing.models.plan import Plan, PlanVersion
from sharing.models.route import Route
from sharing.models.tenancy import Tenants


class Lanes(Tenants["Lane"]):
    def locked(self, pk: UUID) -> "Lane":
        """The lane, held until the caller's transaction ends, with all that a promise needs."""
        return self.locking().get(pk=pk)

    def keep(self, pk: UUID, epoch: int) -> bool:
        """Whether the lane is still this epoch's; if so, it stays so until the caller's transaction
        ends.
        """
        return self.select_for_update(no_key=True).filter(pk=pk, epoch=epoch).first() is not None

    def locking(self) -> models.QuerySet["Lane"]:
        """Lanes that are locked as they are read, always in the same order, so that two who lock
        several never wait for each other.

        A plan's newest version is read only when it is asked for: whoever waited for the lock is
        given the joined row as it was before the wait. Whoever makes a version locks its lanes.
        """
        rows = self.select_related("plan__athlete", "route", "destination").order_by("pk")
        return rows.defer("plan__newest").select_for_update(of=("self",), no_key=True)


class Lane(Identified):
    """One plan on one route: one row, one lease, strictly one thing after the other.

    `desired` and `settled` are revisions: the numbers of this lane's deliveries. A revision
    grows with every promise, also when the promise is an older version or nothing at all,
    so that "newer" always has one meaning. Up to `settled` nothing is owed any more.
    """

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        UNKNOWN = "unknown", "Waiting for a person: is it there?"
        DEAD = "dead", "Given up"
        CLOSED = "closed", "Closed: everything removed"

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="lanes")
    route = models.ForeignKey(Route, on_delete=models.PROTECT, related_name="lanes")
    destination = models.ForeignKey(
        "destinations.Destination", on_delete=models.PROTECT, related_name="lanes"
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    desired = models.PositiveBigIntegerField(default=0)
    settled = models.PositiveBigIntegerField(default=0)
    due_at = models.DateTimeField(default=long_ago)
    lease_until = models.DateTimeField(default=long_ago)
    epoch = models.BigIntegerField(default=0)
    tries = models.PositiveIntegerField(
        default=0
    )  # of the schedule; a new version does not reset it
    hold_until = models.DateTimeField(default=long_ago)  # a late application may still come
    verify_needed = models.BooleanField(default=False)
    last_error = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    audit_entry = audit_entry()

    objects = Lanes("plan__athlete")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "route"], name="one_lane_per_plan_and_route"),
            models.CheckConstraint(
                condition=Q(settled__lte=F("desired")), name="settled_never_ahead_of_desired"
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(state="active", desired__gt=F("settled")),
                name="lanes_with_work",
            ),
            models.Index(
                fields=["destination", "due_at"],
                condition=Q(state="active", desired__gt=F("settled")),
                name="work_of_a_destination",
            ),
            models.Index(fields=["lease_until"], name="lanes_by_lease"),
        ]

    def __str__(self) -> str:
        return f"{self.plan_id} → {self.destination_id}"


class Delivery(Identified):
    """The promise of one version in one lane, until it is delivered, superseded, blocked, unknown
    or dead.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DELIVERED = "delivered", "Delivered"
        SUPERSEDED = "superseded", "Superseded"
        BLOCKED = "blocked", "Blocked"
        UNKNOWN = "unknown", "Unknown"
        DEAD = "dead", "Dead"

    class Intent(models.TextChoices):
        SHARE = "share", "Share the version"
        REMOVE = "remove", "Remove everything"

    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="deliveries")
    revision = models.PositiveBigIntegerField()
    keyed_as = models.PositiveBigIntegerField()  # the first revision of a run of the same promise
    intent = models.CharField(max_length=8, choices=Intent.choices, default=Intent.SHARE)
    version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="deliveries")
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=64, blank=True)
    due_at = models.DateTimeField()
    accepted_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    archived_at = models.DateTimeField(null=True)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, related_name="+", null=True
    )
    withheld = models.JSONField(default=list)  # fields held back
    notes = models.JSONField(default=list)  # what the destination cannot hold
    rules = models.JSONField(default=list)
    audit_entry = audit_entry()

    objects = Tenants("lane__plan__athlete")

    class Meta:
        ordering = ["-accepted_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["lane", "revision"], name="a_revision_is_promised_once"
            ),
            models.CheckConstraint(
                condition=Q(state="waiting") | Q(settled_at__isnull=False),
                name="a_settled_delivery_says_when",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "-accepted_at"], name="deliveries_by_state"),
            models.Index(fields=["-accepted_at"], name="deliveries_newest_first"),
        ]

    def __str__(self) -> str:
        return f"revision {self.revision} of {self.lane_id}"


class Attempt(Identified):
    """One try, written before anything is sent.

    Unsettled past its deadline means: outcome unknown.
    """

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    epoch = models.BigIntegerField()
    plan_version = models.PositiveBigIntegerField()
    endpoint = models.CharField(max_length=255)  # host and kind, never a secret
    consent_id = models.UUIDField(null=True)
    idempotency_key = models.CharField(max_length=64)
    worker = models.CharField(max_length=64)
    started_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=32, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True)
    problem = models.CharField(max_length=255, blank=True, default="", db_default="")  # our words
    excerpt = models.CharField(  # of an answer that came before the first step
        max_length=2048, blank=True, default="", db_default=""
    )
    next_try_at = models.DateTimeField(null=True)
    audit_entry = audit_entry()

    objects = Tenants("lane__plan__athlete")

    class Meta:
        ordering = ["started_at"]
        constraints = [
            models.UniqueConstraint(fields=["lane", "epoch"], name="one_attempt_per_lease"),
            models.CheckConstraint(
                condition=Q(plan_version__gte=1) & ~Q(endpoint=""),
                name="an_attempt_names_version_and_endpoint",
            ),
        ]
        indexes = [
            models.Index(
                fields=["lane"], condition=Q(settled_at__isnull=True), name="unsettled_attempts"
            ),
            models.Index(fields=["settled_at"], name="attempts_by_settlement"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.delivery_id}"


class Step(Identified):
    """One create, update or remove at the destination: the intent is written before the call."""

    class State(models.TextChoices):
        INTENDED = "intended", "Intended"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        UNKNOWN = "unknown", "Unknown"

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="steps")
    item_key = models.CharField(max_length=64)
    action = models.CharField(max_length=8)
    idempotency_key = models.CharField(max_length=64)
    content_hash = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.INTENDED)
    intended_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    remote_id = models.CharField(max_length=255, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    excerpt = models.CharField(max_length=2048, blank=True)  # of the answer, whatever it was

    objects = Tenants("attempt__lane__plan__athlete")

    class Meta:
        ordering = ["intended_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["attempt", "item_key"], name="one_step_per_item_and_try"
            )
        ]
        indexes = [models.Index(fields=["remote_id"], name="steps_by_remote_id")]

    def __str__(self) -> str:
        return f"{self.action} {self.item_key}"


class RemoteRecord(Identified):
    """What we know the destination holds for one item of a lane."""

    class State(models.TextChoices):
        PRESENT = "present", "Present"
        UNCERTAIN = "uncertain", "Uncertain"
        REMOVED = "removed", "Removed"
        COPY = "copy", "A copy of ours that somebody made there"

    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="records")
    item_key = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PRESENT)
    remote_id = models.CharField(max_length=255, blank=True)
    etag = models.CharField(max_length=255, blank=True)
    content_hash = models.CharField(max_length=64, blank=True)
    body = models.BinaryField(null=True)  # what was written, sealed with the athlete's key
    day = models.DateField(null=True)  # local day of the session; empty for a whole plan
    version = models.PositiveBigIntegerField()
    revision = models.PositiveBigIntegerField()
    writes = models.PositiveIntegerField(default=1)
    written_at = models.DateTimeField()

    objects = Tenants("lane__plan__athlete")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lane", "item_key"], name="one_record_per_item")
        ]
        indexes = [models.Index(fields=["remote_id"], name="records_by_remote_id")]

    def __str__(self) -> str:
        return f"{self.item_key} as {self.remote_id}"


class Feed(Identified):
    """The secret address under which a lane of a pull destination can be read."""

    lane = models.OneToOneField(Lane, on_delete=models.CASCADE, related_name="feed")
    generation = models.PositiveIntegerField(default=1)
    revoked_at = models.DateTimeField(null=True)
    last_read_at = models.DateTimeField(null=True)

    objects = Tenants("lane__plan__athlete")

    def __str__(self) -> str:
        return f"feed of {self.lane_id}"
