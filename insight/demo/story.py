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
    """One thing the coach did, and when."""

    athlete: Athlete
    what: str
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
    to = _day(workout) + timedelta(days=1)
    sandbox.patch(f"/control/workouts/{workout['Id']}", {"WorkoutDay": f"{to}T00:00:00"})
    return _now(athlete, f"moved “{workout['Title']}” to {to:%A}")


def _edit(sandbox: Sandbox, athlete: Athlete, workout: dict[str, Any]) -> Change:
    hours = round((workout.get("TotalTimePlanned") or 1) + 0.25, 2)
    sandbox.patch(f"/control/workouts/{workout['Id']}", {"TotalTimePlanned": hours})
    return _now(athlete, f"made “{workout['Title']}” a quarter of an hour longer")


def _delete(sandbox: Sandbox, athlete: Athlete, workout: dict[str, Any]) -> Change:
    sandbox.delete(f"/control/workouts/{workout['Id']}")
    return _now(athlete, f"took “{workout['Title']}” out")


def _add(sandbox: Sandbox, athlete: Athlete, workout: dict[str, Any]) -> Change:
    added = {
        "WorkoutDay": f"{_day(workout)}T00:00:00",
        "Title": "Easy spin before breakfast",
        "WorkoutType": "Bike",
        "TotalTimePlanned": 0.5,
    }
    sandbox.post(f"/control/athletes/{athlete.source_id}/workouts", added)
    return _now(athlete, "added an easy spin")


def _apply_plan(sandbox: Sandbox, athlete: Athlete, today: date) -> Change:
    monday = today - timedelta(days=today.weekday()) + timedelta(days=7)
    wish = {"weeks": WEEKS, "start": monday.isoformat()}
    sandbox.post(f"/control/athletes/{athlete.source_id}/apply-plan", wish)
    return _now(athlete, "applied a twelve-week plan")


def _now(athlete: Athlete, what: str) -> Change:
    return Change(athlete, what, datetime.now(UTC))
