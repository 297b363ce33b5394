"""A workout on an athlete's TrainingPeaks calendar → a session."""

from collections.abc import Collection, Mapping
from typing import Any

from plans.limits import MOST_SECONDS, CleanText
from plans.model import Session, Sport
from plans.trainingpeaks.structure import parse_structure
from plans.trainingpeaks.wire import (
    ParseNote,
    Reader,
    conform,
    figure,
    identity,
    line,
    local_day,
    local_time,
    web_address,
    words,
)

Workout = Mapping[str, Any]

SPORTS = {
    "swim": Sport.SWIM,
    "bike": Sport.BIKE,
    "run": Sport.RUN,
    "walk": Sport.WALK,
    "mtb": Sport.MTB,
    "mountainbike": Sport.MTB,
    "xcski": Sport.XC_SKI,
    "rowing": Sport.ROWING,
    "brick": Sport.BRICK,
    "xtrain": Sport.CROSS_TRAINING,
    "crosstrain": Sport.CROSS_TRAINING,
    "race": Sport.RACE,
    "dayoff": Sport.REST,
    "strength": Sport.STRENGTH,
    "custom": Sport.CUSTOM,
    "other": Sport.OTHER,
}
PLANNED = (
    "StartTimePlanned", "TotalTimePlanned", "DistancePlanned", "TssPlanned", "IFPlanned",
    "CaloriesPlanned", "PreActivityComment", "WorkoutFileFormats",
)  # fmt: skip
HOUR = 3_600


def item_id(workout_id: int) -> str:
    return f"tp-{workout_id}"


def parse_workouts(
    raw: object,
    structures: Mapping[int, object] | None = None,
    *,
    known: Collection[str] = (),
    notes: list[ParseNote] | None = None,
) -> tuple[Session, ...]:
    """What the coach planned in an answer to a range. Structures go by workout id.

    An activity that the athlete recorded without any plan is theirs alone and is
    left out, unless its item id is `known` as part of the plan already.
    """
    reader = Reader(notes=notes if notes is not None else [])
    if not isinstance(raw, list):
        reader.refuse("a list of workouts", raw)
    sessions = []
    for index, member in enumerate(raw):
        here = reader.at(index)
        workout = conform(member, "workout.json", here.path)
        number = identity(workout["Id"], here.at("Id"))
        if item_id(number) in known or is_planned(workout):
            sessions.append(_session(workout, (structures or {}).get(number), here))
    return tuple(sessions)


def parse_workout(
    raw: object,
    structure: object = None,
    *,
    path: str = "",
    notes: list[ParseNote] | None = None,
) -> Session:
    reader = Reader(path, notes if notes is not None else [])
    return _session(conform(raw, "workout.json", path), structure, reader)


def is_planned(raw: Workout) -> bool:
    """Is it in the plan at all? What is not done yet is; what is done shows a planned figure."""
    members = {str(key).casefold(): value for key, value in raw.items()}
    done = bool(members.get("completed"))
    return not done or any(members.get(name.casefold()) for name in PLANNED)


def has_structure(raw: Workout) -> bool:
    """Is there a structure to ask for? Formats are listed only where there is one."""
    members = {str(key).casefold(): value for key, value in raw.items()}
    return bool(members.get("workoutfileformats") or members.get("structure"))


def sport_of(name: object) -> Sport | None:
    """The sport, whatever its casing and hyphens; None where TrainingPeaks invents a new one."""
    text = name.casefold() if isinstance(name, str) else ""
    return SPORTS.get("".join(mark for mark in text if mark.isalnum()))


def _session(workout: Workout, structure: object, reader: Reader) -> Session:
    day = reader.at("WorkoutDay")
    notes = CleanText(20_000)
    return Session(
        item_id=item_id(identity(workout["Id"], reader.at("Id"))),
        sport=_sport(workout.get("WorkoutType"), reader.at("WorkoutType")),
        date=local_day(workout["WorkoutDay"], day),
        start_time=local_time(workout.get("StartTimePlanned"), reader.at("StartTimePlanned")),
        title=line(workout.get("Title"), 500, reader.at("Title")),
        description=words(workout.get("Description"), notes, reader.at("Description")),
        coach_notes=words(
            workout.get("PreActivityComment"), notes, reader.at("PreActivityComment")
        ),
        intervals=parse_structure(structure, path=reader.at("Structure").path, notes=reader.notes),
        completed=bool(workout.get("Completed")),
        url=web_address(workout.get("Url"), reader.at("Url")),
        **_figures(workout, reader),
    )


def _figures(workout: Workout, reader: Reader) -> dict[str, Any]:
    def of(name: str, most: float) -> float | None:
        return figure(workout.get(name), most, reader.at(name))

    hours = of("TotalTimePlanned", MOST_SECONDS / HOUR)
    return {
        "duration_seconds": (round(hours * HOUR) or None) if hours else None,
        "distance_meters": of("DistancePlanned", 1e9),
        "load": of("TssPlanned", 100_000),
        "intensity_factor": of("IFPlanned", 100),
    }


def _sport(name: object, reader: Reader) -> Sport:
    sport = sport_of(name)
    if sport is None:
        reader.note("sport_unknown", "A kind of workout we do not know: read as other.")
    return sport or Sport.OTHER
