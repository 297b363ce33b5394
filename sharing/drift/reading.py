"""Reading one lane back: what we know is there, then what the destination shows. No transaction is
open during a call.
"""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from accounts import consent
from accounts.models import Athlete
from destinations.errors import DestinationError, UnknownOutcomeError
from destinations.models import Destination
from destinations.port import ListsOurs, ReadBack, Recipient, Remote, RemoteState
from sharing import cadence, clock, latency, records, turns, windows
from sharing.models import Drift, Lane, RemoteRecord, Route
from sharing.stops import covering

logger = logging.getLogger(__name__)

RESTS = (Lane.State.ACTIVE, Lane.State.DEAD)  # when nothing is owed there
PATIENCE = timedelta(seconds=2)  # waiting for the rate limit longer than this frees the worker


class Later(Exception):  # noqa: N818 - not an error: the rate limit asks to wait
    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"wait {wait}")
        self.wait = wait


@dataclass(frozen=True)
class Known:
    """A lane at rest and the records to compare, as they were before the first call."""

    lane: Lane
    records: list[RemoteRecord]
    mark: tuple[Any, ...]

    def remotes(self) -> list[Remote]:
        found = (records.as_remote(record) for record in self.records)
        return [remote for remote in found if remote is not None]


def known(lane: Lane) -> Known | None:
    """None when nothing can be told now: the lane is being written."""
    now = clock.now()
    if not at_rest(lane, now):
        return None
    held = comparable(lane, now)
    return Known(lane, held, mark(lane, held))


def lane_to_read(lane_id: UUID) -> Lane:
    related = ("plan__athlete__organisation", "route", "destination")
    return Lane.objects.select_related(*related).get(pk=lane_id)


def at_rest(lane: Lane, now: datetime) -> bool:
    """Whether what is there can be told: nothing is owed, under way, held, doubtful or repaired.

    A lane that was given up holds what was delivered there before.
    """
    return lane.state in RESTS and _is_quiet(lane, now) and not _is_doubtful(lane, now)


def in_doubt(lane: Lane, now: datetime) -> bool:
    """Whether nobody knows what is there, and nothing is under way that would tell."""
    if lane.state == Lane.State.UNKNOWN:
        return True
    return _is_quiet(lane, now) and _is_doubtful(lane, now)


def _is_quiet(lane: Lane, now: datetime) -> bool:
    return (
        lane.desired == lane.settled
        and max(lane.lease_until, lane.hold_until) <= now
        and not lane.attempts.filter(settled_at__isnull=True).exists()
        and not lane.drifts.filter(state=Drift.State.REPAIRING).exists()
    )


def _is_doubtful(lane: Lane, now: datetime) -> bool:
    """A doubt about a day gone by is about nothing that is read."""
    ahead = Q(day=None) | Q(day__gte=_today(lane, now))
    return lane.records.filter(ahead, state=RemoteRecord.State.UNCERTAIN).exists()


def may_be_read(lane: Lane) -> bool:
    """Looking at an athlete's calendar needs what writing to it needs; a kill switch ends both."""
    if lane.route.state == Route.State.RETIRED or lane.plan.athlete.state != Athlete.State.ACTIVE:
        return False
    if covering.killed(lane):
        return False
    return consent.current(lane.plan.athlete_id, lane.destination_id) is not None


def comparable(lane: Lane, now: datetime) -> list[RemoteRecord]:
    """The records of today and later: the past is the athlete's, and never written again."""
    today = _today(lane, now)
    there = (RemoteRecord.State.PRESENT, RemoteRecord.State.COPY)
    held = lane.records.filter(state__in=there).exclude(remote_id="")
    return [
        record
        for record in held.select_related("lane__plan__athlete").order_by("item_key")
        if _still_ahead(record.day, today)
    ]


def _today(lane: Lane, now: datetime) -> date:
    return now.astimezone(cadence.zone_of(lane.plan.athlete.time_zone)).date()


def _still_ahead(day: date | None, today: date) -> bool:
    return day is None or day >= today


def mark(lane: Lane, held: Iterable[RemoteRecord]) -> tuple[Any, ...]:
    """What changes whenever somebody else touches the lane or one of its records."""
    rows = tuple(
        (record.pk, record.revision, record.writes, record.content_hash) for record in held
    )
    return (lane.epoch, lane.desired, lane.settled, rows)


def read(adapter: ReadBack, known: Known, turn: "Turn") -> dict[str, RemoteState]:
    """One definite answer for each record, by item key.

    Raises a DestinationError when one cannot be had, and Later when the rate limit says so.
    """
    remotes = {remote.item_key: remote for remote in known.remotes()}
    if not remotes:
        return {}  # the past is over, and nothing is ahead
    turn.take()
    with latency.timed("read back", turn.destination_id):
        listed_ones = _ask(adapter.read_back, list(remotes.values()))
    answers = {state.item_key: state for state in listed_ones}
    for key, remote in remotes.items():
        listed = answers.get(key)
        if listed is None or listed.present is None:
            turn.take()
            with latency.timed("look up", turn.destination_id):
                found = _ask(adapter.look_up, remote)
            answers[key] = replace(found, copies=listed.copies if listed else ())
    if any(answers[key].present is None for key in remotes):
        raise UnknownOutcomeError("The destination does not say whether a session is there.")
    return {key: answers[key] for key in remotes}


def listed_as_ours(
    adapter: ListsOurs, recipient: Recipient, days: windows.Window, turn: "Turn"
) -> list[Remote]:
    """Everything on these days that we wrote, as far as it can be told."""
    turn.take()
    with latency.timed("read back", turn.destination_id):
        found: list[Remote] = _ask(adapter.ours, recipient, days.start, days.end)
    return found


def _ask(question: Any, *about: Any) -> Any:
    """One call. A fault of the adapter says nothing about what is there."""
    try:
        return question(*about)
    except DestinationError:
        raise
    except Exception as error:
        logger.exception("An adapter failed while reading back.")
        raise UnknownOutcomeError(f"The adapter failed ({type(error).__name__}).") from error


@dataclass
class Turn:
    """Before each call: the destination's rate limit, and the caller's lease."""

    destination: Destination
    renew: Any

    @property
    def destination_id(self) -> UUID:
        return self.destination.pk

    def take(self) -> None:
        while wait := turns.take(self.destination):
            if wait > PATIENCE:
                raise Later(wait)
            time.sleep(wait.total_seconds())
        self.renew()
