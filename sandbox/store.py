"""One SQLite file with everything the simulators remember: its tables and how to reach them."""

import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS person (
  id INTEGER PRIMARY KEY, role TEXT NOT NULL, email TEXT NOT NULL UNIQUE, password TEXT NOT NULL,
  body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS workout (
  id INTEGER PRIMARY KEY, athlete INTEGER NOT NULL, kind TEXT NOT NULL, day TEXT NOT NULL,
  body TEXT NOT NULL, structure TEXT, modified TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS workout_by_day ON workout (athlete, kind, day);
CREATE INDEX IF NOT EXISTS workout_by_change ON workout (athlete, kind, modified);
CREATE TABLE IF NOT EXISTS deletion (
  workout INTEGER PRIMARY KEY, athlete INTEGER NOT NULL, kind TEXT NOT NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS code (
  code TEXT PRIMARY KEY, client TEXT NOT NULL, person INTEGER NOT NULL, scope TEXT NOT NULL,
  redirect_uri TEXT NOT NULL, challenge TEXT NOT NULL, method TEXT NOT NULL,
  made_at REAL NOT NULL, used_at REAL);
CREATE TABLE IF NOT EXISTS token (
  token TEXT PRIMARY KEY, kind TEXT NOT NULL, family TEXT NOT NULL, client TEXT NOT NULL,
  person INTEGER NOT NULL, scope TEXT NOT NULL, expires_at REAL, used_at REAL,
  revoked INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS token_by_family ON token (family);
CREATE TABLE IF NOT EXISTS subscription (
  id TEXT PRIMARY KEY, athlete INTEGER NOT NULL, event TEXT NOT NULL, url TEXT NOT NULL,
  active INTEGER NOT NULL, created_by INTEGER NOT NULL, created_on TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS subscription_by_athlete ON subscription (athlete, event);
CREATE TABLE IF NOT EXISTS post (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, url TEXT NOT NULL, body TEXT NOT NULL,
  due REAL NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
  about TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS post_by_due ON post (state, due);
CREATE TABLE IF NOT EXISTS inbox (
  name TEXT PRIMARY KEY, secret TEXT NOT NULL, answer TEXT NOT NULL, times INTEGER,
  deduplicates INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS message (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, inbox TEXT NOT NULL, message_id TEXT NOT NULL,
  at TEXT NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL, plan TEXT NOT NULL,
  body TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS apply_each_message_once
  ON message (inbox, message_id) WHERE outcome = 'applied';
CREATE TABLE IF NOT EXISTS event (
  id INTEGER PRIMARY KEY AUTOINCREMENT, athlete TEXT NOT NULL, application TEXT NOT NULL,
  external_id TEXT, day TEXT NOT NULL, body TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS one_event_per_external_id
  ON event (athlete, application, external_id) WHERE external_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS calendar (
  url TEXT PRIMARY KEY, etag TEXT NOT NULL DEFAULT '', body TEXT NOT NULL DEFAULT '',
  status TEXT NOT NULL DEFAULT '', polled_at TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS switch (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS journal (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, kind TEXT NOT NULL,
  simulator TEXT NOT NULL, detail TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS journal_is_never_changed BEFORE UPDATE ON journal
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER IF NOT EXISTS journal_is_never_shortened BEFORE DELETE ON journal
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TABLE IF NOT EXISTS raw (seq INTEGER PRIMARY KEY, headers TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS message_headers (message INTEGER PRIMARY KEY, headers TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""

FORGOTTEN = (
    "person", "workout", "deletion", "code", "token", "subscription", "post", "inbox", "message",
    "message_headers", "event", "calendar", "switch",
)  # fmt: skip  # a reset forgets these; the journal and the counters go on

_own = threading.local()
Row = sqlite3.Row


def path() -> Path:
    return Path(os.environ.get("SANDBOX_DATABASE") or "var/sandbox.sqlite3")


def prepare() -> None:
    path().parent.mkdir(parents=True, exist_ok=True)
    _connection().executescript(SCHEMA)
    close()  # an open file must not travel into another process


def close() -> None:
    if known := getattr(_own, "connection", None):
        known.close()
        _own.connection = None


def _connection() -> sqlite3.Connection:
    """One connection per thread, in a file that many threads read while one writes."""
    known: sqlite3.Connection | None = getattr(_own, "connection", None)
    if known is None:
        known = sqlite3.connect(path(), timeout=20, isolation_level=None)
        known.row_factory = sqlite3.Row
        known.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
        _own.connection = known
    return known


@contextmanager
def transaction() -> Iterator[None]:
    """Everything inside, or nothing of it. An inner one belongs to the outer one."""
    connection = _connection()
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def run(sql: str, *values: object) -> sqlite3.Cursor:
    return _connection().execute(sql, values)


def all_rows(sql: str, *values: object) -> list[Row]:
    return _connection().execute(sql, values).fetchall()


def one(sql: str, *values: object) -> Row | None:
    row: Row | None = _connection().execute(sql, values).fetchone()
    return row


def next_number(name: str, first: int) -> int:
    """The next number of a series that never repeats, not even after a reset."""
    sql = """INSERT INTO counter VALUES (?, ?)
        ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value"""
    row = run(sql, name, first).fetchone()
    return int(row["value"])


def forget() -> None:
    with transaction():
        for table in FORGOTTEN:
            run(f"DELETE FROM {table}")  # noqa: S608 - our own table names


def dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def loaded(text: str | None) -> Any:
    return json.loads(text) if text else None


def now() -> datetime:
    return datetime.now(UTC)


def stamp(moment: datetime | None = None) -> str:
    """UTC to the millisecond: what an outside checker compares with its own clock."""
    moment = (moment or now()).astimezone(UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
