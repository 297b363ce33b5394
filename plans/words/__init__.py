"""A difference between two plan versions, in the words a coach would use. Plain text, not HTML."""

from collections.abc import Iterator, Sequence
from datetime import date

from plans.diff import PlanDiff, SessionChange
from plans.model import Session, Sport
from plans.words import amounts, groups, sessions
from plans.words.names import Names

__all__ = ["describe", "headline"]

MOST_SENTENCES = 6  # more single changes than this are told by their kind
Line = tuple[date, str]


def describe(difference: PlanDiff, today: date | None = None) -> list[str]:
    """One sentence per change, in the order of the days; many changes of one kind in one."""
    names = Names.among(_mentioned(difference), today)
    lines = [*_changes(difference.changed, names), *_comings_and_goings(difference, names)]
    return [words for _, words in sorted(lines, key=lambda line: line[0])]


def headline(difference: PlanDiff, today: date | None = None) -> str:
    """The whole difference in one line."""
    lines = describe(difference, today)
    if not lines:
        return "Nothing changed"
    return lines[0] if len(lines) == 1 else _counts(difference)


def _counts(difference: PlanDiff) -> str:
    moved = sum(change.moved for change in difference.changed)
    counts = [
        (len(difference.added), "added"),
        (len(difference.removed), "removed"),
        (moved, "moved"),
        (len(difference.changed) - moved, "changed"),
    ]
    said = [(count, verb) for count, verb in counts if count]
    first = f"{amounts.counted(said[0][0], 'session')} {said[0][1]}"
    return amounts.listed([first, *(f"{count} {verb}" for count, verb in said[1:])])


def _mentioned(difference: PlanDiff) -> list[Session]:
    both = [(change.before, change.after) for change in difference.changed]
    inside = [session for pair in both for session in pair]
    return [*difference.added, *difference.removed, *inside]


def _changes(changes: Sequence[SessionChange], names: Names) -> Iterator[Line]:
    left = list(changes)
    for step, moved in groups.shifts(left).items():
        yield moved[0].before.date, groups.shifted(step, moved, names)
        left = [change for change in left if change not in moved]
    for pair in groups.swaps(left):
        left = [change for change in left if change not in pair]
        yield from _swap(pair, names)
    yield from _single(left, names)


def _swap(pair: tuple[SessionChange, SessionChange], names: Names) -> Iterator[Line]:
    one, other = sorted(pair, key=lambda change: change.before.date)
    first, second = names.subject(one.before), names.subject(other.before)
    yield one.before.date, f"{first.starts()} and {second.words} swapped days"
    for change in (one, other):
        if change.fields != ("date",):
            yield change.after.date, sessions.sentence(change, names, moved=False)


def _single(changes: Sequence[SessionChange], names: Names) -> Iterator[Line]:
    if len(changes) <= MOST_SENTENCES:
        yield from ((change.before.date, sessions.sentence(change, names)) for change in changes)
        return
    for alike in groups.alike(changes).values():
        first = alike[0].before.date
        if len(alike) >= groups.FEW:
            yield first, groups.together(alike, names)
        else:
            yield from ((each.before.date, sessions.sentence(each, names)) for each in alike)


def _comings_and_goings(difference: PlanDiff, names: Names) -> Iterator[Line]:
    pairs = groups.replacements(difference)
    for gone, new in pairs:
        yield gone.date, sessions.replaced(gone, new, names)
    told = {session.item_id for pair in pairs for session in pair}
    yield from _many_or_each(difference.added, told, "added", names)
    yield from _many_or_each(difference.removed, told, "removed", names)


def _many_or_each(
    found: Sequence[Session], told: set[str], verb: str, names: Names
) -> Iterator[Line]:
    """A race is always told by name, however many sessions come or go with it."""
    one = sessions.added if verb == "added" else sessions.removed
    left = [session for session in found if session.item_id not in told]
    plain = [session for session in left if session.sport is not Sport.RACE]
    if len(plain) > groups.FEW:
        yield min(session.date for session in plain), groups.many(plain, verb, names)
        left = [session for session in left if session.sport is Sport.RACE]
    yield from ((session.date, one(session, names)) for session in left)
