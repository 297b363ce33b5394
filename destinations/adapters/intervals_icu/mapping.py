"""Session → intervals.icu event. Pure functions; the text of the intervals is made next door."""

from collections.abc import Iterator, Mapping
from datetime import time
from typing import Any

from destinations.adapters.intervals_icu import workout_text
from destinations.adapters.shared import (
    description_lines,
    interval_lines,
    marker,
    note,
    strength_lines,
    target_words,
)
from destinations.errors import UnlistedError
from destinations.port import Body, FidelityNote, Item, Recipient, Remote, RenderOptions, Step
from plans.model import Repeat, Session, Sport

TYPES: dict[Sport, str] = {
    Sport.SWIM: "Swim",
    Sport.BIKE: "Ride",
    Sport.RUN: "Run",
    Sport.WALK: "Walk",
    Sport.MTB: "MountainBikeRide",
    Sport.XC_SKI: "NordicSki",
    Sport.ROWING: "Rowing",
    Sport.STRENGTH: "WeightTraining",
}
GENERAL = "Workout"
NOTES_WHEN_EMPTY = {Sport.OTHER, Sport.CUSTOM}


def session_item(session: Session, options: RenderOptions, config: Mapping[str, Any]) -> Item:
    body: Body = {"athlete": remote_athlete(options.recipient, config), "event": event(session)}
    return Item(session.item_id, session.date, body, tuple(fidelity(session)))


def event(session: Session) -> Body:
    resting = is_note(session)
    moment = f"{session.date.isoformat()}T{(session.start_time or time()).isoformat()}"
    shown: Body = {
        "category": "NOTE" if resting else "WORKOUT",
        "start_date_local": moment,
        "name": session.label,
        "description": description(session),
        "external_id": session.item_id,
    }
    if resting:
        return shown
    shown["type"] = TYPES.get(session.sport, GENERAL)
    if session.duration_seconds is not None:
        shown["moving_time"] = session.duration_seconds
    if session.distance_meters is not None:
        shown["distance"] = session.distance_meters
    return shown


def is_note(session: Session) -> bool:
    """A rest day, or words without anything to do."""
    empty = not (session.duration_seconds or session.distance_meters or session.intervals)
    return session.sport == Sport.REST or (session.sport in NOTES_WHEN_EMPTY and empty)


def description(session: Session) -> str:
    text = workout_text.workout_text(session.intervals)
    written_out = "\n".join(interval_lines(session.intervals)) if text is None else ""
    blocks = [
        *(workout_text.plain(block) for block in description_lines(session)),
        workout_text.plain("\n".join(strength_lines(session.strength))),
        workout_text.plain(written_out),
        workout_text.plain("\n".join(remarks(session))),
        text,
        marker(session.item_id),
    ]
    return "\n\n".join(block for block in blocks if block)


def remarks(session: Session) -> Iterator[str]:
    """What the syntax has no words for: perceived effort, the lap button, notes on a step."""
    for place, step in enumerate(workout_text.walk(session.intervals), start=1):
        words = [
            target_words(step.target) if step.target and step.target.unit == "rpe" else "",
            "until you press the lap button" if step.open_ended else "",
            step.notes or "",
        ]
        if any(words):
            yield f"Step {place}: " + "; ".join(word for word in words if word)


def fidelity(session: Session) -> Iterator[FidelityNote]:
    if session.strength:
        yield note(session, "strength", "intervals.icu keeps exercises and sets as text.")
    if session.sport not in TYPES and not is_note(session):
        yield note(session, "sport", "intervals.icu shows this sport as a general workout.")
    if session.load is not None:
        yield note(session, "load", "intervals.icu works out its own load from the intervals.")
    yield from _interval_notes(session)


def _interval_notes(session: Session) -> Iterator[FidelityNote]:
    steps = session.intervals
    if any(isinstance(step, Repeat) and workout_text.nested(step) for step in steps):
        yield note(session, "intervals", "Repeats inside repeats are written out one by one.")
    if workout_text.line_count(steps) > workout_text.MOST_LINES:
        yield note(
            session, "intervals", "The intervals are too long for intervals.icu: held as text."
        )
    intervals = list(workout_text.walk(steps))
    if any(step.target and step.target.unit == "rpe" for step in intervals):
        yield note(session, "intervals", "Perceived effort is held as text.")
    if any(step.open_ended for step in intervals):
        yield note(session, "intervals", "Steps until the lap button get their planned length.")
    if any(step.name and workout_text.cue(step) != step.name.strip() for step in intervals):
        yield note(
            session, "intervals", "Names of steps lose their numbers: they would be lengths."
        )


def remote_athlete(recipient: Recipient, config: Mapping[str, Any]) -> str:
    """Whose calendar it is there. With a list of athletes, one that is not listed is refused."""
    listed: Mapping[str, str] = config.get("athletes") or {}
    if not listed:
        return str(config.get("athlete_id") or "0")
    names = (recipient.name, recipient.email, recipient.pseudonym, recipient.source_id)
    for name in names:
        if name is not None and (found := listed.get(str(name).casefold())):
            return found
    raise UnlistedError


def athlete_of(record: Step | Remote, config: Mapping[str, Any]) -> str:
    """Whose calendar a step or a record belongs to: as it was rendered, if that is known."""
    if athlete := _body(record).get("athlete"):
        return str(athlete)
    if isinstance(record, Step) and record.recipient:
        return remote_athlete(record.recipient, config)
    return str(config.get("athlete_id") or "0")


def _body(record: Step | Remote) -> Body:
    if isinstance(record, Remote):
        return record.body or {}
    if record.item:
        return record.item.body
    return (record.remote.body if record.remote else None) or {}
