"""What is on the athletes' calendars, and every edit of it: stored, told of, written down."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from sandbox import journal, store
from sandbox.trainingpeaks import hooks

FIRST_ID = 9_007_199_254_741_000  # above 2^53, where a JavaScript number begins to lie
ZONE_OF_URLS = "https://app.trainingpeaks.com/workout/"
Body = dict[str, Any]


class NoWorkout(Exception):  # noqa: N818 - reads as the sentence it is
    """There is no workout of this id."""


def between(athlete: int, start: str, end: str, kind: str = "workout") -> list[store.Row]:
    return store.all_rows(
        """SELECT * FROM workout WHERE athlete = ? AND kind = ? AND day BETWEEN ? AND ?
        ORDER BY day, id""",
        athlete, kind, start, end,
    )  # fmt: skip


def get(number: int) -> store.Row:
    row = store.one("SELECT * FROM workout WHERE id = ?", number)
    if row is None:
        raise NoWorkout(str(number))
    return row


def add(athlete: int, body: Body, *, kind: str = "workout", origin: str = "control") -> int:
    with store.transaction():
        number = _insert(athlete, body, kind)
        _tell(athlete, number, "created", origin, row=get(number))
    hooks.wake()
    return number


def add_all(athlete: int, bodies: Iterable[Body], *, origin: str) -> list[int]:
    """A plan is applied in one go, and each of its workouts makes an event of its own."""
    with store.transaction():
        numbers = [_insert(athlete, body, _kind(body)) for body in bodies]
        for number in numbers:
            _tell(athlete, number, "created", origin, row=get(number))
    hooks.wake()
    return numbers


def seed_all(athlete: int, bodies: Iterable[Body]) -> None:
    """What was there before anybody looked: nobody is told."""
    for body in bodies:
        _insert(athlete, body, _kind(body))


def change(number: int, fields: Body, *, origin: str = "control") -> None:
    with store.transaction():
        row = get(number)
        body = store.loaded(row["body"]) | _without_structure(fields)
        structure = fields.get("Structure", store.loaded(row["structure"]))
        store.run(
            "UPDATE workout SET body = ?, structure = ?, day = ?, modified = ? WHERE id = ?",
            store.dumped(body),
            store.dumped(structure) if structure else None,
            _day(body, row["kind"]),
            _modified(),
            number,
        )
        names = sorted(fields)
        _tell(row["athlete"], number, "updated", origin, fields=names, row=get(number))
    hooks.wake()


def delete(number: int, *, origin: str = "control") -> None:
    with store.transaction():
        row = get(number)
        store.run("DELETE FROM workout WHERE id = ?", number)
        about = (number, row["athlete"], row["kind"], _modified())
        store.run("INSERT INTO deletion VALUES (?, ?, ?, ?)", *about)
        _tell(row["athlete"], number, "deleted", origin, row=row)
    hooks.wake()


def shown(row: store.Row) -> Body:
    """For control and pages: everything, with the structure beside it."""
    fields: Body = store.loaded(row["body"])
    named = {"Id": row["id"], "AthleteId": row["athlete"], "kind": row["kind"]}
    return named | fields | {"Structure": store.loaded(row["structure"])}


def _insert(athlete: int, body: Body, kind: str) -> int:
    number = store.next_number("workout", FIRST_ID)
    fields = {"Url": f"{ZONE_OF_URLS}{number}"} if kind == "workout" else {}
    fields |= _without_structure(body)
    structure = body.get("Structure")
    store.run(
        "INSERT INTO workout VALUES (?, ?, ?, ?, ?, ?, ?)",
        number,
        athlete,
        kind,
        _day(fields, kind),
        store.dumped(fields),
        store.dumped(structure) if structure else None,
        _modified(),
    )
    return number


def _tell(
    athlete: int, number: int, what: str, origin: str, *, fields: Iterable[str] = (), row: store.Row
) -> None:
    journal.record(
        "change",
        "trainingpeaks",
        change=what,
        athlete=athlete,
        workout=number,
        workout_kind=row["kind"],
        fields=list(fields),
        origin=origin,
    )
    hooks.announce(athlete, number, f"workout-{what}", row)


def _kind(body: Body) -> str:
    return "strength" if "PrescribedDate" in body else "workout"


def _day(body: Body, kind: str) -> str:
    text = str(body.get("WorkoutDay" if kind == "workout" else "PrescribedDate") or "")[:10]
    return date.fromisoformat(text).isoformat()


def _without_structure(body: Body) -> Body:
    kept = {"Id", "AthleteId", "Structure", "kind"}
    return {name: value for name, value in body.items() if name not in kept}


def _modified() -> str:
    return store.now().isoformat(timespec="microseconds").replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """A UTC time as the changed feed is asked with it."""
    parsed = datetime.fromisoformat(text)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
