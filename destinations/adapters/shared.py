"""What every adapter needs of a plan: sessions with only the allowed fields, and words for them."""

from collections.abc import Collection, Iterator
from datetime import timedelta

from destinations.port import FidelityNote, RenderOptions
from plans.fields import only
from plans.model import Interval, Length, Plan, Repeat, Session, StrengthBlock, Target

UNITS = {
    "percent_ftp": "% FTP",
    "percent_max_hr": "% max HR",
    "percent_threshold_hr": "% LTHR",
    "percent_threshold_pace": "% threshold pace",
    "rpe": "RPE",
}


def allowed_sessions(plan: Plan, options: RenderOptions) -> tuple[Session, ...]:
    return tuple(only(session, set(options.fields)) for session in plan.exercise_list)


def marker(item_id: str) -> str:
    """The last line of every description: who wrote it, and from which session."""
    return f"Baton · {item_id}"


def number(value: float) -> str:
    """A number as people write it: 95, 97.5."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def clock_length(seconds: int) -> str:
    """Seconds as 1h2m30s; zero is 0s."""
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    parts = [(hours, "h"), (minutes, "m"), (left, "s")]
    return "".join(f"{amount}{unit}" for amount, unit in parts if amount) or "0s"


def length_words(length: Length) -> str:
    if length.unit == "second":
        return clock_length(length.value)
    return f"{number(length.value / 1000)} km" if length.value >= 1000 else f"{length.value} metres"


def bounds(target: Target) -> tuple[float, float] | None:
    """Lowest and highest value of a target, or None when it says nothing."""
    low = target.minimum if target.minimum is not None else target.value
    high = target.maximum if target.maximum is not None else target.value
    if low is None:
        low = high
    if high is None:
        high = low
    return None if low is None or high is None else (min(low, high), max(low, high))


def target_words(target: Target) -> str:
    limits = bounds(target)
    if limits is None:
        return ""
    low, high = limits
    amount = number(low) if low == high else f"{number(low)}-{number(high)}"
    unit = UNITS[str(target.unit)]
    return f"RPE {amount}" if unit == "RPE" else f"{amount}{unit}"


def interval_lines(steps: Collection[Interval | Repeat], depth: int = 0) -> Iterator[str]:
    """Structured intervals as an indented list that a person can follow."""
    for step in steps:
        indent = "  " * depth
        if isinstance(step, Repeat):
            yield f"{indent}{step.count} times:"
            yield from interval_lines(step.steps, depth + 1)
        else:
            yield f"{indent}- {_interval_words(step)}"


def _interval_words(step: Interval) -> str:
    length = "until you press lap" if step.open_ended else length_words(step.length)
    parts = [step.name or str(step.intensity), length]
    if step.target:
        parts.append(target_words(step.target))
    if step.cadence:
        parts.append(f"{number(step.cadence.minimum)}-{number(step.cadence.maximum)} rpm")
    if step.notes:
        parts.append(f"({step.notes})")
    return " ".join(filter(None, parts))


def strength_lines(blocks: Collection[StrengthBlock]) -> Iterator[str]:
    """Strength blocks as a list: block, exercise, sets."""
    for block in blocks:
        yield block.title
        for exercise in block.exercises:
            sets = "; ".join(
                ", ".join(f"{parameter.name} {parameter.value}" for parameter in one.parameters)
                for one in exercise.sets
            )
            yield f"- {exercise.title}" + (f": {sets}" if sets else "")
            if exercise.instructions:
                yield f"  {exercise.instructions}"


def description_lines(session: Session) -> list[str]:
    """The words of a session, as far as they are allowed, without its structure."""
    paragraphs = [session.description]
    if session.coach_notes:
        paragraphs.append(f"Coach: {session.coach_notes}")
    return [paragraph for paragraph in paragraphs if paragraph]


def duration(session: Session) -> timedelta | None:
    return (
        timedelta(seconds=session.duration_seconds)
        if session.duration_seconds is not None
        else None
    )


def note(session: Session, field: str, words: str) -> FidelityNote:
    return FidelityNote(item_key=session.item_id, field=field, words=words)
