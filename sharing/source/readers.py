"""Which reader serves which kind of connection."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Protocol
from zoneinfo import ZoneInfo

from accounts.models import Athlete, Connection
from sharing.source import calendar_feed
from sharing.source.client import Heed, TrainingPeaks
from sharing.source.errors import NeedsReconnectError
from sharing.source.window import Found, Known, merged, read_days


class Days(Protocol):
    """A span of local days. Both ends are inside."""

    @property
    def start(self) -> date: ...
    @property
    def end(self) -> date: ...


def _trainingpeaks(
    athlete: Athlete, connection: Connection, days: Sequence[Days], known: Known, heed: Heed
) -> Found:
    number = athlete.source_id or 0
    with TrainingPeaks(connection.pk, heed=heed) as source:
        found = merged([read_days(source, number, part.start, part.end, known) for part in days])
        return replace(found, allowed=frozenset(source.allowed))


def _calendar_feed(
    athlete: Athlete,
    connection: Connection,
    days: Sequence[Days],
    known: Known,
    heed: Heed,
) -> Found:
    heed()
    zone = ZoneInfo(athlete.time_zone) if athlete.time_zone else None
    sessions = calendar_feed.read(connection.feed_url or "", zone)
    inside = [
        session
        for session in sessions
        if any(part.start <= session.date <= part.end for part in days)
    ]
    return Found(tuple(inside), {})


READERS: dict[str, Callable[..., Found]] = {
    Connection.Kind.TRAININGPEAKS: _trainingpeaks,
    Connection.Kind.CALENDAR_FEED: _calendar_feed,
}


def read(athlete: Athlete, days: Sequence[Days], known: Known, *, heed: Heed) -> Found:
    """Everything the athlete's source says about these days."""
    if athlete.connection is None:
        raise NeedsReconnectError("The athlete has no connection any more.")
    return READERS[athlete.connection.kind](athlete, athlete.connection, days, known, heed)
