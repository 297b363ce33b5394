"""Reading an athlete's days: workouts, the intervals of those that changed, strength sessions.

Intervals cost a call each, so those of a workout that has not changed since they were
last read are kept. A stamp says whether it has.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any, Protocol, TypeVar

from pydantic import ValidationError

from plans import contract
from plans.errors import ContractError
from plans.model import Session, in_order
from plans.trainingpeaks import (
    ParseNote,
    has_structure,
    item_id,
    parse_strength_workouts,
    parse_structure,
    parse_workouts,
)
from sharing.source import endpoints
from sharing.source.errors import BadAnswerError, SourceRefusedError

Parsed = TypeVar("Parsed")
Stamps = Mapping[str, str]  # workout id → when it was last modified, and a digest of all of it


class Days(Protocol):
    """What a reading asks of a source."""

    def workouts(self, athlete: int, start: date, end: date) -> list[Any]: ...
    def structure(self, workout: int) -> Any: ...
    def strength_workouts(self, athlete: int, start: date, end: date) -> list[Any]: ...


@dataclass(frozen=True)
class Known:
    """What earlier versions say: sessions by item id, and the stamps they were read by."""

    sessions: Mapping[str, Session] = field(default_factory=dict)
    stamps: Stamps = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """What the source says now."""

    sessions: tuple[Session, ...]
    stamps: Stamps
    refused: str = ""  # a scope without which something is missing
    allowed: frozenset[str] = frozenset()  # scopes that worked
    notes: tuple[ParseNote, ...] = ()


@dataclass
class _Intervals:
    """Raw structures that were asked for, and sessions whose intervals still hold."""

    raw: dict[int, Any] = field(default_factory=dict)
    kept: dict[str, Session] = field(default_factory=dict)
    refused: str = ""


def read_days(days: Days, athlete: int, start: date, end: date, known: Known) -> Found:
    """All sessions from start to end. Raises before anything incomplete is returned."""
    workouts = _once_each(days.workouts(athlete, start, end), known)
    stamps = {str(number): stamp(raw) for number, raw in workouts.items()}
    intervals = _intervals(days, workouts, stamps, known)
    notes: list[ParseNote] = []
    sessions = _sessions(workouts, intervals, known, notes)
    sessions += _strength(days, athlete, start, end, notes)
    unique = {session.item_id: session for session in sessions}
    return Found(in_order(unique.values()), stamps, refused=intervals.refused, notes=tuple(notes))


def stamp(raw: Mapping[str, Any]) -> str:
    """When it was modified, as the source says, and a digest: two edits in one second differ."""
    digest = sha256(json.dumps(raw, sort_keys=True).encode("utf-8", "backslashreplace"))
    return f"{modified(raw)}|{digest.hexdigest()[:16]}"


def modified(raw: Mapping[str, Any]) -> str:
    """Good for "the same or not" only: its time zone is unclear."""
    members = {str(key).casefold(): value for key, value in raw.items()}
    return str(members.get("lastmodifieddate") or "")


def number_of(raw: Any) -> int | None:
    """The workout's id, if the answer has one where it should be."""
    if not isinstance(raw, Mapping):
        return None
    value = {str(key).casefold(): member for key, member in raw.items()}.get("id")
    try:
        return int(value)  # type: ignore[arg-type] # anything else is the error we expect
    except (TypeError, ValueError, OverflowError):
        return None


def _once_each(listing: list[Any], known: Known) -> dict[int, Mapping[str, Any]]:
    """By id; one that moved between two slices while we read counts where it came last."""
    _contract(
        endpoints.WORKOUTS.name, listing, lambda: parse_workouts(listing, known=known.sessions)
    )
    return {number_of(raw) or 0: raw for raw in listing}


def _intervals(
    days: Days, workouts: Mapping[int, Mapping[str, Any]], stamps: Stamps, known: Known
) -> _Intervals:
    """Ask for what changed; keep what has not."""
    found = _Intervals()
    for number, raw in workouts.items():
        earlier = known.sessions.get(item_id(number))
        if not has_structure(raw):
            continue
        if earlier and modified(raw) and known.stamps.get(str(number)) == stamps[str(number)]:
            found.kept[item_id(number)] = earlier
        else:
            _ask(days, number, found, had_some=bool(earlier and earlier.intervals))
    return found


def _ask(days: Days, number: int, found: _Intervals, *, had_some: bool) -> None:
    """A scope that was never granted costs the intervals; one that is lost stops the reading."""
    if found.refused and not had_some:
        return
    try:
        raw = found.raw[number] = days.structure(number)
    except SourceRefusedError as error:
        if had_some:
            raise
        found.refused = error.scope
        return
    _contract(endpoints.STRUCTURE.name, raw, lambda: parse_structure(raw))


def _sessions(
    workouts: Mapping[int, Mapping[str, Any]],
    intervals: _Intervals,
    known: Known,
    notes: list[ParseNote],
) -> list[Session]:
    raw = list(workouts.values())
    parsed = _contract(
        endpoints.WORKOUTS.name,
        raw,
        lambda: parse_workouts(raw, intervals.raw, known=known.sessions, notes=notes),
    )
    return [_with_kept(session, intervals) for session in parsed]


def _with_kept(session: Session, intervals: _Intervals) -> Session:
    kept = intervals.kept.get(session.item_id)
    return session.model_copy(update={"intervals": kept.intervals}) if kept else session


def _strength(
    days: Days, athlete: int, start: date, end: date, notes: list[ParseNote]
) -> list[Session]:
    sessions: list[Session] = []
    for page in days.strength_workouts(athlete, start, end):
        sessions += _contract(
            endpoints.STRENGTH.name,
            page,
            lambda page=page: parse_strength_workouts(page, notes=notes),  # type: ignore[misc] # bound now
        )
    return sessions


def _contract(name: str, raw: Any, parse: Callable[[], Parsed]) -> Parsed:
    try:
        return parse()
    except ContractError as error:
        raise _broken(name, error, raw) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        complaint = ContractError(contract.written(first["loc"]), first["msg"])
        raise _broken(name, complaint, raw) from None


def _broken(name: str, error: ContractError, raw: Any) -> BadAnswerError:
    return BadAnswerError(name, error.path, error.problem, json.dumps(raw).encode())


def merged(parts: Sequence[Found]) -> Found:
    """Several spans of days as one. What moved from one to the other counts where it came last."""
    sessions = {session.item_id: session for part in parts for session in part.sessions}
    stamps = {key: value for part in parts for key, value in part.stamps.items()}
    refused = next((part.refused for part in parts if part.refused), "")
    notes = tuple(note for part in parts for note in part.notes)
    return Found(in_order(sessions.values()), stamps, refused=refused, notes=notes)
