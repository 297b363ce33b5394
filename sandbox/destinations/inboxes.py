"""What an inbox knows: its secrets, how it will answer, what it was sent and what that did."""

from dataclasses import dataclass
from typing import Any

from sandbox import journal, store

DEFAULT_ANSWER: dict[str, Any] = {"status": 200}
ANSWER_KEYS = {
    "status", "retry_after", "location", "body", "slow_headers", "slow_body", "reset", "huge_body",
    "applied",
}  # fmt: skip


@dataclass(frozen=True)
class Message:
    """One that came in, believed or not."""

    inbox: str
    id: str
    body: bytes
    headers: dict[str, str]


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


def refuse(message: Message, reason: str) -> None:
    with store.transaction():
        _keep(message, "refused", reason)
        about = {"inbox": message.inbox, "message": message.id, "reason": reason}
        journal.record("refusal", "webhook", **about)


def apply(message: Message, *, deduplicates: bool) -> bool:
    """Do what it says, once per message id. False when that was done before."""
    with store.transaction():
        before = _applied(message)
        if deduplicates and before:
            _keep(message, "repeated")
            return False
        _keep(message, "applied again" if before else "applied")
        about = facts(message.body)
        journal.record("effect", "webhook", key=message.id, inbox=message.inbox, **about)
    return True


def _applied(message: Message) -> bool:
    sql = "SELECT 1 FROM message WHERE inbox = ? AND message_id = ? AND outcome = 'applied'"
    return store.one(sql, message.inbox, message.id) is not None


def _keep(message: Message, outcome: str, reason: str = "") -> None:
    sql = """INSERT INTO message (inbox, message_id, at, outcome, reason, plan, body)
        VALUES (?, ?, ?, ?, ?, ?, ?)"""
    plan = str(facts(message.body).get("plan") or "") if outcome != "refused" else ""
    text = message.body.decode(errors="replace")
    about = (message.inbox, message.id, store.stamp(), outcome, reason, plan, text)
    number = store.run(sql, *about).lastrowid
    store.run("INSERT INTO message_headers VALUES (?, ?)", number, store.dumped(message.headers))


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
    sql = f"""SELECT * FROM message LEFT JOIN message_headers ON message = seq
        WHERE inbox = ? AND outcome IN ({marks}) ORDER BY seq"""  # noqa: S608 - only question marks
    rows = store.all_rows(sql, name, *outcomes)
    return [
        {
            "key": row["message_id"],
            "at": row["at"],
            "outcome": row["outcome"],
            "reason": row["reason"],
            "headers": store.loaded(row["headers"] or "{}"),
            **facts(row["body"].encode()),
        }
        for row in rows
    ]
