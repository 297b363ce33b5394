"""Sessions of Ben's, made short: what a test does not name has its usual value."""

from datetime import UTC, date, datetime, time, timedelta

from plans.diff import diff
from plans.model import (
    Cadence,
    Interval,
    Length,
    Plan,
    Repeat,
    Session,
    SetParameter,
    StrengthBlock,
    StrengthExercise,
    StrengthSet,
    Target,
)
from plans.window import carry_over

MONDAY = date(2026, 3, 2)
MON, TUE, WED, THU, FRI, SAT, SUN = (MONDAY + timedelta(days=day) for day in range(7))


def session(number, day, title="", sport="run", **fields):
    if "at" in fields:
        fields["start_time"] = time.fromisoformat(fields.pop("at"))
    if "minutes" in fields:
        fields["duration_seconds"] = fields.pop("minutes") * 60
    if "km" in fields:
        fields["distance_meters"] = fields.pop("km") * 1000
    return Session(item_id=f"tp-{number}", date=day, title=title, sport=sport, **fields)


def step(intensity, length, target=None, **fields):
    """A length like "10 min", "90 s" or "400 m"; a target like 105, (95, 100) or "RPE 7"."""
    amount, unit = length.split()
    value = int(amount) * {"min": 60, "s": 1, "m": 1}[unit]
    kind = "meter" if unit == "m" else "second"
    cadence = fields.pop("cadence", None)
    return Interval(
        intensity=intensity,
        length=Length(unit=kind, value=value),
        target=aim(target),
        cadence=Cadence(minimum=cadence[0], maximum=cadence[1]) if cadence else None,
        **fields,
    )


def aim(target):
    if target is None:
        return None
    if isinstance(target, str):
        return Target(unit="rpe", value=float(target.removeprefix("RPE ")))
    if isinstance(target, tuple):
        return Target(unit="percent_ftp", minimum=target[0], maximum=target[1])
    return Target(unit="percent_ftp", value=target)


def work(length="3 min", target=None, **fields):
    return step("active", length, target, **fields)


def rest(length="2 min", target=None, **fields):
    return step("rest", length, target, **fields)


def repeat(count, *steps):
    return Repeat(count=count, steps=steps or (work(), rest()))


def warm_up(length="10 min", target=None, **fields):
    return step("warmup", length, target, **fields)


def cool_down(length="10 min", target=None, **fields):
    return step("cooldown", length, target, **fields)


def exercise(title, *sets, **fields):
    """Sets like {"Reps": "8", "WeightKg": "60"}."""
    return StrengthExercise(title=title, sets=[figures(one) for one in sets], **fields)


def figures(values):
    return StrengthSet(
        parameters=[SetParameter(name=name, value=value) for name, value in values.items()]
    )


def block(*exercises):
    return StrengthBlock(title="Main", block_type="SingleExercise", exercises=exercises)


def plan(*sessions, **about):
    return Plan.of(
        sessions,
        **{
            "plan_id": "plan-ben",
            "version": 1,
            "plan_name": "Ben's plan",
            "start_date": MONDAY,
            "end_date": MONDAY + timedelta(days=41),
            "published_at": datetime(2026, 3, 1, 12, tzinfo=UTC),
            **about,
        },
    )


def changed_since(before, after, window_start):
    """Did anybody change anything, or did only time pass?"""
    return bool(diff(carry_over(before, after, window_start), after))
