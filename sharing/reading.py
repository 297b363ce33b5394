"""Reading what is out of date: claim a source, ask it, record what changed. One road, crash-safe.

The counter is noted before anything is asked and set clean with the commit of what was
found, so a hint that comes in between costs another reading and is never lost.
"""

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Min, Q, QuerySet

from accounts.models import Athlete, Connection
from audit.crashpoint import crashpoint
from audit.log import audited_atomic
from audit.retrying import retried
from sharing import (
    aftermath,
    clock,
    guardrails,
    health,
    intake,
    quarantine,
    retry,
    trouble,
    versions,
    windows,
)
from sharing.guardrails.emptying import is_emptied
from sharing.models import Hint, Plan, Source
from sharing.models.base import LONG_AGO
from sharing.source import quota, readers
from sharing.source.errors import (
    NEEDS_TIME_ZONE,
    BadAnswerError,
    DatabaseFailedError,
    EmptiedError,
    OwnFaultError,
    ReaderCrashedError,
    SourceError,
    SourceRefusedError,
    SourceUnavailableError,
)
from sharing.source.window import Found, Known
from sharing.windows import Window

logger = logging.getLogger(__name__)

LONGEST_PAUSE = 5  # of the retry schedule: half an hour; a source is never given up
ASKS_A_PERSON = timedelta(hours=1)  # between two tries that only a person can make succeed
DOUBTED = 3  # refusals in a row that may be a token that ended on the way


_served: dict[UUID, float] = {}  # connection → when this process began to read there last


class FencedError(Exception):
    """Another worker has the source now: whatever we found is theirs to find."""


@dataclass
class Claim:
    """A source that is ours until the lease ends, and the counter as it was before we asked."""

    source: Source
    epoch: int
    seq: int
    renewed: float = field(default_factory=time.monotonic)

    def heed(self) -> None:
        """Before each call: keep the lease, or stop because it is lost."""
        if time.monotonic() - self.renewed < settings.BATON_LEASE.total_seconds() / 6:
            return
        if not self.mine().update(lease_until=clock.now() + settings.BATON_LEASE):
            raise FencedError
        self.renewed = time.monotonic()

    def mine(self) -> QuerySet[Source]:
        return Source.objects.filter(pk=self.source.pk, epoch=self.epoch)


def read_due(worker: str) -> bool:
    """Read one source that is out of date. False when none is due."""
    claim = _claim()
    if claim is None:
        return False
    crashpoint("P04")
    try:
        _not_deadly(claim.source)
        _read(claim)
    except FencedError:
        logger.info("%s lost its lease while reading; another worker goes on.", worker)
    except SourceError as error:
        _postpone(claim, error)
    except retry.UNWELL:
        logger.exception("The database failed over a reading; it is tried again soon.")
        _postpone(claim, DatabaseFailedError())
    except Exception:
        logger.exception("Reading a source met a fault; it is tried again later.")
        _postpone(claim, OwnFaultError())
    return True


def due(now: datetime) -> QuerySet[Source]:
    """What can be read now; who would only wait for another worker's new token waits here."""
    return Source.objects.filter(
        _has_a_token(now),
        Q(due_at__lte=now, lease_until__lt=now, dirty_seq__gt=F("clean_seq")),
        state=Source.State.ACTIVE,
        athlete__state=Athlete.State.ACTIVE,
        athlete__connection__state__in=(
            Connection.State.HEALTHY,
            Connection.State.SCOPE_MISSING,
        ),
    )


def _has_a_token(now: datetime) -> Q:
    connection = "athlete__connection__"
    renewing = f"{connection}refresh_lease_until"
    free = Q((renewing, None)) | Q((f"{renewing}__lte", now))
    return free | Q((f"{connection}expires_at__gt", now))


def _claim() -> Claim | None:
    """Lease the source that has waited longest at the connection that had no turn for longest: a
    large roster delays nobody else's.
    """
    for connection_id in _connections_in_turn():
        if claim := _claim_of(connection_id):
            _served[connection_id] = time.monotonic()
            return claim
    return None


def _connections_in_turn() -> list[UUID]:
    of_each = due(clock.now()).values_list(
        "athlete__connection", "athlete__connection__kind", Min("due_at")
    )
    waiting = list(of_each.order_by())
    if waiting and quota.held():  # whoever asked now would only find out the same
        waiting = [row for row in waiting if row[1] != Connection.Kind.TRAININGPEAKS]
    waiting.sort(key=lambda row: (_served.get(row[0], -math.inf), row[2]))
    return [connection_id for connection_id, _, _ in waiting]


@retried
def _claim_of(connection_id: UUID) -> Claim | None:
    """By an UPDATE that says what it expects, within what this coach may have read."""
    with transaction.atomic():
        now = clock.now()
        waiting = due(now).filter(athlete__connection=connection_id).order_by("due_at")
        rows = waiting.select_for_update(skip_locked=True, of=("self",), no_key=True)
        row = rows.select_related("athlete__connection").first()
        if row is None or quota.take_reading(connection_id):
            return None
        claim = Claim(row, row.epoch + 1, row.dirty_seq)
        free = Source.objects.filter(pk=row.pk, epoch=row.epoch)
        taken = free.update(
            lease_until=now + settings.BATON_LEASE,
            epoch=F("epoch") + 1,
            unreturned=F("unreturned") + 1,
        )
    return claim if taken else None


