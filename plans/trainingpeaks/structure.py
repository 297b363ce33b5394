"""The exported structure of a workout → intervals. The traps of units and scale are here."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from plans.errors import ContractError
from plans.limits import DEEPEST, MOST_REPEATS, MOST_STEPS, CleanLine, CleanText
from plans.model import (
    Cadence,
    Intensity,
    Interval,
    Length,
    LengthUnit,
    Repeat,
    Target,
    TargetUnit,
    work,
)
from plans.trainingpeaks.wire import ParseNote, Reader, conform, words

Segment = Mapping[str, Any]
Value = TypeVar("Value")

INTENSITIES = {
    "warmup": Intensity.WARMUP,
    "cooldown": Intensity.COOLDOWN,
    "active": Intensity.ACTIVE,
    "rest": Intensity.REST,
}
LENGTHS = {"second": LengthUnit.SECOND, "meter": LengthUnit.METER}
TARGETS = {
    "percentofftp": TargetUnit.PERCENT_FTP,
    "percentofmaxhr": TargetUnit.PERCENT_MAX_HR,
    "percentofthresholdhr": TargetUnit.PERCENT_THRESHOLD_HR,
    "percentofthresholdspeed": TargetUnit.PERCENT_THRESHOLD_PACE,
    "rpe": TargetUnit.RPE,
}
FRACTION = 2.0  # targets that are all at most 2 were meant as 0.75, not as 75
FIGURES = ("MinValue", "Value", "MaxValue")


def parse_structure(
    raw: object, *, path: str = "", notes: list[ParseNote] | None = None
) -> tuple[Interval | Repeat, ...]:
    """Intervals from a list, from {"Structure": …}, or from either as JSON text."""
    reader = Reader(path, notes if notes is not None else [])
    segments, reader = _unwrapped(raw, reader)
    _check_depth(segments, reader)
    document = conform(segments, "structure.json", reader.path)
    scale = _scale(document, reader)
    steps = tuple(_segments(document, scale, reader))
    if work(steps) > MOST_STEPS:
        raise ContractError(
            reader.path, f"expected at most {MOST_STEPS} intervals, repeats included"
        )
    return steps


def _unwrapped(raw: object, reader: Reader) -> tuple[object, Reader]:
    for _ in range(4):  # text in an object in text: no deeper
        if isinstance(raw, str):
            raw = _decoded(raw, reader)
        elif isinstance(raw, Mapping):
            inner = {str(key).casefold(): key for key in raw}.get("structure")
            if inner is None:
                reader.refuse("a list of intervals", raw)
            raw, reader = raw[inner], reader.at(str(inner))
        else:
            break
    return ([] if raw is None else raw), reader


def _decoded(text: str, reader: Reader) -> object:
    try:
        return json.loads(text) if text.strip() else None
    except (ValueError, RecursionError):
        reader.refuse("a structure as JSON", text)


def _check_depth(raw: object, reader: Reader, depth: int = 0) -> None:
    if depth > DEEPEST + 1:
        reader.refuse(f"repeats at most {DEEPEST} deep", raw)
    if isinstance(raw, list):
        for index, segment in enumerate(raw):
            inner = (
                {str(key).casefold(): key for key in segment}
                if isinstance(segment, Mapping)
                else {}
            )
            if "steps" in inner:
                key = inner["steps"]
                _check_depth(segment[key], reader.at(index).at(str(key)), depth + 1)


def _scale(document: Iterable[Segment], reader: Reader) -> float:
    """Percent are percent, unless every target of the workout can only be a fraction."""
    figures = [value for value in _percentages(document) if value]
    if not figures or max(figures) > FRACTION:
        return 1.0
    reader.note("targets_as_fractions", "Targets came as fractions (0.75): read as percent (75).")
    return 100.0


def _percentages(document: Iterable[Segment]) -> Iterator[float]:
    for segment in document:
        yield from _percentages(segment.get("Steps") or ())
        target = segment.get("IntensityTarget") or {"Unit": "rpe"}
        if target["Unit"].casefold() != "rpe":
            yield from (target[name] for name in FIGURES if target.get(name) is not None)


def _segments(
    segments: Iterable[Segment], scale: float, reader: Reader
) -> Iterator[Interval | Repeat]:
    for index, segment in enumerate(segments):
        here = reader.at(index)
        kind = segment["Type"].casefold()
        if kind == "repetition":
            yield _repeat(segment, scale, here)
        elif kind == "step":
            yield _interval(segment, scale, here)
        else:
            here.at("Type").refuse("Step or Repetition", segment["Type"])


def _repeat(segment: Segment, scale: float, reader: Reader) -> Repeat:
    length = segment["Length"]
    if length["Unit"].casefold() != "repetition":
        reader.at("Length").at("Unit").refuse("Repetition", length["Unit"])
    steps = tuple(_segments(segment.get("Steps") or (), scale, reader.at("Steps")))
    if not steps:
        reader.at("Steps").refuse("at least one interval", segment.get("Steps"))
    count = _whole(length["Value"], reader.at("Length").at("Value"))
    if not 1 <= count <= MOST_REPEATS:
        reader.at("Length").at("Value").refuse(f"1 to {MOST_REPEATS} repeats", count)
    return Repeat(count=count, steps=steps)


def _interval(segment: Segment, scale: float, reader: Reader) -> Interval:
    return Interval(
        name=words(segment.get("Name"), CleanLine(200), reader.at("Name")),
        intensity=_intensity(segment.get("IntensityClass"), reader.at("IntensityClass")),
        length=_length(segment["Length"], reader.at("Length")),
        open_ended=bool(segment.get("OpenDuration")),
        target=_target(segment.get("IntensityTarget"), scale, reader.at("IntensityTarget")),
        cadence=_cadence(segment.get("CadenceTarget"), reader.at("CadenceTarget")),
        notes=words(segment.get("Notes"), CleanText(2_000), reader.at("Notes")),
    )


def _intensity(value: str | None, reader: Reader) -> Intensity:
    """An effort we do not know is work: calling it rest would be the worse mistake."""
    known = INTENSITIES.get((value or "").casefold().replace("-", "").replace("_", ""))
    if known is None:
        reader.note("intensity_unknown", "An intensity we do not know: read as active.")
    return known or Intensity.ACTIVE


def _length(length: Segment, reader: Reader) -> Length:
    unit = _known(LENGTHS, length["Unit"], "Second or Meter", reader.at("Unit"))
    return Length(unit=unit, value=_whole(length["Value"], reader.at("Value")))


def _whole(value: float, reader: Reader) -> int:
    if not 0 <= value <= 100_000_000:
        reader.refuse("a whole number, not negative", value)
    return round(value)


def _target(target: Segment | None, scale: float, reader: Reader) -> Target | None:
    if target is None:
        return None
    unit = _known(TARGETS, target["Unit"], "a known kind of target", reader.at("Unit"))
    factor = 1.0 if unit is TargetUnit.RPE else scale
    low, value, high = (_scaled(target.get(name), factor, reader.at(name)) for name in FIGURES)
    if low is not None and high is not None:
        low, high = min(low, high), max(low, high)
    if low is None and value is None and high is None:
        return None
    return Target(unit=unit, value=value, minimum=low, maximum=high)


def _cadence(target: Segment | None, reader: Reader) -> Cadence | None:
    if target is None:
        return None
    if target["Unit"].casefold() != "rpm":
        reader.at("Unit").refuse("rpm", target["Unit"])
    low, value, high = (_scaled(target.get(name), 1.0, reader.at(name)) for name in FIGURES)
    ends = [end for end in (low, value, high) if end is not None]
    if not ends:
        return None
    return Cadence(minimum=min(ends), maximum=max(ends), value=value)


def _scaled(value: float | None, factor: float, reader: Reader) -> float | None:
    if value is None:
        return None
    if not 0 <= value * factor <= 1_000:
        reader.refuse("a number from 0 to 1000", value)
    return value * factor


def _known(table: Mapping[str, Value], name: str, expected: str, reader: Reader) -> Value:
    if name.casefold() not in table:
        reader.refuse(expected, name)
    return table[name.casefold()]
