"""Model changes (django-auditlog) sealed into the log: rows can be changed, digests cannot."""

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from audit import entry
from audit.log import audited_atomic
from audit.models import Entry

ACTION = "model.changed"


def seal(log_entry: Any) -> None:
    """Put the digest of a change into the log, in the transaction that made the change."""
    with audited_atomic() as log:
        log.record(
            ACTION,
            commitment=digest(log_entry),
            extra={
                "row": log_entry.pk,
                "model": log_entry.content_type.model,
                "change": log_entry.get_action_display(),
            },
        )


def digest(log_entry: Any) -> str:
    said = [
        log_entry.content_type.model,
        log_entry.object_pk,
        log_entry.action,
        log_entry.changes,
    ]
    return sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


def altered() -> Iterator[tuple[int, str]]:
    """Sealed changes whose row is gone or says something else today."""
    from auditlog.models import LogEntry  # noqa: PLC0415 - loaded after the apps

    rows = Entry.objects.filter(action=ACTION).order_by("seq")
    for sealed in rows.iterator(chunk_size=2_000):
        line = entry.decode(bytes(sealed.body))
        change = LogEntry.objects.filter(pk=line["extra"]["row"]).first()
        if change is None:
            yield sealed.seq, f"Entry {sealed.seq}: the model change it sealed is gone."
        elif digest(change) != line["commitment"]:
            yield sealed.seq, f"Entry {sealed.seq}: the model change it sealed was altered."
