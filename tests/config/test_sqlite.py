"""One writer at a time, and everybody has a turn: SQLite's lock under threads that want it."""

import threading
from contextlib import closing, suppress

import pytest
from django.db import OperationalError, connection, transaction

from audit import patience
from sharing.models import Limiter

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'sqlite'", reason="SQLite has one writer"),
]


@pytest.fixture
def other():
    """Another connection to the same file, which may begin to write."""
    with closing(connection.copy()) as another:
        another.ensure_connection()
        yield another.connection


def test_who_comes_second_waits_until_the_writer_has_ended(other):
    begun = threading.Event()

    def write():
        with transaction.atomic():
            begun.set()
        connection.close()

    other.execute("BEGIN IMMEDIATE")
    second = threading.Thread(target=write)
    second.start()
    assert not begun.wait(0.3)
    other.execute("ROLLBACK")
    second.join(10)
    assert begun.is_set()


def test_patience_ends_with_an_error_that_may_be_retried_and_leaves_the_connection_as_it_was(other):
    other.execute("BEGIN IMMEDIATE")
    with (
        patience.for_a_writer(0.2),
        pytest.raises(OperationalError, match="database is locked"),
        transaction.atomic(),
    ):
        pytest.fail("Two wrote at once.")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone() == (10_000,)
    other.execute("ROLLBACK")
    with transaction.atomic():
        assert Limiter.objects.count() == 0


def test_what_is_wrong_but_not_busy_is_said_at_once():
    with suppress(OperationalError), connection.cursor() as cursor:
        cursor.execute("BEGIN IMMEDIATE")
    with pytest.raises(OperationalError, match="within a transaction"):
        connection._start_transaction_under_autocommit()
    connection.rollback()


def test_twenty_writers_lose_nothing():
    def write():
        for _ in range(5):
            with transaction.atomic():
                row, _ = Limiter.objects.select_for_update().get_or_create(key="one")
                row.key = "one"
                added.append(row.key)
                Limiter.objects.create(key=f"{threading.get_ident()} {len(added)}")
        connection.close()

    added = []
    threads = [threading.Thread(target=write) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Limiter.objects.count() == 1 + 20 * 5
