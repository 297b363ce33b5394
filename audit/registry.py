"""Which models' changes are kept: before and after, with the actor, sealed into the log."""

from collections.abc import Sequence

from auditlog.registry import auditlog
from django.db.models import Model


def track(model: type[Model], *, exclude_fields: Sequence[str] = ()) -> None:
    """Keep every change of this model. Name the fields that are secret or change all the time."""
    auditlog.register(model, exclude_fields=list(exclude_fields))
