"""What happened, in order, for ever: requests, effects, changes and webhook posts."""

from typing import Any

from sandbox import store


def record(kind: str, simulator: str, **detail: Any) -> int:
    """Add a row. Inside a transaction it stands or falls with what it tells of."""
    cursor = store.run(
        "INSERT INTO journal (at, kind, simulator, detail) VALUES (?, ?, ?, ?)",
        store.stamp(),
        kind,
        simulator,
        store.dumped(detail),
    )
    return cursor.lastrowid or 0


def keep_raw(seq: int, headers: dict[str, str], body: bytes) -> None:
    """The request behind an entry, for a checker who believes nobody. Credentials stay out."""
    shown = {name: value for name, value in headers.items() if name != "Authorization"}
    store.run("INSERT INTO raw VALUES (?, ?, ?)", seq, store.dumped(shown), body)


def raw(seq: int) -> dict[str, Any] | None:
    row = store.one("SELECT * FROM raw WHERE seq = ?", seq)
    if row is None:
        return None
    headers = store.loaded(row["headers"])
    return {"seq": seq, "headers": headers, "body": row["body"].decode(errors="replace")}


def entries(after: int = 0, kind: str = "", simulator: str = "", most: int = 10_000) -> list[Any]:
    rows = store.all_rows(
        """SELECT * FROM journal WHERE seq > ? AND (? = '' OR kind = ?)
        AND (? = '' OR simulator = ?) ORDER BY seq LIMIT ?""",
        after, kind, kind, simulator, simulator, most,
    )  # fmt: skip
    return [_shown(row) for row in rows]


def keyed_effects(after: int = 0) -> list[Any]:
    """Every effect that had an idempotency key: a key that is here twice was applied twice."""
    sql = "SELECT * FROM journal WHERE kind = 'effect' AND seq > ? ORDER BY seq"
    effects = [_shown(row) for row in store.all_rows(sql, after)]
    return [effect for effect in effects if "key" in effect]


def latest(most: int = 30) -> list[Any]:
    rows = store.all_rows("SELECT * FROM journal ORDER BY seq DESC LIMIT ?", most)
    return [_shown(row) for row in rows]


def newest_of(kind: str, most: int) -> list[Any]:
    rows = store.all_rows(
        "SELECT * FROM journal WHERE kind = ? ORDER BY seq DESC LIMIT ?", kind, most
    )
    return [_shown(row) for row in rows]


def _shown(row: store.Row) -> dict[str, Any]:
    named = {name: row[name] for name in ("seq", "at", "kind", "simulator")}
    return {**store.loaded(row["detail"]), **named}
