"""Plans and their versions. A version is written once; the models and the database refuse every
later change to it.
"""

import json
from typing import Any

from django.db import models
from django.db.models import Q

from audit.append_only import AppendOnlyModel
from plans.model import Plan as CanonicalPlan
from sharing.models.base import Identified, audit_entry
from sharing.models.tenancy import AppendOnlyTenants, Tenants

BY_TIME_ALONE = "window.moved-on/1"  # the rule of a version in which nobody changed anything
ERASED = "Erased: what this version said is gone for good."


class Plan(Identified):
    """An athlete and a window of local days: rolling on from this week's Monday, or a block with
    fixed dates.
    """

    class Kind(models.TextChoices):
        ROLLING = "rolling", "Rolling"
        BLOCK = "block", "Block"

    athlete = models.ForeignKey("accounts.Athlete", on_delete=models.CASCADE, related_name="plans")
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.ROLLING)
    weeks = models.PositiveSmallIntegerField(default=6)
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    newest = models.PositiveBigIntegerField(default=0)
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = Tenants("athlete")

    class Meta:
        ordering = ["athlete_id", "kind", "created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["athlete"], condition=Q(kind="rolling"), name="one_rolling_plan_per_athlete"
            ),
            models.CheckConstraint(
                condition=Q(kind="rolling") | Q(starts_on__isnull=False, ends_on__isnull=False),
                name="a_block_has_dates",
            ),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=models.F("starts_on")),
                name="a_block_ends_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PlanVersion(AppendOnlyModel, Identified):
    """What the athlete's plan was at one moment, sealed with the athlete's key.

    Numbers only grow.
    """

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="versions")
    version = models.PositiveBigIntegerField()
    content_hash = models.CharField(max_length=64)
    content = models.BinaryField()
    starts_on = models.DateField()
    ends_on = models.DateField()
    session_count = models.PositiveIntegerField()
    total_duration = models.PositiveBigIntegerField()  # seconds
    urgent = models.BooleanField()
    rules = models.JSONField(default=list)  # the named, versioned rules this version was made by
    hint_seq = models.BigIntegerField(default=0)
    first_hint_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField()
    published_at = models.DateTimeField()
    audit_entry = audit_entry()

    objects = AppendOnlyTenants("plan__athlete")

    class Meta:
        ordering = ["plan_id", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "version"], name="a_version_number_is_used_once"
            )
        ]

    def __str__(self) -> str:
        return f"version {self.version}"

    def seal(self, document: dict[str, Any]) -> None:
        """Set the content. The identity is part of the seal, so it must be final by now."""
        data = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        self.content = self.plan.athlete.seal(data, purpose=f"version:{self.pk}")

    def document(self) -> dict[str, Any]:
        """The unsealed content: `plan` (canonical) and `summary` (sentences about what changed)."""
        opened = self.plan.athlete.unseal(bytes(self.content), purpose=f"version:{self.pk}")
        document: dict[str, Any] = json.loads(opened)
        return document

    @property
    def is_erased(self) -> bool:
        """The athlete's key was destroyed: what was written here opens no more."""
        return self.plan.athlete.is_erased

    def canonical(self) -> CanonicalPlan:
        """The plan; of an erased athlete, its days without anything on them."""
        if self.is_erased:
            return self._emptied()
        return CanonicalPlan.model_validate(self.document()["plan"])

    def summary(self) -> list[str]:
        if self.is_erased:
            return [ERASED]
        return [str(line) for line in self.document()["summary"]]

    def _emptied(self) -> CanonicalPlan:
        return CanonicalPlan.of(
            (),
            plan_id=str(self.plan_id),
            version=self.version,
            plan_name=self.plan.name,
            start_date=self.starts_on,
            end_date=self.ends_on,
            published_at=self.published_at,
        )


class Acknowledgement(AppendOnlyModel, Identified):
    """The athlete (or the coach) has seen this version."""

    version = models.ForeignKey(
        PlanVersion, on_delete=models.CASCADE, related_name="acknowledgements"
    )
    channel = models.CharField(max_length=12)
    acknowledged_at = models.DateTimeField()
    audit_entry = audit_entry()

    objects = AppendOnlyTenants("version__plan__athlete")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "channel"], name="acknowledged_once")
        ]

    def __str__(self) -> str:
        return f"{self.version_id} seen"
