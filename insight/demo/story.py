"""What the coach does in TrainingPeaks: moves, edits, deletes, adds, applies a twelve-week plan."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from accounts.models import Athlete
from insight.demo.sandbox import Sandbox

EDITED = 12  # athletes whose plans are changed one by one
WEEKS = 12


@dataclass(frozen=True)
class Change:
    """One thing the coach did: when it was asked for, and when TrainingPeaks had it."""

    athlete: Athlete
    what: str
    began: datetime
    at: datetime


def tell(sandbox: Sandbox, athletes: list[Athlete], today: date) -> Iterator[Change]:
    """Make the changes one after the other."""
    moves = [_move, _edit, _delete, _add]
    for number, athlete in enumerate(athletes[:EDITED]):
        session = _coming(sandbox, athlete, today)
        if session is not None:
            yield moves[number % len(moves)](sandbox, athlete, session)
    yield _apply_plan(sandbox, athletes[EDITED], today)


def _coming(sandbox: Sandbox, athlete: Athlete, today: date) -> dict[str, Any] | None:
    """A planned session of the coming days."""
    days = (today + timedelta(days=2), today + timedelta(days=12))
    for workout in sandbox.get(f"/control/athletes/{athlete.source_id}/workouts"):
        if days[0] <= _day(workout) <= days[1]:
            return dict(workout)
    return None


def _day(workout: dict[str, Any]) -> date:
    return date.fromisoformat(str(workout["WorkoutDay"])[:10])


def _move(sandbox: Sandbox, athlete: Athlete, workout: dict[str, Any]) -> Change:
    to, began = _day(workout) + timedelta(days=1), now()
    sandbox.patch(f"/control/workouts/{workout['Id']}", {"WorkoutDay": f"{to}T00:00:00"})
    return Change(athlete, f"moved “{workout['Title']}” to {to:%A}", began, now())


def _edit(sandbox: Sandbox, athlete: Athlete, workout: dict[str, Any]) -> Change:
    hours, began = round((workout.get("TotalTimePlanned") or 1) + 0.25, 2), now()
    sandbox.patch(f"/control/workouts/{workout['Id']}", {"TotalTimePlanned": hours})
    return Change(athlete, f"made “{workout['Title']}” a quarter of an hour longer", began, now())


def _delete(sandbox: Sandbox, athlete: Athlete, workout: dict[str, Any]) -> Change:
    began = now()
    sandbox.delete(f"/control/workouts/{workout['Id']}")
    return Change(athlete, f"took “{workout['Title']}” out", began, now())


def _add(sandbox: Sandbox, athlete: Athlete, workout: dict[str, Any]) -> Change:
    added = {
        "WorkoutDay": f"{_day(workout)}T00:00:00",
        "Title": "Easy spin before breakfast",
        "WorkoutType": "Bike",
        "TotalTimePlanned": 0.5,
    }
    began = now()
    sandbox.post(f"/control/athletes/{athlete.source_id}/workouts", added)
    return Change(athlete, "added an easy spin", began, now())


def _apply_plan(sandbox: Sandbox, athlete: Athlete, today: date) -> Change:
    monday = today - timedelta(days=today.weekday()) + timedelta(days=7)
    wish = {"weeks": WEEKS, "start": monday.isoformat()}
    began = now()
    sandbox.post(f"/control/athletes/{athlete.source_id}/apply-plan", wish)
    return Change(athlete, "applied a twelve-week plan", began, now())


def now() -> datetime:
    return datetime.now(UTC)
