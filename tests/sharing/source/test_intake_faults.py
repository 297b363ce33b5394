"""The hook while the database is in trouble: "later" and nothing else, never yes before the commit.

Named after the rows of the fault table (F16 to F29).
"""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import InterfaceError, OperationalError, connection, connections
from django.test import Client
from psycopg import errors

from sharing import hooks, intake
from sharing.models import Hint
from tests.sharing.source.test_intake import post, url

pytestmark = pytest.mark.urls("sharing.hooks")

on_sqlite = pytest.mark.skipif(
    "connection.vendor != 'sqlite'", reason="PostgreSQL has no one writer, and no max_page_count."
)
on_server = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="SQLite locks the whole file, never a row."
)


@pytest.fixture
def brief(monkeypatch):
    """Nobody in these tests has time to wait for a lock."""
    monkeypatch.setattr(hooks, "PATIENCE", 0.2)
    monkeypatch.setattr(hooks, "QUEUE", 0.2)


@contextmanager
def writer_elsewhere():
    """Another process in the middle of a long transaction; yields what lets it end."""
    name = connection.settings_dict["NAME"]
    other = sqlite3.connect(name, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    ended = threading.Event()

    def end():
        if not ended.is_set():
            ended.set()
            other.execute("ROLLBACK")

    try:
        yield end
    finally:
        end()
        other.close()


def later(answer):
    """It says "later" and when, and nothing was kept."""
    return answer.status_code == 503 and int(answer["Retry-After"]) > 0 and not Hint.objects.count()


@on_sqlite
def test_f21_a_lock_held_beyond_our_patience_is_answered_with_later(ana, client, brief):
    with writer_elsewhere():
        assert later(post(client, url(ana.source)))
    assert post(client, url(ana.source)).status_code == 202


@on_sqlite
def test_f21_a_lock_that_ends_in_time_is_waited_for(ana, client):
    with writer_elsewhere() as end:
        threading.Timer(0.3, end).start()
        assert post(client, url(ana.source)).status_code == 202
    assert Hint.objects.count() == 1


@on_sqlite
def test_afterwards_others_wait_for_a_lock_as_long_as_ever(ana, client, brief):
    post(client, url(ana.source))
    assert connection.patience == 10.0


@on_server
def test_f21_a_row_that_is_held_is_answered_with_later(ana, client, brief):
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '200ms'")
    held, done = threading.Event(), threading.Event()

    def hold():
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT 1 FROM sharing_source FOR UPDATE")
            held.set()
            done.wait(10)
            cursor.execute("ROLLBACK")
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    try:
        assert later(post(client, url(ana.source)))
    finally:
        done.set()
        thread.join(10)
    assert post(client, url(ana.source)).status_code == 202


@on_sqlite
def test_f20_a_full_disk_is_answered_with_later_and_then_works_again(ana, client):
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")  # what earlier tests gave back would still be room
        cursor.execute("PRAGMA page_count")
        (size,) = cursor.fetchone()
        cursor.execute(f"PRAGMA max_page_count = {size}")
        body = b"x" * 60_000
        try:
            assert later(post(client, url(ana.source), body))
        finally:
            cursor.execute("PRAGMA max_page_count = 1073741823")
    assert post(client, url(ana.source), body).status_code == 202


def test_f16_a_database_that_cannot_be_reached_is_answered_with_later(ana, client, monkeypatch):
    address = url(ana.source)
    where = connections["default"].settings_dict
    place = {"sqlite": ("NAME", "/nowhere/at/all"), "postgresql": ("PORT", "1")}[connection.vendor]
    connection.close()
    monkeypatch.setitem(where, *place)
    answer = post(client, address)
    monkeypatch.undo()
    assert later(answer)


@pytest.mark.parametrize(
    "fault",
    [
        OperationalError("the connection is lost"),
        OperationalError("database or disk is full"),
        InterfaceError("connection already closed"),
    ],
)
def test_f17_yes_is_never_said_before_the_commit(ana, client, monkeypatch, fault):
    wrapper = type(connections["default"])
    commit = wrapper._commit

    def lost(self):
        self._rollback()
        raise fault

    monkeypatch.setattr(wrapper, "_commit", lost)
    answer = post(client, url(ana.source))
    monkeypatch.setattr(wrapper, "_commit", commit)
    assert later(answer)
    assert ana.source.dirty_seq == 0


def test_f19_a_deadlock_is_not_the_sender_s_business(ana, client, monkeypatch):
    fault = OperationalError("database is locked")
    if connection.vendor == "postgresql":
        fault.__cause__ = errors.DeadlockDetected("deadlock detected")
    wrapper = type(connections["default"])
    commit, faults = wrapper._commit, [fault]

    def given_up_once(self):
        if faults:
            self._rollback()
            raise faults.pop()
        commit(self)

    monkeypatch.setattr(wrapper, "_commit", given_up_once)
    assert post(client, url(ana.source)).status_code == 202
    assert (ana.source.dirty_seq, Hint.objects.count()) == (1, 1)


def test_f18_while_the_database_is_slow_events_leave_threads_for_the_pages(
    ana, client, brief, monkeypatch
):
    inside, go_on = threading.Barrier(hooks.AT_ONCE + 1), threading.Event()
    record = intake.record

    def slowly(*args, **kwargs):
        inside.wait(10)
        go_on.wait(10)
        record(*args, **kwargs)

    monkeypatch.setattr(intake, "record", slowly)
    address = url(ana.source)

    def send(_):
        try:
            return post(Client(), address).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(hooks.AT_ONCE) as pool:
        sent = pool.map(send, range(hooks.AT_ONCE))
        inside.wait(10)
        assert later(post(client, address))
        go_on.set()
        assert set(sent) == {202}
    assert Hint.objects.count() == hooks.AT_ONCE


def test_f26_the_same_event_ten_times_at_once_costs_two_readings_at_most(ana, api):
    address = url(ana.source)

    def send(_):
        try:
            return post(Client(), address, b'{"WorkoutId": 1}').status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(send, range(10))) <= {202, 503}
    assert ana.source.dirty_seq >= 1
    assert ana.read() <= 2


def test_f27_events_in_any_order_and_a_day_late_make_no_further_version(ana, api, client):
    post(client, url(ana.source), b'{"EventType": "workout-created", "WorkoutId": 1}')
    ana.read()
    before = len(ana.versions())
    for event in ("workout-deleted", "workout-updated", "workout-created"):
        post(client, url(ana.source), b'{"EventType": "%s", "WorkoutId": 1}' % event.encode())
    assert ana.read() <= 2
    assert len(ana.versions()) == before
