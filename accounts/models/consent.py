"""Consent decisions: added, never edited. The latest one counts; none means no."""

import uuid

from django.db import models

from accounts.models.people import Athlete, User
from audit.append_only import AppendOnlyManager, AppendOnlyModel


class ConsentManager(AppendOnlyManager["ConsentDecision"]):
    def for_user(self, user: User) -> models.QuerySet["ConsentDecision"]:
        return self.filter(athlete__in=Athlete.objects.for_user(user, "view_consent"))


class ConsentDecision(AppendOnlyModel):
    class Decision(models.TextChoices):
        GRANTED = "granted", "Granted"
        DECLINED = "declined", "Declined"
        WITHDRAWN = "withdrawn", "Withdrawn"

    class Basis(models.TextChoices):
        ATHLETE_LINK = "athlete_link", "By the athlete's own link"
        ATHLETE_PORTAL = "athlete_portal", "In the athlete's portal"
        COACH_RECORD = "coach_record", "Recorded by the coach"
        ERASURE = "erasure", "With the erasure of the athlete"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    athlete = models.ForeignKey(Athlete, on_delete=models.PROTECT, related_name="consents")
    destination_id = models.UUIDField()
    decision = models.CharField(max_length=10, choices=Decision.choices)
    purpose = models.CharField(max_length=200, blank=True)
    fields = models.JSONField(default=list)
    notice_version = models.CharField(max_length=32)
    notice_hash = models.CharField(max_length=64)
    language = models.CharField(max_length=8, default="en")
    basis = models.CharField(max_length=16, choices=Basis.choices)
    basis_note = models.CharField(max_length=500, blank=True)  # as it was kept before `sealed_note`
    sealed_note = models.BinaryField(null=True)
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    decided_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    audit_entry = models.ForeignKey(
        "audit.Entry", to_field="id", on_delete=models.PROTECT, related_name="+", editable=False
    )

    objects = ConsentManager()

    class Meta:
        ordering = ["-decided_at"]
        indexes = [
            models.Index(fields=["athlete", "destination_id", "-decided_at"], name="consent_latest")
        ]

    def __str__(self) -> str:
        return f"{self.decision} {self.decided_at}"

    def seal_note(self, words: str) -> None:
        """A note says how a person agreed, perhaps by name, and this row is never edited."""
        if words:
            self.sealed_note = self.athlete.seal(words.encode(), purpose=f"consent:{self.pk}")

    @property
    def note(self) -> str:
        """How the athlete said so, in the words of whoever recorded it."""
        if self.sealed_note is None:
            return self.basis_note
        if self.athlete.is_erased:
            return ""
        return self.athlete.unseal(bytes(self.sealed_note), purpose=f"consent:{self.pk}").decode()


class ConsentHead(models.Model):
    """The latest decision for an athlete and a destination: the row that a sender locks."""

    athlete = models.ForeignKey(Athlete, on_delete=models.PROTECT, related_name="consent_heads")
    destination_id = models.UUIDField()
    latest = models.ForeignKey(ConsentDecision, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["athlete", "destination_id"], name="one_consent_head")
        ]

    def __str__(self) -> str:
        return f"head of {self.athlete_id}"
