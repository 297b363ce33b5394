"""The canonical plan: what every source is turned into and every destination is rendered from.

Numbers are rounded and text is cleaned here, once; a plan that exists is well formed.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, time
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic.alias_generators import to_camel

from plans.limits import (
    DEEPEST,
    MOST_REPEATS,
    MOST_SECONDS,
    MOST_STEPS,
    CleanLine,
    CleanText,
    LocalTime,
    Rounded,
    WebAddress,
)


class Canonical(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        allow_inf_nan=False,
    )


class Sport(StrEnum):
    SWIM = "swim"
    BIKE = "bike"
    RUN = "run"
    WALK = "walk"
    MTB = "mtb"
    XC_SKI = "xc_ski"
    ROWING = "rowing"
    BRICK = "brick"
    CROSS_TRAINING = "cross_training"
    RACE = "race"
    REST = "rest"
    STRENGTH = "strength"
    CUSTOM = "custom"
    OTHER = "other"


class Intensity(StrEnum):
    WARMUP = "warmup"
    ACTIVE = "active"
    REST = "rest"
    COOLDOWN = "cooldown"


class TargetUnit(StrEnum):
    PERCENT_FTP = "percent_ftp"
    PERCENT_MAX_HR = "percent_max_hr"
    PERCENT_THRESHOLD_HR = "percent_threshold_hr"
    PERCENT_THRESHOLD_PACE = "percent_threshold_pace"
    RPE = "rpe"


class LengthUnit(StrEnum):
    SECOND = "second"
    METER = "meter"


class Length(Canonical):
    unit: LengthUnit
    value: int = Field(ge=0, le=100_000_000)


class Target(Canonical):
    """How hard. Percent are percent: 105 is 105 % of the athlete's threshold, 6 is RPE 6."""

    unit: TargetUnit
    value: Annotated[float, Rounded(2, most=1000)] | None = None
    minimum: Annotated[float, Rounded(2, most=1000)] | None = None
    maximum: Annotated[float, Rounded(2, most=1000)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.value is None and self.minimum is None and self.maximum is None:
            raise ValueError("a target needs a value, a minimum or a maximum")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError("the minimum is above the maximum")
        return self


class Cadence(Canonical):
    """Turns per minute."""

    minimum: Annotated[float, Rounded(1, most=1000)]
    maximum: Annotated[float, Rounded(1, most=1000)]
    value: Annotated[float, Rounded(1, most=1000)] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError("the minimum is above the maximum")
        return self


class Interval(Canonical):
    type: Literal["step"] = "step"
    name: Annotated[str, CleanLine(200)] | None = None
    intensity: Intensity
    length: Length
    open_ended: bool = False
    target: Target | None = None
    cadence: Cadence | None = None
    notes: Annotated[str, CleanText(2_000)] | None = None


class Repeat(Canonical):
    type: Literal["repeat"] = "repeat"
    count: int = Field(ge=1, le=MOST_REPEATS)
    steps: "tuple[Step, ...]" = Field(min_length=1)


Step = Annotated[Interval | Repeat, Field(discriminator="type")]


class SetParameter(Canonical):
    """One figure of a set, as the source names it: RepsPerSide 10, WeightLb 25."""

    name: Annotated[str, CleanLine(80)]
    value: Annotated[str, CleanLine(80)]


class StrengthSet(Canonical):
    parameters: tuple[SetParameter, ...] = ()


class StrengthExercise(Canonical):
    title: Annotated[str, CleanLine(300)]
    video_url: Annotated[str, WebAddress(2_000)] | None = None
    instructions: Annotated[str, CleanText(5_000)] | None = None
    sets: tuple[StrengthSet, ...] = ()


class StrengthBlock(Canonical):
    title: Annotated[str, CleanLine(300)] = ""
    block_type: Annotated[str, CleanLine(80)] = ""
    exercises: tuple[StrengthExercise, ...] = ()


def work(steps: Iterable[Interval | Repeat]) -> int:
    """How many intervals an athlete does in all, repeats written out."""
    return sum(step.count * work(step.steps) if isinstance(step, Repeat) else 1 for step in steps)


def depth(steps: Iterable[Interval | Repeat]) -> int:
    return max((1 + depth(step.steps) for step in steps if isinstance(step, Repeat)), default=0)


def _doable(steps: tuple[Interval | Repeat, ...]) -> tuple[Interval | Repeat, ...]:
    if (count := work(steps)) > MOST_STEPS:
        raise ValueError(f"{count} intervals in one session; at most {MOST_STEPS} are possible")
    if depth(steps) > DEEPEST:
        raise ValueError(f"repeats inside repeats, more than {DEEPEST} deep")
    return steps


class Session(Canonical):
    """One thing on one day. `title` may be empty; `label` never is."""

    item_id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@-]{0,254}$")
    sport: Sport
    date: date
    start_time: Annotated[time, LocalTime] | None = None
    title: Annotated[str, CleanLine(500)] = ""
    duration_seconds: int | None = Field(default=None, ge=0, le=MOST_SECONDS)
    distance_meters: Annotated[float, Rounded(1, most=1e9)] | None = None
    load: Annotated[float, Rounded(1, most=100_000)] | None = None
    intensity_factor: Annotated[float, Rounded(3, most=100)] | None = None
    description: Annotated[str, CleanText(20_000)] | None = None
    coach_notes: Annotated[str, CleanText(20_000)] | None = None
    intervals: Annotated[tuple[Step, ...], AfterValidator(_doable)] = ()
    strength: tuple[StrengthBlock, ...] = ()
    completed: bool = False
    url: Annotated[str, WebAddress(2_000)] | None = None

    @property
    def label(self) -> str:
        """The title, or the sport where there is none."""
        return self.title or SPORT_NAMES[self.sport]


