"""Waiting for SQLite's one writer: everybody looks again after a few milliseconds.

SQLite's own way lets whoever has waited longest look the least often, in the end every 100 ms:
with twenty threads the writer's place is empty for half of the time, and some never get it.
"""

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError
from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

LOOK_AGAIN = (0.001, 0.004)  # seconds, drawn anew each time


class DatabaseWrapper(base.DatabaseWrapper):
    def _start_transaction_under_autocommit(self) -> None:
        """Begin as soon as nobody else writes, within the patience of the connection."""
        with self._not_waiting() as patience:
            deadline = time.monotonic() + patience
            while not self._begun(deadline):
                time.sleep(random.uniform(*LOOK_AGAIN))  # noqa: S311 - jitter, not a secret

    def _begun(self, deadline: float) -> bool:
        try:
            super()._start_transaction_under_autocommit()
        except OperationalError as error:
            if not _busy(error) or time.monotonic() > deadline:
                raise
            return False
        return True

    @contextmanager
    def _not_waiting(self) -> Iterator[float]:
        """SQLite itself says at once that it is busy. Yields the seconds it would have waited."""
        self.ensure_connection()
        own: Any = self.connection
        (patience,) = own.execute("PRAGMA busy_timeout").fetchone()  # milliseconds
        own.execute("PRAGMA busy_timeout = 0")
        try:
            yield patience / 1000
        finally:
            own.execute(f"PRAGMA busy_timeout = {patience}")


def _busy(error: DatabaseError) -> bool:
    code = getattr(error.__cause__, "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_BUSY
