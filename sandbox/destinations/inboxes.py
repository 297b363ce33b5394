"""What an inbox knows: its secrets, how it will answer, what it was sent and what that did."""

import sqlite3
from typing import Any

from sandbox import journal, store

DEFAULT_ANSWER: dict[str, Any] = {"status": 200}
ANSWER_KEYS = {
    "status", "retry_after", "location", "body", "slow_headers", "slow_body", "reset", "huge_body",
    "applied",
}  # fmt: skip


class BadAnswer(Exception):  # noqa: N818 - reads as the sentence it is
    """No inbox can answer like this."""


def get(name: str) -> store.Row | None:
    return store.one("SELECT * FROM inbox WHERE name = ?", name)


def names() -> list[str]:
    return [row["name"] for row in store.all_rows("SELECT name FROM inbox ORDER BY name")]


def configure(name: str, given: dict[str, Any]) -> None:
    """Make it, or change what is given: its secrets, its answer, for how many times."""
    if not isinstance(given.get("answer", {}), dict):
        raise BadAnswer("An answer is an object.")
    unknown = sorted(set(given.get("answer", {})) - ANSWER_KEYS)
    if unknown:
        raise BadAnswer(f"An answer has no {', '.join(unknown)}.")
    with store.transaction():
        store.run("INSERT OR IGNORE INTO inbox VALUES (?, '', '{}', NULL, 1)", name)
        if secrets := given.get("secrets", [given["secret"]] if given.get("secret") else None):
            store.run("UPDATE inbox SET secret = ? WHERE name = ?", " ".join(secrets), name)
        if "answer" in given:
            _answer(name, given["answer"], given.get("times"))
        if "deduplicates" in given:
            wanted = int(bool(given["deduplicates"]))
            store.run("UPDATE inbox SET deduplicates = ? WHERE name = ?", wanted, name)


def _answer(name: str, answer: dict[str, Any], times: Any) -> None:
    sql = "UPDATE inbox SET answer = ?, times = ? WHERE name = ?"
    store.run(sql, store.dumped(answer), times, name)
    journal.record("switches", "webhook", inbox=name, answer=answer, times=times)


def next_answer(name: str) -> dict[str, Any]:
    """How to answer now. An answer for so many times counts down to the plain 200."""
    with store.transaction():
        row = get(name)
        if row is None or row["times"] == 0:
            return DEFAULT_ANSWER
        if row["times"]:
            store.run("UPDATE inbox SET times = times - 1 WHERE name = ?", name)
        told: dict[str, Any] = store.loaded(row["answer"])
        return DEFAULT_ANSWER | told


def refuse(name: str, message_id: str, reason: str, body: bytes) -> None:
    with store.transaction():
        _keep(name, message_id, "refused", reason, body)
        journal.record("refusal", "webhook", inbox=name, message=message_id, reason=reason)


def apply(name: str, message_id: str, body: bytes, *, deduplicates: bool) -> bool:
    """Do what it says, once per message id. False when that was done before."""
    with store.transaction():
        if deduplicates and _applied(name, message_id):
            _keep(name, message_id, "repeated", "", body)
            return False
        about = facts(body)
        outcome = "applied" if not _applied(name, message_id) else "applied again"
        _keep(name, message_id, outcome, "", body)
        journal.record("effect", "webhook", key=message_id, inbox=name, **about)
    return True


def _applied(name: str, message_id: str) -> bool:
    sql = "SELECT 1 FROM message WHERE inbox = ? AND message_id = ? AND outcome = 'applied'"
    return store.one(sql, name, message_id) is not None


def _keep(name: str, message_id: str, outcome: str, reason: str, body: bytes) -> sqlite3.Cursor:
    sql = """INSERT INTO message (inbox, message_id, at, outcome, reason, plan, body)
        VALUES (?, ?, ?, ?, ?, ?, ?)"""
    plan = str(facts(body).get("plan") or "") if outcome != "refused" else ""
    text = body.decode(errors="replace")
    return store.run(sql, name, message_id, store.stamp(), outcome, reason, plan, text)


def facts(body: bytes) -> dict[str, Any]:
    """Which plan in which version, if the message tells of one."""
    try:
        message = store.loaded(body.decode())
    except ValueError:
        return {}
    if not isinstance(message, dict):
        return {}
    inner = message.get("data")
    data = inner if isinstance(inner, dict) else message
    names = {"plan": "planId", "version": "version", "revision": "revision"}
    return {"type": message.get("type")} | {name: data.get(key) for name, key in names.items()}


def held(name: str) -> list[dict[str, Any]]:
    """Per plan the newest message that was applied; one that was withdrawn is not held."""
    sql = "SELECT * FROM message WHERE inbox = ? AND outcome LIKE 'applied%' AND plan != ''"
    newest: dict[str, dict[str, Any]] = {}
    for row in store.all_rows(f"{sql} ORDER BY seq", name):
        shown = _plan(row)
        if shown["order"] >= newest.get(row["plan"], shown)["order"]:
            newest[row["plan"]] = shown
    return [one for one in newest.values() if not _unheld(one["type"])]


def _unheld(kind: Any) -> bool:
    return str(kind).endswith((".withdrawn", ".test"))


def _plan(row: store.Row) -> dict[str, Any]:
    about = facts(row["body"].encode())
    message = store.loaded(row["body"])
    return {
        "planId": row["plan"],
        "version": about["version"],
        "revision": about["revision"],
        "type": about["type"],
        "at": row["at"],
        "order": _order(about),
        "body": message,
    }


def _order(about: dict[str, Any]) -> int:
    """A receiver goes by the revision, not by the order of arrival."""
    number = about.get("revision") or about.get("version")
    return number if isinstance(number, int) else 0


def messages(name: str, outcomes: tuple[str, ...]) -> list[dict[str, Any]]:
    marks = ", ".join("?" for _ in outcomes)
    sql = f"SELECT * FROM message WHERE inbox = ? AND outcome IN ({marks}) ORDER BY seq"  # noqa: S608 - only question marks
    rows = store.all_rows(sql, name, *outcomes)
    return [
        {
            "key": row["message_id"],
            "at": row["at"],
            "outcome": row["outcome"],
            "reason": row["reason"],
            **facts(row["body"].encode()),
        }
        for row in rows
    ]
