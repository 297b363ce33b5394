"""Model changes (django-auditlog) sealed into the log: rows can be changed, digests cannot.

auditlog writes its row when a tracked model is saved. Its digest becomes an entry in the same
transaction; saved outside of any block, the change is sealed by itself, right after it.
"""

import json
from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from typing import Any

from auditlog import get_logentry_model
from django.contrib.contenttypes.models import ContentType

from audit import entry, stored
from audit.log import audited_atomic

ACTION = "model.changed"
BATCH = 500


def seal(change: Any) -> None:
    """Put the digest of a change into the log, in the transaction that made the change."""
    with audited_atomic() as log:
        log.record(
            ACTION,
            commitment=digest(change),
            extra={"row": change.pk, "model": _model(change), "change": _verb(change)},
        )


def digest(change: Any) -> str:
    """What the change says of itself.

    Left out is what erasing a person takes away: the name of the object, and who did it, which
    the entry says by pseudonym.
    """
    said = [
        _model(change), str(change.object_pk), change.action, change.changes,
        entry.time_text(change.timestamp),
    ]  # fmt: skip
    return sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


def altered() -> Iterator[tuple[int, str]]:
    """Sealed changes whose row is gone or says something else today."""
    lines = _seals()
    while batch := list(islice(lines, BATCH)):
        changes = get_logentry_model().objects.in_bulk([line["extra"]["row"] for line in batch])
        for line in batch:
            change = changes.get(line["extra"]["row"])
            if change is None:
                yield line["seq"], f"Entry {line['seq']}: the model change it sealed is gone."
            elif digest(change) != line.get("commitment"):
                yield line["seq"], f"Entry {line['seq']}: the model change it sealed was altered."


def unsealed() -> Iterator[int]:
    """Rows of auditlog that no entry speaks of."""
    known = get_logentry_model().objects.order_by("pk").values_list("pk", flat=True)
    rows = list(known)  # before the entries, which are never newer than their rows
    sealed = {line["extra"]["row"] for line in _seals()}
    return (row for row in rows if row not in sealed)


def _model(change: Any) -> str:
    kind = ContentType.objects.get_for_id(change.content_type_id)
    return f"{kind.app_label}.{kind.model}"


def _verb(change: Any) -> str:
    actions = get_logentry_model().Action
    verbs = {actions.CREATE: "create", actions.UPDATE: "update", actions.DELETE: "delete"}
    return verbs.get(change.action, "access")


def _seals() -> Iterator[dict[str, Any]]:
    """The entries that name a row of auditlog, whatever else has become of them."""
    for line in stored.lines(action=ACTION):
        extra = line.get("extra")
        row = extra.get("row") if isinstance(extra, dict) else None
        if isinstance(row, int) and abs(row) < entry.LARGEST_NUMBER:
            yield line
