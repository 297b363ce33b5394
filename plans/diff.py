"""What is different between two lists of sessions, and how to get from one to the other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from plans.model import Session, in_order

URGENT = frozenset({"sport", "date", "start_time", "duration_seconds"})


@dataclass(frozen=True)
class SessionChange:
    """One session, before and after. The item id is the same in both."""

    before: Session
    after: Session

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of what is different, in the model's order."""
        return tuple(
            name
            for name in Session.model_fields
            if getattr(self.before, name) != getattr(self.after, name)
        )

    @property
    def moved(self) -> bool:
        return self.before.date != self.after.date


@dataclass(frozen=True)
class PlanDiff:
    added: tuple[Session, ...] = ()
    removed: tuple[Session, ...] = ()
    changed: tuple[SessionChange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def diff(before: Iterable[Session], after: Iterable[Session]) -> PlanDiff:
    old, new = _by_id(before), _by_id(after)
    return PlanDiff(
        added=tuple(session for key, session in new.items() if key not in old),
        removed=tuple(session for key, session in old.items() if key not in new),
        changed=tuple(
            SessionChange(old[key], session)
            for key, session in new.items()
            if key in old and old[key] != session
        ),
    )


def apply(difference: PlanDiff, before: Iterable[Session]) -> tuple[Session, ...]:
    """The sessions after the difference. It fits only the sessions it was made from."""
    sessions = _by_id(before)
    for gone in difference.removed:
        _take(sessions, gone)
    for change in difference.changed:
        _take(sessions, change.before)
    for new in (*difference.added, *(change.after for change in difference.changed)):
        if new.item_id in sessions:
            raise ValueError(f"{new.item_id} is there already: the difference does not fit.")
        sessions[new.item_id] = new
    return in_order(sessions.values())


def is_urgent(difference: PlanDiff) -> bool:
    """Would an athlete who hears of it tomorrow stand at the wrong place, or at the wrong time?"""
    if difference.added or difference.removed:
        return True
    return any(URGENT.intersection(change.fields) for change in difference.changed)


def _take(sessions: dict[str, Session], expected: Session) -> None:
    if sessions.pop(expected.item_id, None) != expected:
        raise ValueError(f"{expected.item_id} is not as expected: the difference does not fit.")


def _by_id(sessions: Iterable[Session]) -> dict[str, Session]:
    ordered: Sequence[Session] = in_order(sessions)
    found = {session.item_id: session for session in ordered}
    if len(found) != len(ordered):
        raise ValueError("A session is in the list twice.")
    return found
