"""How long this process waits for the database: briefly by default, longer where work is long.

PostgreSQL ends what is stuck by time limits from the settings. A command that reads or writes
a great deal asks for more; whoever must answer quickly waits for a lock less long.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

LONG = {
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "600s",
    "lock_timeout": "60s",
}


def unhurried(**_: Any) -> None:
    """For a long command: no limit on a statement, wide ones on the rest. Also answers a signal."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        for name, value in LONG.items():
            cursor.execute(f"SET {name} = '{value}'")


def usual(**_: Any) -> None:
    """Back to the limits of the settings."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        for name in LONG:
            cursor.execute(f"RESET {name}")


@contextmanager
def for_a_writer(seconds: float) -> Iterator[None]:
    """Wait no longer than this for SQLite's one writer. PostgreSQL has its own limit for locks."""
    if connection.vendor != "sqlite":
        yield
        return
    waiting: Any = connection
    usually, waiting.patience = waiting.patience, seconds
    try:
        yield
    finally:
        waiting.patience = usually
