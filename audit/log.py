"""Appending: what happened is recorded inside the transaction that made it happen.

Events are buffered and written as the transaction's last statements, because writing takes
the lock on the log's one head: whoever holds it only has to commit.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.utils import timezone

from audit import actor as actors
from audit import entry, merkle
from audit.actor import Actor
from audit.models import Entry, Head

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LOOKUPS = ("organisation", "subject", "plan", "destination", "delivery")


@dataclass
class Log:
    """The events of one transaction, in order, until they are written."""

    events: list[dict[str, Any]] = field(default_factory=list)

    def record(
        self,
        action: str,
        *,
        actor: Actor | None = None,
        extra: Mapping[str, str | int | bool | None] | None = None,
        **about: Any,
    ) -> UUID:
        """Note an event and return its entry's id at once, so that rows can refer to it.

        `about` takes organisation, subject, plan, version, destination, delivery, attempt,
        consent (identifiers), outcome (a code) and commitment (a SHA-256 in hex). Free text
        there raises ValueError; in `extra` it is kept as its digest.
        """
        unknown = set(about) - KNOWN
        if unknown:
            raise TypeError(f"The log does not know: {', '.join(sorted(unknown))}.")
        who = actor or actors.current()
        identity = uuid4()
        event = {
            "id": identity,
            "action": action,
            "actor_kind": who.kind,
            "actor_id": who.id,
            "request": actors.request_id(),
            "extra": dict(extra or {}),
            **about,
        }
        entry.encode(0, EARLIEST, event)  # refuses free text here, where it was said
        self.events.append(event)
        return identity


KNOWN = frozenset(entry.IDENTITIES) | {"version", "outcome", "commitment"}
_open = threading.local()


@contextmanager
def audited_atomic() -> Iterator[Log]:
    """A transaction that records what it does. Nested blocks add to the outermost one's log.

    A nested block that fails takes its own events with it.
    """
    outer: Log | None = getattr(_open, "log", None)
    if outer is None:
        with _outermost() as log:
            yield log
        return
    mark = len(outer.events)
    try:
        with transaction.atomic():
            yield outer
    except BaseException:
        del outer.events[mark:]
        raise


@contextmanager
def _outermost() -> Iterator[Log]:
    log = Log()
    _open.log = log
    try:
        with transaction.atomic():
            yield log
            _write(log.events)
    finally:
        _open.log = None


def record(action: str, **about: Any) -> UUID:
    """Record in the block that is open. Raises RuntimeError outside of one."""
    log: Log | None = getattr(_open, "log", None)
    if log is None:
        raise RuntimeError("Nothing can be recorded outside of audited_atomic().")
    return log.record(action, **about)


def recording() -> bool:
    return getattr(_open, "log", None) is not None


def _write(events: list[dict[str, Any]]) -> None:
    """Lock the head, add the entries, move the head: nothing but the commit may follow."""
    if not events:
        return
    head = Head.objects.select_for_update().get(pk=1)
    peaks = merkle.Peaks.from_bytes(head.size, bytes(head.peaks))
    at = max(_now(), head.last_at)
    entries = [_entry(event, peaks, at) for event in events]
    Entry.objects.bulk_create(entries)
    Head.objects.filter(pk=1).update(size=peaks.size, peaks=peaks.to_bytes(), last_at=at)


def _entry(event: dict[str, Any], peaks: merkle.Peaks, at: datetime) -> Entry:
    seq = peaks.size
    body = entry.encode(seq, at, event)
    leaf = merkle.leaf_hash(body)
    peaks.append(leaf)
    lookups = {name: event.get(name) for name in LOOKUPS}
    return Entry(
        seq=seq, id=event["id"], body=body, leaf_hash=leaf, action=event["action"], at=at, **lookups
    )


def _now() -> datetime:
    """The database's clock; with SQLite that is this machine's."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment
