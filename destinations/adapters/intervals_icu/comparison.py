"""What an intervals.icu event says in the plan's terms, and where two of them differ.

Pure functions. Formatting is not content: white space, the normal form of a letter, `7:30`
for `07:30:00` and `1800.0` for `1800` are the same. What the server works out itself from the
text of the intervals (length, distance) is not compared.
"""

import math
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from destinations.adapters.intervals_icu.mapping import GENERAL, TYPES
from destinations.port import Alteration, Body

FIELDS = (
    "date", "start_time", "title", "sport", "duration_seconds", "distance_meters", "description",
)  # fmt: skip
NOTE = "note"
ALWAYS = ("category", "start_date_local", "name", "description")  # in every event it shows
FIGURES = {"duration_seconds": "moving_time", "distance_meters": "distance"}
SPORTS = {word: str(sport) for sport, word in TYPES.items()} | {GENERAL: "other"}
WORDS = {sport: word for word, sport in SPORTS.items()}
SLACK = {"duration_seconds": 0.5, "distance_meters": 0.1}  # rounding on their side


class UnreadableError(ValueError):
    """The event does not look like an event: nothing can be concluded from it."""


def mark_of(event: Body) -> str:
    """The last line of the description: who wrote it, and from which session."""
    lines = _bare(_text(event.get("description"))).splitlines()
    return lines[-1] if lines else ""


def day_of(event: Body) -> date | None:
    """The day of somebody's event; None when it cannot be understood."""
    try:
        return _moment(event.get("start_date_local")).date()
    except UnreadableError:
        return None


def whole(written: Body, found: Body) -> bool:
    """Whether the event names every member that was written: a list may show less than there is."""
    return all(name in found for name in written.get("event", {}) if name != "external_id")


def complete(found: Body) -> bool:
    """Whether it is an event as the server shows them: without one of these nothing can be told."""
    needed = ("category", "type") if found.get("category") == "WORKOUT" else ("category",)
    return all(name in found for name in ALWAYS) and all(found.get(name) for name in needed)


def alterations(written: Body, found: Body) -> tuple[Alteration, ...]:
    """The fields that somebody changed there, with what was written and what is there now. A figure
    that is not shown at all was not taken away: that would be shown as empty.

    Raises UnreadableError when the event's day cannot be understood.
    """
    event = written.get("event", {})
    ours, theirs = said(event), said(found)
    return tuple(
        Alteration(field, ours.get(field), theirs.get(field))
        for field in compared(event)
        if _is_shown(field, found) and not same(field, ours.get(field), theirs.get(field))
    )


def _is_shown(field: str, found: Body) -> bool:
    return field not in FIGURES or FIGURES[field] in found


def compared(event: Body) -> tuple[str, ...]:
    """The fields of this event that can be compared: only figures that were written and that the
    server does not compute from the text.
    """
    computed = _has_steps(str(event.get("description") or ""))
    skipped = {field for field, member in FIGURES.items() if computed or event.get(member) is None}
    return tuple(field for field in FIELDS if field not in skipped)


def said(event: Body) -> dict[str, Any]:
    """The event in the plan's terms, as plain JSON values."""
    moment = _moment(event.get("start_date_local"))
    return {
        "date": moment.date().isoformat(),
        "start_time": _clock(moment.time()),
        "title": _text(event.get("name")),
        "sport": _sport(event),
        "duration_seconds": _figure(event.get("moving_time")),
        "distance_meters": _figure(event.get("distance")),
        "description": _text(event.get("description")),
    }


def with_theirs(event: Body, values: Mapping[str, Any]) -> Body:
    """The event with these fields as the athlete set them."""
    changed = dict(event)
    moment = _moment(event["start_date_local"])
    if "date" in values:
        moment = datetime.combine(date.fromisoformat(values["date"]), moment.time())
    if "start_time" in values:
        clock = time.fromisoformat(values["start_time"]) if values["start_time"] else time()
        moment = datetime.combine(moment.date(), clock)
    changed["start_date_local"] = moment.isoformat(timespec="seconds")
    for field, member in (("title", "name"), ("description", "description")):
        if field in values:
            changed[member] = values[field]
    if "sport" in values:
        _set_sport(changed, values["sport"])
    _set_figures(changed, values)
    return changed


def same(field: str, ours: Any, theirs: Any) -> bool:
    if field in SLACK and ours is not None and theirs is not None:
        return math.isclose(ours, theirs, rel_tol=0, abs_tol=SLACK[field])
    if isinstance(ours, str) and isinstance(theirs, str):
        return _bare(ours) == _bare(theirs)
    return bool(ours == theirs)


def _bare(text: str) -> str:
    """The words, line by line, without the blanks around and between them."""
    lines = unicodedata.normalize("NFC", text).splitlines()
    return "\n".join(words for line in lines if (words := " ".join(line.split())))


def _set_sport(event: Body, sport: str) -> None:
    """A category that we never write is a word in small letters; a type begins with a capital."""
    if sport.islower() and sport not in WORDS and sport != NOTE:
        event["category"] = sport.upper()
        return
    event["category"] = "NOTE" if sport == NOTE else "WORKOUT"
    if sport == NOTE:
        for member in ("type", "moving_time", "distance"):
            event.pop(member, None)
    else:
        event["type"] = WORDS.get(sport, sport)


def _set_figures(event: Body, values: Mapping[str, Any]) -> None:
    figures = (("duration_seconds", "moving_time", int), ("distance_meters", "distance", float))
    for field, member, number in figures:
        if field in values and values[field] is None:
            event.pop(member, None)
        elif field in values:
            event[member] = number(values[field])


def _moment(value: object) -> datetime:
    """A local date with or without a time. A zone or a fraction of a second is noise."""
    try:
        return datetime.fromisoformat(str(value)).replace(tzinfo=None, microsecond=0)
    except ValueError:
        raise UnreadableError(f"{value!r} is no local date") from None


def _clock(moment: time) -> str | None:
    """Midnight is how a session without a time of day is written."""
    return (
        moment.isoformat(timespec="minutes" if not moment.second else "seconds")
        if (moment != time())
        else None
    )


def _sport(event: Body) -> str:
    category = str(event.get("category") or "")
    if category == "NOTE":
        return NOTE
    kind = str(event.get("type") or "")
    if category == "WORKOUT":
        return SPORTS.get(kind, kind)
    return category.lower()


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _figure(value: object) -> float | None:
    """A number, also one written as text. None where there is none."""
    try:
        number = float(str(value)) if value is not None else None
    except ValueError:
        raise UnreadableError(f"{value!r} is no number") from None
    return None if number is None or not math.isfinite(number) else number


def _has_steps(text: str) -> bool:
    return any(line.startswith("- ") for line in text.splitlines())
