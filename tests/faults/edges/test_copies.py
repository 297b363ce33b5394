"""F14: a call that wakes workers comes ten times: one finds the work, and the others only look."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sharing import clock, periodic, tasks
from sharing.models import PeriodicJob

COPIES = 10
QUESTIONS = 10  # of a look that finds nothing: eight, and the time twice where a server has it
READS = ("SELECT", "SAVEPOINT", "RELEASE")


@pytest.fixture
def no_job_is_due():
    for name in periodic.names():
        PeriodicJob.objects.update_or_create(
            name=name, defaults={"next_run_at": clock.now() + timedelta(hours=1)}
        )


def test_F14_ten_copies_of_a_call_at_once_are_one_claim(keyed, no_job_is_due):
    keyed.wait_is_over()
    with ThreadPoolExecutor(COPIES) as workers:
        list(workers.map(drain_and_leave, range(COPIES)))
    assert len(keyed.attempts) == 1
    assert keyed.receiver.effects == ["v1"]
    assert len(keyed.receiver.requests) == 1
    keyed.check()


def drain_and_leave(_):
    """In a thread, with a connection of its own."""
    try:
        tasks.drain()
    finally:
        connection.close()


def test_F14_a_copy_that_finds_nothing_to_do_asks_little_and_writes_nothing(keyed, no_job_is_due):
    """What bounds the work of a flood of copies, in something that a busy machine cannot change."""
    keyed.wait_is_over()
    tasks.drain()
    assert len(keyed.attempts) == 1
    for _ in range(COPIES):
        asked = questions(tasks.drain)
        assert len(asked) <= QUESTIONS
        assert [sql for sql in asked if not sql.startswith(READS)] == []
    assert len(keyed.attempts) == 1


def questions(work):
    with CaptureQueriesContext(connection) as asked:
        work()
    return [query["sql"] for query in asked]
