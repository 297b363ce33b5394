"""Bulk actions: one wish for many lanes, previewed, carried out and accounted for lane by lane."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from sharing.models.base import REASON_LENGTH, AnyRemark, Identified, audit_entry, long_ago
from sharing.models.lane import Delivery, Lane
from sharing.models.plan import PlanVersion
from sharing.models.tenancy import OrganisationTenants, Tenants


class BulkAction(Identified):
    """Redeliver, roll back or take back what a filter found when it was asked for."""

    class Kind(models.TextChoices):
        REDELIVER = "redeliver", "Deliver again"
        ROLL_BACK = "roll_back", "Roll back to an earlier version"
        TAKE_BACK = "take_back", "Take back everything that was written"

    class State(models.TextChoices):
        PREVIEW = "preview", "Previewed: nothing has been done"
        SECOND = "second", "Waiting for a second person"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"
        EXPIRED = "expired", "Expired: nobody agreed in time"

    organisation = models.ForeignKey(
        "accounts.Organisation", on_delete=models.CASCADE, related_name="bulk_actions"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    criteria = models.JSONField(default=dict)  # the filter, as it was asked
    reason = models.CharField(max_length=REASON_LENGTH, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PREVIEW)
    forecast = models.JSONField(default=dict)  # create, update, remove, nothing, superseded …
    total = models.PositiveIntegerField(default=0)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True
    )
    asked_at = models.DateTimeField()
    ready_at = models.DateTimeField(null=True)  # when the preview was: it is good for a while
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(default=long_ago)
    epoch = models.BigIntegerField(default=0)
    audit_entry = audit_entry()

    objects = OrganisationTenants("view_athlete")

    class Meta:
        ordering = ["-asked_at"]
        indexes = [
            models.Index(
                fields=["lease_until"], condition=Q(state="running"), name="bulk_actions_to_run"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.total}"


class BulkItem(Identified):
    """One lane of a bulk action, and what became of it."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Promised"
        NOTHING = "nothing", "Nothing to do"
        REFUSED = "refused", "Refused"
        CANCELLED = "cancelled", "Cancelled"

    action = models.ForeignKey(BulkAction, on_delete=models.CASCADE, related_name="items")
    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="+")
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="+", null=True)
    version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="+", null=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    forecast = models.JSONField(default=dict)
    reason = models.CharField(max_length=REASON_LENGTH, blank=True)
    made = models.ForeignKey(Delivery, on_delete=models.SET_NULL, related_name="+", null=True)

    objects = Tenants("lane__plan__athlete")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["action", "lane"], name="a_lane_once_per_bulk_action")
        ]
        indexes = [models.Index(fields=["action", "state"], name="bulk_items_by_state")]

    def __str__(self) -> str:
        return f"{self.lane_id}: {self.state}"


class Remark(AnyRemark):
    """Beside a delivery."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="remarks")

    objects = Tenants("delivery__lane__plan__athlete")

    def __str__(self) -> str:
        return f"remark on {self.delivery_id}"
