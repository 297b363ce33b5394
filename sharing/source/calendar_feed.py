"""The fallback without API access: a TrainingPeaks calendar published as iCalendar.

It has titles, days and words, but no intervals, no load and no list of changes. Its
address is a secret.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, tzinfo
from hashlib import sha256
from typing import Any

from django.core.exceptions import ValidationError
from icalendar import Calendar

from accounts import calendars
from plans.model import Session, Sport, in_order
from plans.trainingpeaks.workouts import sport_of
from sharing import latency
from sharing.source import meaning
from sharing.source.endpoints import Endpoint
from sharing.source.errors import BadAnswerError, SourceRejectedError
from sharing.source.http import Http

FEED = Endpoint("calendar-feed", "GET", "", "", "Read a calendar where there is no API access.")
_PLAIN = re.compile(r"[^A-Za-z0-9._-]+")
_SPORT = re.compile(r"^\s*([A-Za-z][A-Za-z -]{2,15}?)\s*[:\-–]\s*", re.ASCII)
LONGEST_KEY = 64


def address(feed_url: str) -> str:
    """The https address of a published calendar; only TrainingPeaks itself is asked."""
    try:
        return calendars.address(feed_url)
    except ValidationError as error:
        raise SourceRejectedError(str(error.message)) from None


def read(feed_url: str, zone: tzinfo | None) -> tuple[Session, ...]:
    """Every session of the calendar. One that cannot be read as a calendar is refused whole."""
    url = address(feed_url)
    with Http() as http, latency.timed(FEED.name):
        answer = http.exchange(FEED.method, url)
    return parse(meaning.checked(answer, FEED).body, zone)


def parse(body: bytes, zone: tzinfo | None = None) -> tuple[Session, ...]:
    """Sessions by the athlete's wall clock; a moment in UTC is read in their zone."""
    try:
        calendar = Calendar.from_ical(body)
        sessions = {session.item_id: session for session in _sessions(calendar, zone)}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadAnswerError(FEED.name, "", f"expected a calendar ({error})"[:200], body) from None
    return in_order(sessions.values())


def _sessions(calendar: Any, zone: tzinfo | None) -> Iterator[Session]:
    for event in calendar.walk("VEVENT"):
        if str(event.get("STATUS", "")).upper() != "CANCELLED":
            yield _session(event, zone)


def _session(event: Any, zone: tzinfo | None) -> Session:
    starts = event.decoded("DTSTART")
    if isinstance(starts, datetime) and starts.tzinfo is not None and zone is not None:
        starts = starts.astimezone(zone)
    title = str(event.get("SUMMARY", ""))
    return Session(
        item_id=_key(str(event["UID"])),
        sport=_sport(title),
        date=starts.date() if isinstance(starts, datetime) else starts,
        start_time=_clock(starts),
        title=title,
        duration_seconds=_seconds(event, starts),
        description=str(event.get("DESCRIPTION", "")) or None,
        url=_link(str(event.get("URL", ""))),
    )


def _key(uid: str) -> str:
    """A name for the session that stays: the feed's own, or its digest where that is unfit."""
    plain = _PLAIN.sub("-", uid).strip("-.")
    if plain and len(plain) <= LONGEST_KEY - 4:
        return f"tpc-{plain}"
    return f"tpc-{sha256(uid.encode('utf-8', 'backslashreplace')).hexdigest()[:32]}"


def _sport(title: str) -> Sport:
    """A published calendar says the sport in front of the title: “Run: Easy hour”."""
    match = _SPORT.match(title)
    return (sport_of(match[1]) if match else None) or Sport.OTHER


def _clock(starts: date | datetime) -> time | None:
    return starts.time().replace(tzinfo=None) if isinstance(starts, datetime) else None


def _seconds(event: Any, starts: date | datetime) -> int | None:
    if not isinstance(starts, datetime):
        return None
    if "DURATION" in event:
        return int(event.decoded("DURATION").total_seconds()) or None
    ends = event.decoded("DTEND") if "DTEND" in event else None
    return int((ends - starts).total_seconds()) or None if isinstance(ends, datetime) else None


def _link(url: str) -> str | None:
    return url if url.startswith("https://") and len(url) <= 2_000 else None
