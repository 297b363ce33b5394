"""intervals.icu's text syntax for workouts, read as its server reads it: lengths and repeats."""

import re

STEP = re.compile(r"^\s*-\s*(?P<rest>.+)$")
REPEAT = re.compile(r"^(?:.*\s)?(?P<count>\d+)x\s*$", re.IGNORECASE)
LENGTH = re.compile(
    r"(?<![\w.])(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m(?!tr))?(?:(?P<s>\d+)s)?(?=\s|$)", re.IGNORECASE
)
DISTANCE = re.compile(r"(?<![\w.])(?P<value>\d+(?:\.\d+)?)(?P<unit>mtr|km)(?=\s|$)", re.IGNORECASE)
ABSOLUTE_HEART_RATE = re.compile(r"\d\s*bpm\b", re.IGNORECASE)


def problems(text: str) -> list[str]:
    """What its server takes without a word and then understands otherwise than it was meant."""
    found, inside = [], False
    for number, line in enumerate(text.splitlines(), 1):
        repeat, step = REPEAT.match(line), STEP.match(line)
        if repeat and inside:
            found.append(f"Line {number}: a repeat inside a repeat.")
        if step and not (step_seconds(step["rest"]) or step_meters(step["rest"])):
            found.append(f"Line {number}: a step without a length.")
        if step and ABSOLUTE_HEART_RATE.search(step["rest"]):
            found.append(f"Line {number}: heart rate in beats, which is not a target.")
        inside = bool(line.strip()) and (inside or repeat is not None)
    return found


def totals(text: str) -> tuple[int, float]:
    """Seconds and metres of all steps. A blank line ends a repeat."""
    seconds, meters, count = 0, 0.0, 1
    for line in text.splitlines():
        if not line.strip():
            count = 1
        elif step := STEP.match(line):
            seconds += count * step_seconds(step["rest"])
            meters += count * step_meters(step["rest"])
        elif repeat := REPEAT.match(line):
            count = int(repeat["count"])
    return seconds, meters


def step_seconds(text: str) -> int:
    """The first length in a line counts; digits in a cue are read as one, too."""
    for found in LENGTH.finditer(text):
        if found[0]:
            hours, minutes, seconds = (int(found[unit] or 0) for unit in "hms")
            return hours * 3600 + minutes * 60 + seconds
    return 0


def step_meters(text: str) -> float:
    found = DISTANCE.search(text)
    if found is None:
        return 0.0
    return float(found["value"]) * (1000 if found["unit"].casefold() == "km" else 1)
