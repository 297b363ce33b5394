"""What changed in a strength session: exercises, sets, repetitions, weights."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from plans.model import StrengthBlock, StrengthExercise, StrengthSet
from plans.words import amounts

Blocks = Sequence[StrengthBlock]

MOST = 4
UNITS = {
    "lb": "lb",
    "lbs": "lb",
    "kg": "kg",
    "seconds": "s",
    "minutes": "min",
    "meters": "m",
    "percent": "%",
}


def strength_clauses(before: Blocks, after: Blocks) -> list[str]:
    clauses = list(_clauses(before, after))
    if len(clauses) > MOST:
        return [f"the exercises are now {titles(after)}"]
    return clauses or ["the exercises were rearranged"]


def titles(blocks: Blocks) -> str:
    keys = list(_exercises(blocks))
    if len(keys) > MOST:
        return amounts.counted(len(keys), "exercise")
    return amounts.listed([_titled(key) for key in keys])


def _exercises(blocks: Blocks) -> dict[str, StrengthExercise]:
    """By title; a second one of the same title is the second."""
    seen: Counter[str] = Counter()
    found = {}
    for block in blocks:
        for exercise in block.exercises:
            seen[exercise.title] += 1
            found[f"{exercise.title}\n{seen[exercise.title]}"] = exercise
    return found


def _titled(key: str) -> str:
    title, _, place = key.rpartition("\n")
    name = title or "an exercise"
    return name if place == "1" else f"{name} ({place})"


def _clauses(before: Blocks, after: Blocks) -> Iterator[str]:
    old, new = _exercises(before), _exercises(after)
    for key, exercise in new.items():
        if key not in old:
            yield f"{_titled(key)} added{_in_brackets(exercise)}"
    for key in old:
        if key not in new:
            yield f"{_titled(key)} removed"
    for key in new:
        if key in old and old[key] != new[key]:
            yield from _exercise(_titled(key), old[key], new[key])


def _in_brackets(exercise: StrengthExercise) -> str:
    if not exercise.sets:
        return ""
    figures = _figures(exercise.sets[0])
    same = all(one == exercise.sets[0] for one in exercise.sets)
    each = f" of {', '.join(figures.values())}" if same and figures else ""
    return f" ({amounts.counted(len(exercise.sets), 'set')}{each})"


def _exercise(title: str, was: StrengthExercise, now: StrengthExercise) -> Iterator[str]:
    if len(was.sets) != len(now.sets):
        yield f"{title}: {amounts.counted(len(was.sets), 'set')} became {len(now.sets)}"
    yield from (f"{title}: {change}" for change in _sets(was.sets, now.sets))
    if was.instructions != now.instructions:
        yield f"{title}: {'new instructions' if now.instructions else 'no instructions any more'}"
    if was.video_url != now.video_url:
        yield f"{title}: {'new video' if now.video_url else 'no video any more'}"


def _sets(was: Sequence[StrengthSet], now: Sequence[StrengthSet]) -> list[str]:
    """Each change once, however many sets it touches."""
    changes: dict[str, None] = {}
    for old, new in zip(was, now, strict=False):
        before, after = _figures(old), _figures(new)
        for name in before | after:
            if before.get(name) != after.get(name):
                changes[_change(name, before.get(name), after.get(name))] = None
    return list(changes)


def _change(name: str, before: str | None, after: str | None) -> str:
    if after is None:
        return f"no {name} any more"
    if before is None:
        return f"now {after}"
    said = f" {name}"  # 8 reps became 6
    return f"{before} became {after.removesuffix(said) if before.endswith(said) else after}"


def _figures(one: StrengthSet) -> dict[str, str]:
    """What is meant → how it is said: {"reps": "10 reps", "weight": "25 lb"}."""
    return dict(_said(parameter.name, parameter.value) for parameter in one.parameters)


def _said(name: str, value: str) -> tuple[str, str]:
    words = " ".join(re.findall("[A-Z]+[a-z]*|[a-z]+|[0-9]+", name)).casefold()
    kind, _, unit = words.rpartition(" ")
    if unit in UNITS:
        return kind or "weight", f"{value} {UNITS[unit]}"
    if words == "rpe":
        return "RPE", f"RPE {value}"
    return words, f"{value} {words}"
