"""The retry schedule of a destination: the wait before each try, as data, as text and in words."""

import re
from collections.abc import Sequence
from itertools import pairwise

from django.core.exceptions import ValidationError

MINUTE, HOUR, DAY = 60, 3_600, 86_400
DEFAULT = (
    0, 5, 30, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 6 * HOUR,
    8 * HOUR, 12 * HOUR, 18 * HOUR, 24 * HOUR,
)  # fmt: skip
MOST_TRIES = 30
UNITS = {"s": 1, "m": MINUTE, "h": HOUR}
WAIT = re.compile(r"([0-9]{1,6}) ?([smh]?)", re.ASCII)


def of(stored: Sequence[int] | None) -> tuple[int, ...]:
    """The seconds before each try: a destination's own, or the default."""
    return tuple(stored) if stored else DEFAULT


def check(waits: object) -> None:
    """Raise ValidationError, in words, unless these can be the waits before each try."""
    if waits is None:
        return
    if not isinstance(waits, list) or not all(type(wait) is int for wait in waits):
        raise ValidationError("A schedule is a list of whole seconds.")
    if not 1 <= len(waits) <= MOST_TRIES:
        raise ValidationError(f"A schedule has between 1 and {MOST_TRIES} tries.")
    if waits[0] != 0:
        raise ValidationError("The first try is made at once: begin with 0.")
    if not all(0 <= wait <= DAY for wait in waits):
        raise ValidationError("No wait is longer than 24 hours.")
    if any(later < sooner for sooner, later in pairwise(waits)):
        raise ValidationError("Each wait is at least as long as the one before.")


def parse(text: str) -> list[int] | None:
    """`0, 5 s, 2 m, 1 h` in seconds; nothing means the default. Raises ValidationError."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        return None
    waits = [_seconds(part) for part in parts]
    check(waits)
    return None if tuple(waits) == DEFAULT else waits


def as_text(stored: Sequence[int] | None) -> str:
    """What `parse` takes."""
    return ", ".join(_wait(seconds) for seconds in of(stored))


def in_words(stored: Sequence[int] | None) -> str:
    """Such as: 14 tries over about 75 h."""
    waits = of(stored)
    if len(waits) == 1:
        return "1 try"
    return f"{len(waits)} tries over about {_about(sum(waits))}"


def _seconds(part: str) -> int:
    match = WAIT.fullmatch(part)
    if match is None:
        raise ValidationError(f"“{part[:20]}” is no wait: write 30 s, 10 m or 2 h.")
    return int(match[1]) * UNITS[match[2] or "s"]


def _wait(seconds: int) -> str:
    for unit in "hms":
        if seconds and seconds % UNITS[unit] == 0:
            return f"{seconds // UNITS[unit]} {unit}"
    return "0"


def _about(seconds: int) -> str:
    unit = next((unit for unit in "hm" if seconds >= 2 * UNITS[unit]), "s")
    return f"{seconds // UNITS[unit]} {unit}"