def _not_deadly(source: Source) -> None:
    """What may kill whoever reads it is read less and less often, and an alert says why."""
    if source.unreturned >= retry.CRASHES:
        raise ReaderCrashedError


def _read(claim: Claim) -> None:
    read_at = clock.now()
    plans = list(claim.source.athlete.plans.filter(archived_at=None).select_related("athlete"))
    covered = [(plan, windows.window_of(plan, read_at)) for plan in plans]
    wanted = [(plan, window) for plan, window in covered if window is not None]
    known = versions.known(plan for plan, _ in wanted)
    found = _ask(claim, wanted, known)
    crashpoint("P05")
    _commit(
        claim,
        wanted,
        found,
        read_at,
        emptied=is_emptied(_in_sight(known, wanted), len(found.sessions)),
        blind=any(map(windows.needs_time_zone, plans)),
    )


def _ask(claim: Claim, wanted: Sequence[tuple[Plan, Window]], known: Known) -> Found:
    """Read each day once, however many plans cover it. No transaction is open meanwhile."""
    days = windows.joined(window for _, window in wanted)
    if not days:
        return Found((), {})
    athlete = claim.source.athlete
    afresh = _asked_by_a_person(claim)
    found = readers.read(athlete, days, Known() if afresh else known, heed=claim.heed)
    gone = not found.sessions and is_emptied(_in_sight(known, wanted), 0)
    if gone and not afresh and not _said_before(claim):
        raise EmptiedError
    health.worked(athlete.connection, allowed=found.allowed, refused=found.refused)
    return found


def _in_sight(known: Known, wanted: Sequence[tuple[Plan, Window]]) -> int:
    """How many of the known sessions no time that passed explains away."""
    dates = [session.date for session in known.sessions.values()]
    return sum(any(window.holds(date) for _, window in wanted) for date in dates)


def _said_before(claim: Claim) -> bool:
    return claim.source.last_error == EmptiedError.code


def _asked_by_a_person(claim: Claim) -> bool:
    """Then nothing is taken as known: every interval is read again."""
    return _unread(claim).filter(kind=Hint.Kind.MANUAL).exists()


def _unread(claim: Claim) -> QuerySet[Hint]:
    return Hint.objects.filter(
        source=claim.source, seq__gt=claim.source.clean_seq, seq__lte=claim.seq
    )


@retried
def _commit(
    claim: Claim,
    wanted: Sequence[tuple[Plan, Window]],
    found: Found,
    read_at: datetime,
    *,
    emptied: bool,
    blind: bool,
) -> None:
    """Versions, promises and the clean counter in one transaction, if the source is still ours."""
    first = _unread(claim).aggregate(at=Min("received_at"))["at"]
    occasion = versions.Occasion(claim.seq, first or claim.source.dirty_since, read_at)
    with audited_atomic() as log:
        row = _fenced(claim)
        for plan, window in wanted:
            versions.record(plan, found, window, occasion, log)
            if row.read_at is None:
                aftermath.catch_up(plan, log)
        if emptied:
            row.emptied_at = read_at
            guardrails.hold_emptied(row)
        quarantine.read_well(row, log)
        _settle(row, claim, read_at, _remark(found, blind=blind))


def _fenced(claim: Claim) -> Source:
    row = (
        claim.mine().select_for_update(of=("self",), no_key=True).select_related("athlete").first()
    )
    if row is None:
        raise FencedError
    return row


def _remark(found: Found, *, blind: bool) -> str:
    """What still keeps a reading that went well from being a whole one."""
    if blind:
        return NEEDS_TIME_ZONE
    return SourceRefusedError.code if found.refused else ""


def _settle(row: Source, claim: Claim, read_at: datetime, remark: str) -> None:
    row.clean_seq = claim.seq
    row.read_at = read_at
    row.failures, row.last_error, row.unreturned = 0, remark, 0
    row.lease_until = LONG_AGO
    row.dirty_since = None
    if row.dirty_seq > row.clean_seq:
        later = Hint.objects.filter(source=row, seq__gt=row.clean_seq)
        row.dirty_since = later.aggregate(at=Min("received_at"))["at"] or read_at
        row.due_at = intake.due_at(row, clock.now())
    row.save()


@retried
def _postpone(claim: Claim, error: SourceError) -> None:
    """Nothing was recorded. Say why, and when it is tried again."""
    logger.warning("A source could not be read: %s", error.code)
    with audited_atomic() as log:
        try:
            row = _fenced(claim)
        except FencedError:
            return
        row.failures += 1
        row.last_error = error.code
        row.unreturned = retry.CRASHES - 1 if isinstance(error, ReaderCrashedError) else 0
        row.lease_until = LONG_AGO
        row.due_at = clock.now() + _pause(row, error)
        trouble.consequence(row, error, log)
        row.save()


def _pause(row: Source, error: SourceError) -> timedelta:
    refused = isinstance(error, SourceRefusedError) and row.failures > DOUBTED
    if refused or isinstance(error, BadAnswerError):
        return ASKS_A_PERSON
    if isinstance(error, DatabaseFailedError):
        return retry.BREATHER * min(row.failures, LONGEST_PAUSE)
    asked = error.retry_after if isinstance(error, SourceUnavailableError) else None
    return retry.delay(min(row.failures, LONGEST_PAUSE), asked) or ASKS_A_PERSON
