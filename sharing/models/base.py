"""What the rows of the engine have in common: an identity, and the audit entry that sealed the last
change.
"""

import uuid
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import models

REASON_LENGTH = 300
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)  # a lease nobody holds


def long_ago() -> datetime:
    return LONG_AGO


def audit_entry() -> "models.ForeignKey[Any, Any]":
    """Every state change names its entry.

    The key is deferred: the entry is the transaction's last statement.
    """
    return models.ForeignKey(
        "audit.Entry", to_field="id", on_delete=models.PROTECT, related_name="+", editable=False
    )


class Identified(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

    class Meta:
        abstract = True


class AnyRemark(Identified):
    """What a person wrote beside something that needs one."""

    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    words = models.TextField(max_length=2000)
    written_at = models.DateTimeField()
    audit_entry = audit_entry()

    class Meta:
        abstract = True
        ordering = ["written_at"]
