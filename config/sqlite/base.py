"""Waiting for SQLite's one writer: in Python, and looking again every few milliseconds.

SQLite's own way is to sleep inside of a statement, with its connection locked. Two things are wrong
with that where many threads write. Whoever has waited longest looks the least often, in the end
every 100 ms. And when the thread that may write collects garbage, among which is a cursor of a
connection that sleeps, it waits for that connection, which waits for it: then the process stands
still, with the writer's place in its hands, until somebody's patience ends.
"""

import random
import sqlite3
import time
from typing import Any

from django.db.backends.sqlite3 import base

LOOK_AGAIN = (0.001, 0.004)  # seconds, drawn anew each time


class PatientCursor(base.SQLiteCursorWrapper):
    patience = 0.0  # seconds that a statement waits for somebody else's transaction

    def execute(self, query: str, params: Any = None) -> Any:
        deadline = time.monotonic() + self.patience
        while True:
            try:
                return super().execute(query, params)
            except sqlite3.OperationalError as error:
                if not self._may_wait(error) or time.monotonic() > deadline:
                    raise
            time.sleep(random.uniform(*LOOK_AGAIN))  # noqa: S311 - jitter, not a secret

    def _may_wait(self, error: sqlite3.OperationalError) -> bool:
        """Whether somebody else writes. Who has begun holds what others wait for, and gives up."""
        busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
        return busy and not self.connection.in_transaction


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.patience: float = self.settings_dict["OPTIONS"]["timeout"]  # seconds

    def get_new_connection(self, conn_params: Any) -> Any:
        """While it is opened, nobody else can wait for it: so long it may sleep."""
        opened = super().get_new_connection(conn_params)
        opened.execute("PRAGMA busy_timeout = 0")
        return opened

    def create_cursor(self, name: str | None = None) -> PatientCursor:
        cursor: PatientCursor = self.connection.cursor(factory=PatientCursor)
        cursor.patience = self.patience
        return cursor
