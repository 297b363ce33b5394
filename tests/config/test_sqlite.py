"""One writer at a time, and everybody has a turn: SQLite's lock under threads that want it."""

import gc
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from django.db import OperationalError, connection, transaction

from audit import patience
from sharing.models import Limiter

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'sqlite'", reason="SQLite has one writer"),
]
WRITERS, TIMES = 20, 5


@pytest.fixture
def other():
    """Another connection to the same file, which may begin to write."""
    with closing(connection.copy()) as another:
        another.ensure_connection()
        yield another.connection


@pytest.fixture
def aside():
    """A thread whose connection is closed in the end."""
    with ThreadPoolExecutor(1) as thread:
        yield thread
        thread.submit(lambda: connection.close()).result()  # noqa: PLW0108 - that thread's


def begin():
    with transaction.atomic():
        Limiter.objects.create(key="begun")


def write_at_once():
    Limiter.objects.bulk_create([Limiter(key="at once")])
    Limiter.objects.filter(key="at once").update(key="written")


@pytest.mark.parametrize("write", [begin, write_at_once])
def test_who_comes_second_waits_until_the_writer_has_ended(other, aside, write):
    other.execute("BEGIN IMMEDIATE")
    second = aside.submit(write)
    with pytest.raises(TimeoutError):
        second.result(0.3)
    other.execute("ROLLBACK")
    second.result(10)
    assert Limiter.objects.count() == 1


@pytest.mark.parametrize("write", [begin, write_at_once])
def test_patience_ends_and_everything_is_as_it_was(other, write):
    other.execute("BEGIN IMMEDIATE")
    with patience.for_a_writer(0.2), pytest.raises(OperationalError, match="database is locked"):
        write()
    other.execute("ROLLBACK")
    write()
    assert Limiter.objects.count() == 1


def test_what_is_wrong_but_not_busy_is_said_at_once():
    with connection.cursor() as cursor:
        with pytest.raises(OperationalError, match="no such table"):
            cursor.execute("SELECT * FROM nobody")
        cursor.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="within a transaction"):
            cursor.execute("BEGIN IMMEDIATE")
        cursor.execute("ROLLBACK")


def test_whoever_writes_may_collect_what_a_waiting_connection_left_behind(other, aside):
    """SQLite sleeps with its connection locked, and to collect a cursor takes that lock: then the
    writer would wait for who waits for the writer.
    """

    def leave_behind():
        cursor = connection.cursor()
        cursor.execute("SELECT 1 UNION SELECT 2")
        cursor.fetchone()  # it is still at it
        ring = [cursor]
        ring.append(ring)

    gc.disable()
    try:
        aside.submit(leave_behind).result()
        other.execute("BEGIN IMMEDIATE")
        waits = aside.submit(begin)
        with pytest.raises(TimeoutError):
            waits.result(0.2)
        gc.collect()
        other.execute("ROLLBACK")
        waits.result(10)  # with a patience that is used up this would raise
    finally:
        gc.enable()
    assert Limiter.objects.count() == 1


def test_many_writers_lose_nothing():
    def write(number):
        for again in range(TIMES):
            with transaction.atomic():
                Limiter.objects.get_or_create(key="everybody's")
                Limiter.objects.create(key=f"{number} {again}")
        connection.close()

    with ThreadPoolExecutor(WRITERS) as crowd:
        list(crowd.map(write, range(WRITERS)))
    assert Limiter.objects.count() == 1 + WRITERS * TIMES
