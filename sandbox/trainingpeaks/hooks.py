"""Webhook posts: kept with the edit that causes them, sent a moment later by threads."""

import ipaddress
import random
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import requests

from sandbox import journal, store
from sandbox.control import switches

SENDERS = 4
TIMEOUT = (2, 5)  # connect, read: seconds
IDLE = 0.5  # how long a post waits at most for a thread that overslept
RETRY_AFTER = 1.0

_awake = threading.Event()
_own = threading.local()


def wake() -> None:
    """Something may be due: call it when the edit is committed."""
    _awake.set()


def announce(athlete: int, workout: int, event: str, row: store.Row) -> None:
    """Keep one post per subscription, in the transaction of the edit."""
    if row["kind"] == "strength" and not switches.get("webhook_strength"):
        return
    found = store.all_rows(
        "SELECT * FROM subscription WHERE athlete = ? AND event = ? AND active = 1",
        athlete, event,
    )  # fmt: skip
    body = shaped(athlete, workout, event, row)
    about = {"athlete": athlete, "workout": workout, "event": event}
    for subscription in found:
        for _ in range(1 + int(switches.get("duplicate_webhooks"))):
            _keep(subscription["url"], body, about | {"subscription": subscription["id"]})


def _keep(url: str, body: Any, about: dict[str, Any]) -> None:
    if random.random() * 100 < float(switches.get("drop_webhooks_percent")):  # noqa: S311 - chance, not a secret
        journal.record("webhook", "trainingpeaks", outcome="dropped", **about)
        return
    keep(url, body, about, due=time.time() + _delay())


def keep(url: str, body: Any, about: dict[str, Any], due: float) -> None:
    """One post to come. Only this machine is ever called."""
    if switches.get("webhook_wrong_token"):
        url = altered(url)
    sql = "INSERT INTO post (url, body, due, state, about) VALUES (?, ?, ?, 'waiting', ?)"
    store.run(sql, url, store.dumped(body), due, store.dumped(about))


def altered(url: str) -> str:
    """The same address with another last part: somebody guesses."""
    head, _, last = url.rstrip("/").rpartition("/")
    return f"{head}/{last[::-1]}x" + ("/" if url.endswith("/") else "")


def _delay() -> float:
    wait = float(switches.get("webhook_delay_seconds"))
    return wait + (random.random() if switches.get("reorder_webhooks") else 0.0)  # noqa: S311 - chance, not a secret


def shaped(athlete: int, workout: int, event: str, row: store.Row) -> Any:
    shape = switches.get("webhook_body")
    minimal = {"AthleteId": athlete, "WorkoutId": workout, "EventType": event}
    if shape == "array":
        return [minimal]
    if shape == "nonsense":
        return {"hello": ["world", 3, None]}
    if shape == "full":
        return {"EventType": event, "Id": workout, "AthleteId": athlete} | store.loaded(row["body"])
    return minimal


# --- sending ---------------------------------------------------------------------------------


def start() -> None:
    """The thread that sends. What a former process left half sent is sent again."""
    store.run("UPDATE post SET state = 'waiting' WHERE state = 'sending'")
    threading.Thread(target=_run, name="webhook-posts", daemon=True).start()


def _run() -> None:
    with ThreadPoolExecutor(SENDERS, thread_name_prefix="webhook-post") as pool:
        while True:
            try:
                _awake.clear()
                for row in sorted(_claim(), key=lambda row: (row["due"], row["seq"])):
                    pool.submit(_send, row)
                _awake.wait(_pause())
            except sqlite3.OperationalError:  # the file was busy: the posts are still there
                time.sleep(IDLE)


def _claim() -> list[store.Row]:
    with store.transaction():
        return store.all_rows(
            """UPDATE post SET state = 'sending', attempts = attempts + 1 WHERE seq IN
            (SELECT seq FROM post WHERE state = 'waiting' AND due <= ? ORDER BY due, seq LIMIT 200)
            RETURNING *""",
            time.time(),
        )


def _pause() -> float:
    row = store.one("SELECT min(due) AS due FROM post WHERE state = 'waiting'")
    if row is None or row["due"] is None:
        return IDLE
    return min(IDLE, max(0.0, float(row["due"]) - time.time()))


def _send(row: store.Row) -> None:
    begun = time.monotonic()
    outcome = _posted(row["url"], row["body"])
    again = not outcome.startswith("2") and row["attempts"] <= int(switches.get("webhook_retries"))
    with store.transaction():
        state = "waiting" if again else "sent"
        due = time.time() + RETRY_AFTER
        sql = "UPDATE post SET state = ?, due = ? WHERE seq = ?"
        store.run(sql, state, due, row["seq"])
        about = store.loaded(row["about"]) | {"url": row["url"], "post": row["seq"]}
        taken = round((time.monotonic() - begun) * 1000)
        journal.record("webhook", "trainingpeaks", outcome=outcome, ms=taken, **about)


def _posted(url: str, body: str) -> str:
    """The status as words, or what went wrong."""
    if not is_loopback(url):
        return "refused: not on this machine"
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "TrainingPeaks"}
    try:
        answer = _session().post(
            url, data=body.encode(), headers=headers, timeout=TIMEOUT, allow_redirects=False
        )
    except requests.RequestException as error:
        return type(error).__name__
    return str(answer.status_code)


def _session() -> requests.Session:
    known: requests.Session | None = getattr(_own, "session", None)
    if known is None:
        known = requests.Session()
        known.trust_env = False
        _own.session = known
    return known


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
