"""Appending: what happened is recorded inside the transaction that made it happen.

Events wait and are written as the transaction's last statements, because writing takes the lock
on the log's one head: whoever holds it only has to commit.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.utils import timezone

from audit import actor as actors
from audit import entry, merkle
from audit.actor import Actor
from audit.crashpoint import crashpoint
from audit.models import Entry, Head

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
KNOWN = frozenset(entry.IDENTITIES) | {"version", "outcome", "commitment"}


class _Here(threading.local):
    """How many blocks are open around this thread's code: like its connection, its own."""

    depth = 0


_here = _Here()


@dataclass(frozen=True, eq=False)
class _Event:
    """Something that happened, waiting among the transaction's commit callbacks.

    Django drops from that list whatever belonged to a savepoint that was rolled back, be it ours
    or anybody's. So an event lasts exactly as long as the rows that it speaks of.
    """

    about: Mapping[str, Any]

    def __call__(self) -> None:
        """It is taken off the list when it is written, so nothing is left for the commit."""


class Log:
    """Where the code inside a block says what it does."""

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
        consent (identifiers), outcome (a code) and commitment (a SHA-256 in hex); `extra` takes
        codes, numbers and truths, and under `….before` and `….after` the value of a setting.
        Names, addresses and other free text raise ValueError.
        """
        if not recording():
            raise RuntimeError("Nothing can be recorded outside of audited_atomic().")
        if unknown := set(about) - KNOWN:
            raise TypeError(f"The log does not know: {', '.join(sorted(unknown))}.")
        event = _who(actor) | {"id": uuid4(), "action": action, "extra": dict(extra or {})} | about
        entry.encode(0, EARLIEST, event)  # refuses free text here, where it was said
        transaction.on_commit(_Event(event))
        identity: UUID = event["id"]
        return identity


_log = Log()


@contextmanager
def audited_atomic() -> Iterator[Log]:
    """A transaction that records what it does. A nested block is a savepoint of the outer one.

    What fails takes its own events with it. Inside somebody else's plain `atomic` it works as
    well, but holds the head from its own end to theirs.
    """
    with transaction.atomic():
        _here.depth += 1
        try:
            yield _log
            if _here.depth == 1 and not transaction.get_rollback():
                _write(_waiting())
        finally:
            _here.depth -= 1  # before the commit, whose callbacks may open blocks of their own


def record(action: str, **about: Any) -> UUID:
    """Record in the block that is open. Raises RuntimeError outside of one."""
    return _log.record(action, **about)


def recording() -> bool:
    return _here.depth > 0


def _who(actor: Actor | None) -> dict[str, Any]:
    who = actor or actors.current()
    return {"actor_kind": who.kind, "actor_id": who.id, "request": actors.request_id()}


def _waiting() -> list[_Event]:
    """Take the events that still stand off the list of commit callbacks."""
    callbacks = connection.run_on_commit
    connection.run_on_commit = [each for each in callbacks if not isinstance(each[1], _Event)]
    return [each[1] for each in callbacks if isinstance(each[1], _Event)]


def _write(events: list[_Event]) -> None:
    """Lock the head, add the entries, move the head: nothing but the commit may follow."""
    if not events:
        return
    asked_at = now()  # before the lock: whoever holds it keeps every other writer waiting
    head = Head.objects.select_for_update(no_key=True).get(pk=1)
    peaks = merkle.Peaks.from_bytes(head.size, bytes(head.peaks))
    at = max(asked_at, head.last_at)
    Entry.objects.bulk_create([_entry(event.about, peaks, at) for event in events])
    Head.objects.filter(pk=1).update(size=peaks.size, peaks=peaks.to_bytes(), last_at=at)
    crashpoint("P17")


def _entry(event: Mapping[str, Any], peaks: merkle.Peaks, at: datetime) -> Entry:
    seq = peaks.size
    body = entry.encode(seq, at, event)
    leaf = merkle.leaf_hash(body)
    peaks.append(leaf)
    lookups = {name: event.get(name) for name in entry.LOOKUPS}
    return Entry(
        seq=seq, id=event["id"], body=body, leaf_hash=leaf, action=event["action"], at=at, **lookups
    )


def now() -> datetime:
    """The database's clock; with SQLite that is this machine's."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment
