"""What changed inside intervals: 5 repeats became 4, the rests went from 2 min to 90 s."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from plans.model import Intensity, Interval, Repeat
from plans.words import amounts
from plans.words.names import Subject, with_article

Steps = Sequence[Interval | Repeat]

MOST = 3  # more single changes than this are told as the new whole
LONGEST = 160
NAMES = {
    Intensity.WARMUP: "warm-up",
    Intensity.COOLDOWN: "cool-down",
    Intensity.ACTIVE: "effort",
    Intensity.REST: "rest",
}


def interval_clauses(before: Steps, after: Steps) -> list[str]:
    """Clauses that stand for themselves. Too many: the new structure in short."""
    clauses = list(dict.fromkeys(_sequence(before, after, inside=False)))
    if len(clauses) > MOST:
        return [f"the structure is now {outline(after)}"]
    return clauses


def outline(steps: Steps) -> str:
    """10 min warm-up, 4 × (3 min at 105 % FTP, 2 min rest), 10 min cool-down."""
    words = ", ".join(_brief(step) for step in steps)
    return words if len(words) <= LONGEST else f"{_total(steps)} steps"


def _total(steps: Steps) -> int:
    return sum(_total(step.steps) if isinstance(step, Repeat) else 1 for step in steps)


def _brief(step: Interval | Repeat, effort: str = "") -> str:
    if isinstance(step, Repeat):
        return f"{step.count} × ({outline(step.steps)})"
    name = effort if step.intensity is Intensity.ACTIVE else NAMES[step.intensity]
    at = f"at {amounts.target(step.target)}" if step.target else ""
    return " ".join(filter(None, [amounts.length(step.length), name, at]))


def _sequence(before: Steps, after: Steps, *, inside: bool) -> Iterator[str]:
    """Steps of the same kind are compared; what has no partner was added or removed."""
    efforts = sum(_kind(step) == Intensity.ACTIVE for step in before)
    for was, now in _partners(before, after):
        if was is None:
            yield from (f"{_brief(step, 'effort')} added" for step in [now] if step)
        elif now is None:
            yield f"{_brief(was, 'effort')} removed"
        elif isinstance(was, Repeat) and isinstance(now, Repeat):
            yield from _repeat(was, now)
        elif isinstance(was, Interval) and isinstance(now, Interval):
            yield from _interval(was, now, _name(was, inside=inside, alone=efforts == 1))


def _partners(
    before: Steps, after: Steps
) -> Iterator[tuple[Interval | Repeat | None, Interval | Repeat | None]]:
    kinds = [_kind(step) for step in before], [_kind(step) for step in after]
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, *kinds, autojunk=False).get_opcodes():
        if tag == "equal" or (tag == "replace" and _retitled(before[i1:i2], after[j1:j2])):
            yield from zip(before[i1:i2], after[j1:j2], strict=True)
        else:
            yield from ((step, None) for step in before[i1:i2])
            yield from ((None, step) for step in after[j1:j2])


def _retitled(before: Steps, after: Steps) -> bool:
    """The same lengths, meant as something else: an effort that became a rest."""
    lengths = [
        [step.length if isinstance(step, Interval) else None for step in steps]
        for steps in (before, after)
    ]
    return lengths[0] == lengths[1] and None not in lengths[0]


def _kind(step: Interval | Repeat) -> str:
    return "repeat" if isinstance(step, Repeat) else step.intensity


def _repeat(was: Repeat, now: Repeat) -> Iterator[str]:
    if was.count != now.count:
        yield f"{amounts.counted(was.count, 'repeat')} became {now.count}"
    yield from _sequence(was.steps, now.steps, inside=True)


def _name(step: Interval, *, inside: bool, alone: bool) -> Subject:
    """One of: the warm-up, the rests, the efforts, the 3 min effort, the main part."""
    plain = NAMES[step.intensity]
    if inside:
        return Subject(f"the {plain}s", plural=True)
    if step.intensity is not Intensity.ACTIVE:
        return Subject(f"the {plain}")
    return Subject("the main part" if alone else f"the {amounts.length(step.length)} {plain}")


def _interval(was: Interval, now: Interval, step: Subject) -> Iterator[str]:
    if was.intensity != now.intensity:
        kind = with_article(Subject(NAMES[now.intensity]))
        yield f"{step.words} {step.verb(f'is now {kind}', f'are now {NAMES[now.intensity]}s')}"
    if was.length != now.length:
        yield f"{step.words} went from {amounts.length(was.length)} to {amounts.length(now.length)}"
    if was.open_ended != now.open_ended:
        yield f"{step.words} now {_ending(now, step)}"
    if was.target != now.target:
        yield _target(was, now, step)
    if was.cadence != now.cadence:
        yield _cadence(was, now, step)
    yield from _wording(was, now, step)


def _ending(now: Interval, step: Subject) -> str:
    if now.open_ended:
        return f"{step.verb('ends', 'end')} when lap is pressed"
    return f"{step.verb('has', 'have')} a fixed length"


def _target(was: Interval, now: Interval, step: Subject) -> str:
    has = step.verb("has", "have")
    if now.target is None:
        return f"{step.words} no longer {has} a target"
    after = amounts.target(now.target)
    if was.target is None:
        return f"{step.words} now {has} a target of {after}"
    return f"{step.words} {_from_to(amounts.target(was.target), after, ' % ')}"


def _cadence(was: Interval, now: Interval, step: Subject) -> str:
    has = step.verb("has", "have")
    if now.cadence is None:
        return f"{step.words} no longer {has} a cadence"
    after = amounts.cadence(now.cadence)
    if was.cadence is None:
        return f"{step.words} now {has} a cadence of {after}"
    change = _from_to(amounts.cadence(was.cadence), after, " ")
    return f"cadence in {step.words} {change}"


def _from_to(before: str, after: str, before_unit: str) -> str:
    """The unit is said once where both have it: went from 95 to 105 % FTP."""
    if before == after:
        return f"stayed at {after}, finely adjusted"
    figures, _, unit = before.partition(before_unit)
    shared = unit and after.endswith(before_unit + unit)
    return f"went from {figures if shared else before} to {after}"


def _wording(was: Interval, now: Interval, step: Subject) -> Iterator[str]:
    has = step.verb("has", "have")
    if was.name != now.name:
        called = f"now called “{now.name}”" if now.name else "now without a name"
        yield f"{step.words} {step.verb('is', 'are')} {called}"
    if was.notes != now.notes and not now.notes:
        yield f"{step.words} no longer {has} a note"
    elif was.notes != now.notes:
        yield f"{step.words} {f'{has} a new note' if was.notes else f'now {has} a note'}"
