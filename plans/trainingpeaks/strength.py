"""A TrainingPeaks strength workout → a session with blocks, exercises and sets."""

import re
from collections.abc import Mapping
from typing import Any

from plans.limits import MOST_SECONDS, CleanText
from plans.model import (
    Session,
    SetParameter,
    Sport,
    StrengthBlock,
    StrengthExercise,
    StrengthSet,
)
from plans.trainingpeaks.wire import (
    ParseNote,
    Reader,
    conform,
    figure,
    line,
    local_day,
    local_time,
    web_address,
    words,
)

Part = Mapping[str, Any]


def parse_strength_workouts(
    raw: object, *, notes: list[ParseNote] | None = None
) -> tuple[Session, ...]:
    """The prescribed ones of a page: the list itself, or an object that holds nothing but it.

    What the athlete did on their own has no prescribed date and is left out.
    """
    reader = Reader(notes=notes if notes is not None else [])
    members, reader = _listed(raw, reader)
    return tuple(
        parse_strength(member, path=reader.at(index).path, notes=reader.notes)
        for index, member in enumerate(members)
        if not _unprescribed(member)
    )


def parse_strength(raw: object, *, path: str = "", notes: list[ParseNote] | None = None) -> Session:
    reader = Reader(path, notes if notes is not None else [])
    workout = conform(raw, "strength.json", path)
    instructions = reader.at("Instructions")
    return Session(
        item_id=f"tps-{_number(workout['Id'], reader.at('Id'))}",
        sport=Sport.STRENGTH,
        date=local_day(workout["PrescribedDate"], reader.at("PrescribedDate")),
        start_time=local_time(workout.get("PrescribedStartTime"), reader.at("PrescribedStartTime")),
        title=line(workout.get("Title"), 500, reader.at("Title")),
        duration_seconds=_seconds(workout, reader.at("PrescribedDurationInSeconds")),
        description=words(workout.get("Instructions"), CleanText(20_000), instructions),
        strength=_blocks(workout.get("Blocks"), reader.at("Blocks")),
        completed=bool(workout.get("IsComplete")),
    )


def _listed(raw: object, reader: Reader) -> tuple[list[Any], Reader]:
    if isinstance(raw, Mapping):
        lists = [key for key, value in raw.items() if isinstance(value, list)]
        if len(lists) == 1:
            return raw[lists[0]], reader.at(str(lists[0]))
    if not isinstance(raw, list):
        reader.refuse("a list of strength workouts", raw)
    return raw, reader


def _unprescribed(raw: object) -> bool:
    if not isinstance(raw, Mapping):
        return False
    members = {str(key).casefold(): value for key, value in raw.items()}
    return bool(members.get("iscomplete")) and members.get("prescribeddate") is None


def _number(value: object, reader: Reader) -> str:
    """Documented as a number, shown as a text: kept as it is written."""
    if isinstance(value, bool) or not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}", str(value)):
        reader.refuse("an id", value)
    return str(value)


def _seconds(workout: Part, reader: Reader) -> int | None:
    value = workout.get("PrescribedDurationInSeconds")
    try:
        seconds = figure(None if value in {None, ""} else float(value), MOST_SECONDS, reader)
    except ValueError:
        reader.refuse("a number of seconds", value)
    return None if seconds is None else round(seconds) or None


def _blocks(raw: list[Part] | None, reader: Reader) -> tuple[StrengthBlock, ...]:
    return tuple(_block(block, reader.at(index)) for index, block in enumerate(raw or ()))


def _block(block: Part, reader: Reader) -> StrengthBlock:
    here = reader.at("Prescriptions")
    exercises = enumerate(block.get("Prescriptions") or ())
    return StrengthBlock(
        title=line(block.get("Title"), 300, reader.at("Title")),
        block_type=line(block.get("BlockType"), 80, reader.at("BlockType")),
        exercises=tuple(_exercise(exercise, here.at(index)) for index, exercise in exercises),
    )


def _exercise(prescription: Part, reader: Reader) -> StrengthExercise:
    exercise, here = prescription["exercise"], reader.at("exercise")
    sets = enumerate(prescription.get("sets") or ())
    return StrengthExercise(
        title=line(exercise.get("title"), 300, here.at("title")),
        video_url=web_address(exercise.get("videoUrl"), here.at("videoUrl")),
        instructions=words(exercise.get("instructions"), CleanText(5_000), here.at("instructions")),
        sets=tuple(_set(one, reader.at("sets").at(index)) for index, one in sets),
    )


def _set(one: Part, reader: Reader) -> StrengthSet:
    """Only what is prescribed: what was done is the athlete's."""
    here = reader.at("parameterValues")
    return StrengthSet(
        parameters=tuple(
            SetParameter(
                name=line(value["parameter"], 80, here.at(index)),
                value=line(_figure_text(value["prescribedValue"]), 80, here.at(index)),
            )
            for index, value in enumerate(one.get("parameterValues") or ())
            if value.get("prescribedValue") not in {None, ""}
        )
    )


def _figure_text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"