SPORT_NAMES = {
    Sport.SWIM: "Swim",
    Sport.BIKE: "Ride",
    Sport.RUN: "Run",
    Sport.WALK: "Walk",
    Sport.MTB: "Mountain bike ride",
    Sport.XC_SKI: "Ski",
    Sport.ROWING: "Row",
    Sport.BRICK: "Brick",
    Sport.CROSS_TRAINING: "Cross-training",
    Sport.RACE: "Race",
    Sport.REST: "Rest day",
    Sport.STRENGTH: "Strength session",
    Sport.CUSTOM: "Session",
    Sport.OTHER: "Session",
}


def in_order(sessions: Iterable[Session]) -> tuple[Session, ...]:
    """By day, then time of day (those without one last), then id: the same for everybody."""
    return tuple(sorted(sessions, key=_place))


def _place(session: Session) -> tuple[date, bool, time, str]:
    start = session.start_time
    return (session.date, start is None, start or time.min, session.item_id)


def _each_once(sessions: tuple[Session, ...]) -> tuple[Session, ...]:
    if len({session.item_id for session in sessions}) != len(sessions):
        raise ValueError("a session is in the list twice")
    return in_order(sessions)


class DestinationStatus(Canonical):
    destination: Annotated[str, CleanLine(200)]
    kind: Annotated[str, CleanLine(80)]
    status: Annotated[str, CleanLine(80)]
    version: int | None = Field(default=None, ge=0)
    at: AwareDatetime | None = None


def _whole(value: Any) -> Any:
    """A list from JSON and a tuple from us are the same sequence."""
    return tuple(value) if isinstance(value, list) else value


class Plan(Canonical):
    """An athlete's window of days at one moment. `total_duration` is in seconds."""

    schema_name: Literal["plan.v1"] = Field(default="plan.v1", alias="schema")
    plan_id: str = Field(min_length=1, max_length=100)
    version: int = Field(ge=1)
    plan_name: Annotated[str, CleanLine(200)]
    start_date: date
    end_date: date
    total_duration: int = Field(ge=0)
    published_at: Annotated[AwareDatetime, AfterValidator(lambda at: at.astimezone(UTC))]
    time_zone: Annotated[str, CleanLine(100)] | None = None
    exercise_list: Annotated[
        tuple[Session, ...], BeforeValidator(_whole), AfterValidator(_each_once)
    ]
    destination_status: tuple[DestinationStatus, ...] = ()

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.end_date < self.start_date:
            raise ValueError("the plan ends before it starts")
        if self.total_duration != total_duration(self.exercise_list):
            raise ValueError("totalDuration is not the sum of the sessions")
        return self

    @classmethod
    def of(cls, sessions: Iterable[Session], **about: Any) -> Self:
        """A plan of these sessions: puts them in order and adds them up."""
        ordered = in_order(sessions)
        return cls(exercise_list=ordered, total_duration=total_duration(ordered), **about)

    def document(self) -> dict[str, Any]:
        """The plan as plain JSON data, in the published names."""
        return self.model_dump(mode="json", by_alias=True)


def total_duration(sessions: Sequence[Session]) -> int:
    return sum(session.duration_seconds or 0 for session in sessions)
