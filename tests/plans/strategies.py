"""Any plan that a source could give us, for property-based tests."""

import math
from datetime import UTC, date, time, timedelta

from hypothesis import strategies as st

from plans.fields import SESSION_FIELDS
from plans.model import (
    Cadence,
    Intensity,
    Interval,
    Length,
    LengthUnit,
    Plan,
    Repeat,
    Session,
    SetParameter,
    Sport,
    StrengthBlock,
    StrengthExercise,
    StrengthSet,
    Target,
    TargetUnit,
)

texts = st.text(max_size=40)  # half characters are tried by themselves
wild_texts = st.text(st.characters(exclude_categories=[]), max_size=40)
maybe_texts = st.none() | texts
days = st.dates(date(2026, 1, 1), date(2026, 3, 31))
times = st.none() | st.times(time(0, 0), time(23, 59)).map(lambda at: at.replace(microsecond=0))


def figures(most):
    return st.floats(0, most, allow_nan=False)


@st.composite
def targets(draw):
    low, high = sorted([draw(figures(300)), draw(figures(300))])
    ends = draw(st.sampled_from([(low, high), (None, None), (low, None)]))
    value = draw(st.none() | figures(300)) if ends[0] is not None else draw(figures(300))
    unit = draw(st.sampled_from(TargetUnit))
    return Target(unit=unit, value=value, minimum=ends[0], maximum=ends[1])


@st.composite
def cadences(draw):
    low, high = sorted([draw(figures(200)), draw(figures(200))])
    return Cadence(minimum=low, maximum=high, value=draw(st.none() | figures(200)))


lengths = st.builds(Length, unit=st.sampled_from(LengthUnit), value=st.integers(0, 100_000))
intervals = st.builds(
    Interval,
    name=maybe_texts,
    intensity=st.sampled_from(Intensity),
    length=lengths,
    open_ended=st.booleans(),
    target=st.none() | targets(),
    cadence=st.none() | cadences(),
    notes=maybe_texts,
)
steps = st.recursive(
    intervals,
    lambda inner: st.builds(
        Repeat, count=st.integers(1, 10), steps=st.lists(inner, min_size=1, max_size=3).map(tuple)
    ),
    max_leaves=4,
)
sets = st.builds(
    StrengthSet,
    parameters=st.lists(st.builds(SetParameter, name=texts, value=texts), max_size=2).map(tuple),
)
exercises = st.builds(
    StrengthExercise,
    title=texts,
    video_url=st.none() | st.just("https://video.example/squat"),
    instructions=maybe_texts,
    sets=st.lists(sets, max_size=2).map(tuple),
)
blocks = st.builds(
    StrengthBlock,
    title=texts,
    block_type=texts,
    exercises=st.lists(exercises, max_size=2).map(tuple),
)


@st.composite
def sessions(draw, number=1):
    return Session(
        item_id=f"tp-{number}",
        sport=draw(st.sampled_from(Sport)),
        date=draw(days),
        start_time=draw(times),
        title=draw(texts),
        duration_seconds=draw(st.none() | st.integers(0, 90_000)),
        distance_meters=draw(st.none() | figures(200_000)),
        load=draw(st.none() | figures(500)),
        intensity_factor=draw(st.none() | figures(2)),
        description=draw(maybe_texts),
        coach_notes=draw(maybe_texts),
        intervals=draw(st.lists(steps, max_size=3).map(tuple)),
        strength=draw(st.lists(blocks, max_size=2).map(tuple)),
        completed=draw(st.booleans()),
        url=draw(st.none() | st.just("https://app.trainingpeaks.example/1")),
    )


@st.composite
def calendars(draw, most=6):
    """Some sessions, each once, in any order."""
    numbers = draw(st.lists(st.integers(1, most), unique=True, max_size=most))
    return [draw(sessions(number)) for number in numbers]


@st.composite
def edits(draw):
    """Two calendars of the same athlete: some sessions the same, some different."""
    before = draw(calendars())
    kept = [session for session in before if draw(st.booleans())]
    ids = {session.item_id for session in kept}
    new = [session for session in draw(calendars()) if session.item_id not in ids]
    return before, [*kept, *new]


@st.composite
def plans(draw):
    start = draw(days)
    return Plan.of(
        draw(calendars()),
        plan_id=str(draw(st.uuids())),
        version=draw(st.integers(1, 10**12)),
        plan_name=draw(texts),
        start_date=start,
        end_date=start + timedelta(days=draw(st.integers(0, 60))),
        published_at=draw(st.datetimes(timezones=st.just(UTC))),
        time_zone=draw(st.none() | st.sampled_from(["Europe/Berlin", "America/Denver"])),
    )


allowed_fields = st.sets(st.sampled_from(sorted(SESSION_FIELDS)))


def noisy(value):
    """The same plain data after arithmetic that should have changed nothing."""
    if isinstance(value, dict):
        return {key: noisy(value[key]) for key in reversed(list(value))}
    if isinstance(value, list):
        return [noisy(member) for member in value]
    if isinstance(value, float):
        return math.nextafter(value, math.inf) if value else value
    return value
