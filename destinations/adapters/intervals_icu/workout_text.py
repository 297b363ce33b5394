"""Intervals → intervals.icu's text syntax, with all its traps. Pure functions.

One step per line, beginning with "- ". `m` is minutes and `mtr` metres. Repeats stand
between blank lines and cannot be nested. A heart rate is a share of a threshold, never
beats. A digit in the name of a step would be read as a length.
"""

import re
from collections.abc import Iterator, Sequence

from destinations.adapters.shared import bounds, clock_length, number
from plans.model import Interval, Length, Repeat, Target

MOST_LINES = 400
SUFFIX = {
    "percent_ftp": "",
    "percent_max_hr": " HR",
    "percent_threshold_hr": " LTHR",
    "percent_threshold_pace": " Pace",
}
NAMES = {"warmup": "Warmup", "active": "", "rest": "Recovery", "cooldown": "Cooldown"}
# Words that are commands in that syntax, wherever they stand in a line.
COMMANDS = frozenset(
    [
        "ramp",
        "pace",
        "hr",
        "lthr",
        "ftp",
        "freeride",
        "press",
        "lap",
        "rpm",
        "maxeffort",
        "intensity",
    ]
)
LOOKS_LIKE_STEP = re.compile(r"^(\s*)[-*](?=\s|\d)")
LOOKS_LIKE_REPEAT = re.compile(r"\b(\d+)x(?=\s*$)", re.IGNORECASE)

Step = Interval | Repeat


def workout_text(steps: Sequence[Step]) -> str | None:
    """The structure as text, or None when written out it would be longer than anyone can use."""
    if line_count(steps) > MOST_LINES:
        return None
    blocks = list(_blocks(steps))
    return "\n\n".join("\n".join(block) for block in blocks)


def line_count(steps: Sequence[Step]) -> int:
    """How many lines it takes; repeats that hold repeats are written out."""
    total = 0
    for step in steps:
        if isinstance(step, Interval):
            total += 1
        elif nested(step):
            total += step.count * line_count(step.steps)
        else:
            total += 1 + len(step.steps)
    return total


def nested(repeat: Repeat) -> bool:
    return any(isinstance(step, Repeat) for step in repeat.steps)


def _blocks(steps: Sequence[Step]) -> Iterator[list[str]]:
    """Runs of plain steps, and repeats, in order; a blank line will stand between any two."""
    plain: list[str] = []
    for step in _flat(steps):
        if isinstance(step, Interval):
            plain.append(step_line(step))
            continue
        if plain:
            yield plain
        plain = []
        yield [f"{step.count}x", *(step_line(one) for one in step.steps if _is_step(one))]
    if plain:
        yield plain


def _is_step(step: Step) -> bool:
    return isinstance(step, Interval)


def _flat(steps: Sequence[Step]) -> Iterator[Step]:
    """The same rounds in the same order, with no repeat inside a repeat."""
    for step in steps:
        if isinstance(step, Repeat) and (nested(step) or step.count == 1):
            for _ in range(step.count):
                yield from _flat(step.steps)
        else:
            yield step


def step_line(step: Step) -> str:
    if isinstance(step, Repeat):
        raise TypeError("A repeat is a block, not a line.")
    parts = [cue(step), length(step.length), target(step.target), cadence(step)]
    return "- " + " ".join(part for part in parts if part)


def cue(step: Interval) -> str:
    """The name of a step, without anything that the syntax would read as its own."""
    words = (step.name or NAMES[str(step.intensity)]).split()
    return " ".join(word for word in words if _harmless(word))


def _harmless(word: str) -> bool:
    letters = word.strip(".,:;()!?'’&/+-")
    return (
        letters.isalpha()
        and letters.isascii()
        and letters.lower() not in COMMANDS
        and len(letters) > 1
    )


def length(length: Length) -> str:
    if length.unit == "second":
        return clock_length(length.value)
    if length.value >= 1000 and length.value % 10 == 0:
        return f"{number(length.value / 1000)}km"
    return f"{length.value}mtr"


def target(target: Target | None) -> str:
    limits = bounds(target) if target else None
    if target is None or limits is None or str(target.unit) not in SUFFIX:
        return ""
    low, high = (number(limit) for limit in limits)
    amount = f"{low}%" if low == high else f"{low}-{high}%"
    return amount + SUFFIX[str(target.unit)]


def cadence(step: Interval) -> str:
    if step.cadence is None:
        return ""
    low, high = number(step.cadence.minimum), number(step.cadence.maximum)
    return f"{low}rpm" if low == high else f"{low}-{high}rpm"


def plain(text: str) -> str:
    """Somebody's own words, so that no line of them is taken for a step or a repeat."""
    return "\n".join(_plain_line(line) for line in text.splitlines())


def _plain_line(line: str) -> str:
    line = LOOKS_LIKE_STEP.sub(r"\1•", line)
    return LOOKS_LIKE_REPEAT.sub(r"\1 ×", line)


def walk(steps: Sequence[Step]) -> Iterator[Interval]:
    """Every interval once, in order."""
    for step in steps:
        if isinstance(step, Repeat):
            yield from walk(step.steps)
        else:
            yield step
