"""Session → calendar event, and events → calendar file. Pure: the same input, the same bytes."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from icalendar import Calendar, Event, Timezone, vDuration, vText

from destinations.adapters.icalendar import zones
from destinations.adapters.shared import (
    clock_length,
    description_lines,
    interval_lines,
    marker,
    note,
    number,
    strength_lines,
)
from destinations.port import Body, FeedInfo, FidelityNote, Item, PublishedItem, RenderOptions
from plans.model import SPORT_NAMES, Session

PRODUCT = "-//Baton//Training plans//EN"


def session_item(session: Session, options: RenderOptions) -> Item:
    body: Body = {
        "date": session.date.isoformat(),
        "time": session.start_time.isoformat() if session.start_time else None,
        "timeZone": (options.recipient.time_zone or None) if session.start_time else None,
        "durationSeconds": session.duration_seconds,
        "summary": session.label,
        "description": _description(session),
        "url": session.url,
    }
    return Item(session.item_id, session.date, body, tuple(_notes(session)))


def _description(session: Session) -> str:
    facts = [SPORT_NAMES[session.sport]]
    if session.duration_seconds:
        facts.append(clock_length(session.duration_seconds))
    if session.distance_meters:
        facts.append(f"{number(session.distance_meters / 1000)} km")
    if session.load:
        facts.append(f"load {number(session.load)}")
    blocks = [
        " · ".join(facts),
        *description_lines(session),
        "\n".join(interval_lines(session.intervals)),
        "\n".join(strength_lines(session.strength)),
        marker(session.item_id),
    ]
    return "\n\n".join(block for block in blocks if block)


def _notes(session: Session) -> list[FidelityNote]:
    lost = []
    if session.start_time is None:
        lost.append(
            note(session, "start_time", "Sessions without a start time fill the whole day.")
        )
    if session.intervals:
        lost.append(note(session, "intervals", "Intervals are written out as text in a calendar."))
    if session.strength:
        lost.append(note(session, "strength", "Exercises are written out as text in a calendar."))
    if session.distance_meters or session.load:
        lost.append(
            note(
                session, "distance_meters", "Distance and load are text in a calendar, not figures."
            )
        )
    return lost


def calendar(items: Sequence[PublishedItem], feed: FeedInfo) -> bytes:
    """The whole feed. Items that were taken away stay as cancelled, so that calendars drop them."""
    document = Calendar()
    document.add("prodid", PRODUCT)
    document.add("version", "2.0")
    document.add("calscale", "GREGORIAN")
    document.add("method", "PUBLISH")
    document.add("x-wr-calname", vText(feed.name))
    if feed.time_zone:
        document.add("x-wr-timezone", feed.time_zone)
    document.add("refresh-interval", vDuration(feed.refresh), parameters={"VALUE": "DURATION"})
    document.add("x-published-ttl", vDuration(feed.refresh))
    shown = sorted((item for item in items if item.body), key=lambda item: item.key)
    for zone in _time_zones(shown):
        document.add_component(zone)
    for item in shown:
        document.add_component(_event(item, feed))
    return bytes(document.to_ical())


def _event(item: PublishedItem, feed: FeedInfo) -> Event:
    body, event = item.body, Event()
    written = item.written_at.astimezone(UTC).replace(microsecond=0)
    event.add("uid", f"{item.key}@{feed.domain}")
    event.add("dtstamp", written)
    event.add("last-modified", written)
    event.add("sequence", item.sequence)
    event.add("status", "CANCELLED" if item.cancelled else "CONFIRMED")
    event.add("summary", body["summary"])
    event.add("description", body["description"])
    if body.get("url"):
        event.add("url", body["url"])
    for name, value in _when(body).items():
        event.add(name, value)
    return event


def _when(body: Body) -> dict[str, Any]:
    day = date.fromisoformat(body["date"])
    if not body["time"]:
        return {"dtstart": day, "dtend": day + timedelta(days=1), "transp": "TRANSPARENT"}
    start = datetime.combine(day, time.fromisoformat(body["time"]))
    zone = zones.zone_named(body["timeZone"])
    seconds = timedelta(seconds=body["durationSeconds"] or 0)
    if zone is None:  # no zone is known: the time is the athlete's, wherever they are
        begins, ends = start, start + seconds
    else:
        instant = start.replace(tzinfo=zone).astimezone(UTC)  # an hour that clocks skip moves on
        begins, ends = instant.astimezone(zone), (instant + seconds).astimezone(zone)
    return {"dtstart": begins, "transp": "OPAQUE"} | ({"dtend": ends} if seconds else {})


def _time_zones(items: Sequence[PublishedItem]) -> list[Timezone]:
    """The rules of every zone in use, for the years in use."""
    years = [date.fromisoformat(item.body["date"]).year for item in items]
    names = sorted({item.body["timeZone"] for item in items if item.body["timeZone"]})
    return [
        zones.rules(zone, min(years) - 1, max(years) + 1)
        for zone in map(zones.zone_named, names)
        if zone is not None
    ]
