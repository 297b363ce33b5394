"""Amounts as a coach writes them: 1 h 30 min, 10 km, 105 % FTP; and lists as people say them."""

from collections.abc import Sequence
from datetime import timedelta

from plans.model import Cadence, Length, LengthUnit, Sport, Target, TargetUnit

DASH = "–"
UNITS = {
    TargetUnit.PERCENT_FTP: "% FTP",
    TargetUnit.PERCENT_MAX_HR: "% of max heart rate",
    TargetUnit.PERCENT_THRESHOLD_HR: "% of threshold heart rate",
    TargetUnit.PERCENT_THRESHOLD_PACE: "% of threshold pace",
}


def listed(parts: Sequence[str]) -> str:
    """a, b and c."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def counted(count: int, noun: str, plural: str = "") -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {plural or noun + 's'}"


def number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def duration(seconds: int) -> str:
    """A session's length, to the minute."""
    minutes = round(seconds / 60)
    return exact(minutes * 60) if minutes else exact(seconds)


def durations(before: int, after: int) -> tuple[str, str]:
    """Two lengths in the coarsest form that still tells them apart."""
    coarse = duration(before), duration(after)
    return coarse if coarse[0] != coarse[1] else (exact(before), exact(after))


def exact(seconds: int) -> str:
    hours, rest = divmod(seconds, 3_600)
    minutes, left = divmod(rest, 60)
    parts = [(hours, "h"), (minutes, "min"), (left, "s")]
    return " ".join(f"{amount} {unit}" for amount, unit in parts if amount) or "0 min"


def distance(meters: float, sport: Sport | None = None) -> str:
    """Kilometres; a pool is measured in metres."""
    if meters < 1_000 or (sport is Sport.SWIM and meters < 10_000):
        return f"{number(round(meters, 1))} m"
    return f"{number(meters / 1_000)} km"


def distances(before: float, after: float, sport: Sport) -> tuple[str, str]:
    coarse = distance(before, sport), distance(after, sport)
    return coarse if coarse[0] != coarse[1] else (f"{number(before)} m", f"{number(after)} m")


def length(value: Length) -> str:
    """An interval's length: short ones stay in seconds, as they are said."""
    if value.unit is LengthUnit.METER:
        return distance(value.value) if value.value % 100 == 0 else f"{value.value} m"
    return f"{value.value} s" if 60 < value.value < 120 else exact(value.value)


def target(value: Target) -> str:
    figures = _figures(value)
    return f"RPE {figures}" if value.unit is TargetUnit.RPE else f"{figures} {UNITS[value.unit]}"


def _figures(value: Target) -> str:
    low, middle, high = value.minimum, value.value, value.maximum
    if low is not None and high is not None:
        return number(low) if low == high else f"{number(low)}{DASH}{number(high)}"
    if middle is not None:
        return number(middle)
    return f"at least {number(low)}" if low is not None else f"at most {number(high or 0)}"


def cadence(value: Cadence) -> str:
    if value.minimum == value.maximum:
        return f"{number(value.minimum)} rpm"
    return f"{number(value.minimum)}{DASH}{number(value.maximum)} rpm"


def shift(days: timedelta) -> str:
    """How far a session moved: a day later, two weeks earlier."""
    amount = abs(days.days)
    weeks = {7: "a week", 14: "two weeks", 21: "three weeks", 28: "four weeks"}
    far = weeks.get(amount) or ("a day" if amount == 1 else f"{amount} days")
    return f"{far} {'later' if days.days > 0 else 'earlier'}"
