"""How long a process waits for the database, and the database for a process (D16, D17)."""

import pytest
from django.db import OperationalError, connection

from audit import patience
from config import settings as product

pytestmark = pytest.mark.django_db(transaction=True)

on_server = pytest.mark.skipif(
    "connection.vendor != 'postgresql'",
    reason="SQLite has no server that ends what takes too long.",
)
on_sqlite = pytest.mark.skipif(
    "connection.vendor != 'sqlite'", reason="PostgreSQL has many writers, and limits of its own."
)


def shown(*names):
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"SHOW {name}")
            yield cursor.fetchone()[0]


def pragma(name):
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {name}")
        return cursor.fetchone()[0]


def test_the_settings_let_no_frozen_process_hold_the_others_up():
    options = product.POSTGRES_OPTIONS["options"]
    for limit in (
        "idle_in_transaction_session_timeout=2s", "lock_timeout=5s", "statement_timeout=10s",
    ):  # fmt: skip
        assert limit in options


@on_server
def test_a_long_command_has_limits_of_its_own_and_gives_them_back():
    assert list(shown("statement_timeout", "lock_timeout")) == ["10s", "5s"]
    patience.unhurried()
    assert list(shown("statement_timeout", "lock_timeout")) == ["0", "1min"]
    patience.usual()
    assert list(shown("statement_timeout", "lock_timeout")) == ["10s", "5s"]


@on_server
def test_a_statement_that_takes_too_long_is_ended():
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '100ms'")
        with pytest.raises(OperationalError, match="statement timeout"):
            cursor.execute("SELECT pg_sleep(5)")
        cursor.execute("RESET statement_timeout")


@on_server
def test_who_holds_a_transaction_and_does_nothing_loses_it():
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = '100ms'")
        cursor.execute("BEGIN")
        cursor.execute("SELECT id FROM audit_head FOR UPDATE")
    with connection.cursor() as cursor:  # it waits for the frozen one, and outlives it
        cursor.execute("SELECT id FROM audit_head FOR UPDATE")
        assert cursor.fetchone() == (1,)
    other.close()


@on_sqlite
def test_sqlite_keeps_what_was_committed_and_has_one_writer_at_a_time():
    assert pragma("journal_mode") == "wal"
    assert "PRAGMA synchronous=FULL;" in product.SQLITE_OPTIONS["init_command"]
    assert pragma("busy_timeout") == 0  # the waiting is Python's: see config.sqlite
    assert connection.patience == 10.0
    assert product.SQLITE_OPTIONS["transaction_mode"] == "IMMEDIATE"


@on_sqlite
def test_a_shorter_patience_is_given_back_even_when_it_was_not_enough():
    def hurry():
        with patience.for_a_writer(0.25):
            return connection.patience / 0

    with pytest.raises(ZeroDivisionError):
        hurry()
    assert connection.patience == 10.0
