"""Many changes in few sentences: a block added, a week moved by a day, two days swapped."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from plans.diff import PlanDiff, SessionChange
from plans.model import Session, Sport
from plans.words import amounts
from plans.words.names import NOUNS, Names

FEW = 3  # more sessions than this are told together
FIELDS = {
    "sport": "sport",
    "date": "day",
    "start_time": "time of day",
    "title": "title",
    "duration_seconds": "duration",
    "distance_meters": "distance",
    "load": "planned load",
    "intensity_factor": "planned intensity",
    "description": "description",
    "coach_notes": "coach's note",
    "intervals": "intervals",
    "strength": "exercises",
    "completed": "done or not",
    "url": "link",
}
NEW = {
    "description": "new descriptions",
    "coach_notes": "new notes from the coach",
    "intervals": "new intervals",
    "strength": "new exercises",
}
SIZES = frozenset({"duration_seconds", "distance_meters", "load", "intensity_factor"})


def swaps(changes: Sequence[SessionChange]) -> list[tuple[SessionChange, SessionChange]]:
    """Pairs that took each other's day."""
    pairs = []
    left = [change for change in changes if change.moved]
    while left:
        one = left.pop(0)
        other = next((each for each in left if _traded(one, each)), None)
        if other is not None:
            left.remove(other)
            pairs.append((one, other))
    return pairs


def _traded(one: SessionChange, other: SessionChange) -> bool:
    return one.before.date == other.after.date and one.after.date == other.before.date


def shifts(changes: Sequence[SessionChange]) -> dict[timedelta, list[SessionChange]]:
    """Sessions that all moved by the same number of days and changed in nothing else."""
    found: dict[timedelta, list[SessionChange]] = defaultdict(list)
    for change in changes:
        if change.fields == ("date",) and change.before.sport is not Sport.RACE:
            found[change.after.date - change.before.date].append(change)
    return {step: moved for step, moved in found.items() if len(moved) >= FEW}


def replacements(difference: PlanDiff) -> list[tuple[Session, Session]]:
    """One gone and one new on the same day; a few of them, or none is told that way."""
    gone, new = _by_day(difference.removed), _by_day(difference.added)
    pairs = [
        (gone[day][0], new[day][0])
        for day in sorted(gone)
        if len(gone[day]) == 1 and len(new.get(day, [])) == 1
    ]
    plain = [pair for pair in pairs if Sport.RACE not in {pair[0].sport, pair[1].sport}]
    return plain if len(plain) <= FEW else []


def _by_day(sessions: Iterable[Session]) -> dict[date, list[Session]]:
    days: dict[date, list[Session]] = defaultdict(list)
    for session in sessions:
        days[session.date].append(session)
    return days


def many(sessions: Sequence[Session], verb: str, names: Names) -> str:
    """12 sessions added from 1 March to 12 April: 6 runs, 4 rides and 2 swims."""
    span = names.span([session.date for session in sessions])
    sports = Counter(NOUNS[one.sport] for one in sessions if one.sport is not Sport.REST)
    resting = len(sessions) - sports.total()
    only = next(iter(sports)) if len(sports) == 1 else "session"
    counts = [amounts.counted(sports.total(), only)] if sports else []
    counts += [amounts.counted(resting, "rest day")] if resting else []
    return f"{amounts.listed(counts)} {verb} {span}{_by_sport(sports)}"


def _by_sport(sports: Counter[str]) -> str:
    if len(sports) < 2:
        return ""
    counts = [amounts.counted(count, noun) for noun, count in sports.most_common()]
    return f": {amounts.listed(counts)}"


def shifted(step: timedelta, moved: Sequence[SessionChange], names: Names) -> str:
    span = names.span([change.before.date for change in moved])
    return f"{amounts.counted(len(moved), 'session')} {span} moved {amounts.shift(step)}"


def alike(changes: Sequence[SessionChange]) -> dict[tuple[str, ...], list[SessionChange]]:
    """By what changed, those that most share first."""
    found: dict[tuple[str, ...], list[SessionChange]] = defaultdict(list)
    for change in changes:
        found[change.fields].append(change)
    return found


def together(changes: Sequence[SessionChange], names: Names) -> str:
    """Several sessions with the same kind of change."""
    span = names.span([change.after.date for change in changes])
    who = f"{amounts.counted(len(changes), 'session')} {span}"
    fields = changes[0].fields
    if fields == ("completed",) and all(change.after.completed for change in changes):
        return f"{who} were marked as done"
    if SIZES.issuperset(fields) and (size := _resized(changes)):
        return f"{who} {size}"
    if len(fields) == 1 and fields[0] in NEW and all(getattr(x.after, fields[0]) for x in changes):
        return f"{who} have {NEW[fields[0]]}"
    return f"{who}: {amounts.listed([FIELDS[name] for name in fields])} changed"


def _resized(changes: Sequence[SessionChange]) -> str:
    """All got shorter (4 h instead of 5 h in all), where every one of them did."""
    pairs = [(each.before.duration_seconds, each.after.duration_seconds) for each in changes]
    known = [(was, now) for was, now in pairs if was is not None and now is not None]
    if len(known) < len(pairs) or len({was < now for was, now in known}) > 1:
        return ""
    if any(was == now for was, now in known):
        return ""
    before, after = sum(was for was, _ in known), sum(now for _, now in known)
    word = "longer" if after > before else "shorter"
    was_words, now_words = amounts.durations(before, after)
    return f"got {word} ({now_words} instead of {was_words} in all)"
