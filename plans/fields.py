"""Which parts of a session may be shared, how delicate each is, and how to share no more."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from plans.model import Interval, Repeat, Session, StrengthBlock, StrengthExercise


class Group(StrEnum):
    """What people agree to together."""

    SCHEDULE = "schedule"
    TRAINING = "training"
    LOAD = "load"
    NOTES = "notes"
    STATUS = "status"


GROUP_LABELS = MappingProxyType(
    {
        Group.SCHEDULE: "When and what",
        Group.TRAINING: "How to do it",
        Group.LOAD: "How hard it counts",
        Group.NOTES: "Words to the athlete",
        Group.STATUS: "What was done",
    }
)


class Sensitivity(StrEnum):
    LOW = "low"
    MEDIUM = "medium"  # says something about habits or fitness
    HIGH = "high"  # free text: may hold anything, health included


@dataclass(frozen=True)
class Field:
    """One thing that may be shared, in words for the person who decides."""

    label: str
    group: Group
    sensitivity: Sensitivity
    purpose: str  # the usual reason to share it
    minimal: bool = False  # without it the session cannot be carried out


ALWAYS: Mapping[str, Field] = MappingProxyType(
    {
        "item_id": Field(
            "Session number",
            Group.SCHEDULE,
            Sensitivity.LOW,
            "Find the same session again.",
            minimal=True,
        ),
        "sport": Field(
            "Sport",
            Group.SCHEDULE,
            Sensitivity.LOW,
            "Know what kind of session it is.",
            minimal=True,
        ),
        "date": Field(
            "Day",
            Group.SCHEDULE,
            Sensitivity.LOW,
            "Put the session on the right day.",
            minimal=True,
        ),
    }
)

SESSION_FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        "start_time": Field(
            "Time of day",
            Group.SCHEDULE,
            Sensitivity.MEDIUM,
            "Start at the time the coach set.",
            minimal=True,
        ),
        "title": Field(
            "Title", Group.SCHEDULE, Sensitivity.LOW, "Recognise the session.", minimal=True
        ),
        "duration_seconds": Field(
            "Planned duration",
            Group.SCHEDULE,
            Sensitivity.LOW,
            "Know how long it takes.",
            minimal=True,
        ),
        "distance_meters": Field(
            "Planned distance",
            Group.SCHEDULE,
            Sensitivity.LOW,
            "Know how far it goes.",
            minimal=True,
        ),
        "intervals": Field(
            "Intervals and targets",
            Group.TRAINING,
            Sensitivity.MEDIUM,
            "Carry out the intervals.",
            minimal=True,
        ),
        "interval_notes": Field(
            "Notes on intervals",
            Group.NOTES,
            Sensitivity.HIGH,
            "Read the coach's word on an interval.",
        ),
        "strength": Field(
            "Exercises and sets",
            Group.TRAINING,
            Sensitivity.MEDIUM,
            "Carry out the exercises.",
            minimal=True,
        ),
        "strength_notes": Field(
            "Instructions for exercises", Group.NOTES, Sensitivity.HIGH, "Do the exercises safely."
        ),
        "load": Field(
            "Planned load (TSS)",
            Group.LOAD,
            Sensitivity.MEDIUM,
            "Follow the planned training load.",
        ),
        "intensity_factor": Field(
            "Planned intensity (IF)",
            Group.LOAD,
            Sensitivity.MEDIUM,
            "Follow the planned intensity.",
        ),
        "description": Field(
            "Description", Group.NOTES, Sensitivity.HIGH, "Read how the session is meant."
        ),
        "coach_notes": Field(
            "Coach's notes",
            Group.NOTES,
            Sensitivity.HIGH,
            "Read the coach's word before the session.",
        ),
        "completed": Field(
            "Done or not", Group.STATUS, Sensitivity.MEDIUM, "Tell a session to come from one done."
        ),
        "url": Field(
            "Link to TrainingPeaks",
            Group.STATUS,
            Sensitivity.LOW,
            "Open the session at its source.",
        ),
    }
)

MINIMAL_FIELDS = frozenset(name for name, field in SESSION_FIELDS.items() if field.minimal)
_NESTED = frozenset({"interval_notes", "strength_notes"})  # parts of intervals and strength


def only(session: Session, allowed: Collection[str]) -> Session:
    """The session with nothing in it that was not agreed, in intervals and exercises too."""
    kept = {
        name: getattr(session, name)
        for name in Session.model_fields
        if name in ALWAYS or name in allowed
    }
    if "interval_notes" not in allowed and "intervals" in kept:
        kept["intervals"] = tuple(_without_notes(step) for step in session.intervals)
    if "strength_notes" not in allowed and "strength" in kept:
        kept["strength"] = tuple(_without_instructions(block) for block in session.strength)
    return Session(**kept)


def withheld(session: Session, allowed: Collection[str]) -> set[str]:
    """The names of what this session has and `only` takes out."""
    return {name for name in SESSION_FIELDS if name not in allowed and _has(session, name)}


def _has(session: Session, name: str) -> bool:
    if name == "interval_notes":
        return any(step != _without_notes(step) for step in session.intervals)
    if name == "strength_notes":
        return any(block != _without_instructions(block) for block in session.strength)
    return bool(getattr(session, name) != Session.model_fields[name].default)


def _without_notes(step: Interval | Repeat) -> Interval | Repeat:
    if isinstance(step, Repeat):
        inner = tuple(_without_notes(part) for part in step.steps)
        return step.model_copy(update={"steps": inner})
    return step.model_copy(update={"notes": None})


def _without_instructions(block: StrengthBlock) -> StrengthBlock:
    exercises = tuple(_bare(exercise) for exercise in block.exercises)
    return block.model_copy(update={"exercises": exercises})


def _bare(exercise: StrengthExercise) -> StrengthExercise:
    return exercise.model_copy(update={"instructions": None, "video_url": None})
