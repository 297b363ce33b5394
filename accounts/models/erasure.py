"""Erasures: who asked to be forgotten, and whether it is done. The rows name nobody."""

import uuid
from typing import Any

from django.db import models


class Erasure(models.Model):
    """`person` is a keyed hash: it knows a person of the roster again, and says nothing else.

    The athlete is no foreign key: a restored database may not know them.
    """

    class State(models.TextChoices):
        ASKED = "asked", "Asked for: what was shared is being taken back"
        DONE = "done", "Done"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    athlete_id = models.UUIDField(unique=True)
    pseudonym = models.UUIDField()
    person = models.CharField(max_length=64, blank=True, db_index=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ASKED)
    asked_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    remaining = models.PositiveIntegerField(default=0)  # lanes whose removal nobody confirmed
    kept_out_at = models.DateTimeField(null=True)  # when the roster first listed them again
    audit_entry: "models.ForeignKey[Any, Any]" = models.ForeignKey(
        "audit.Entry", to_field="id", on_delete=models.PROTECT, related_name="+", editable=False
    )

    class Meta:
        ordering = ["asked_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="asked") | models.Q(done_at__isnull=False),
                name="a_done_erasure_says_when",
            )
        ]

    def __str__(self) -> str:
        return f"erasure of {self.pseudonym}"
