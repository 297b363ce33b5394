"""F23 to F25: clocks that lie. The worker is this process; its clock jumps, its database's does
not, except with SQLite, which has no clock but the machine's.
"""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection

from accounts import consent
from audit import verify
from sharing import clock
from sharing.models import Lane
from tests.faults.edges import faults
from tests.faults.edges.conftest import DEADLINE
from tests.faults.edges.receivers import answer
from tests.sharing.world import FIELDS

SLACK = 1.0
HOUR = timedelta(hours=1)

on_server = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="SQLite has no clock but the worker's."
)
on_sqlite = pytest.mark.skipif(
    "connection.vendor != 'sqlite'", reason="PostgreSQL's clock is not this machine's to set."
)


def wrong_by(hours):
    return time_machine.travel(datetime.now(UTC) + hours * HOUR)


@on_server
@pytest.mark.parametrize("hours", [-1, 1])
def test_F23_a_worker_whose_clock_is_wrong_takes_no_lease_from_anybody(hours, keyed):
    Lane.objects.update(due_at=clock.now(), lease_until=clock.now() + timedelta(seconds=30))
    with wrong_by(hours):
        assert not keyed.due()
    assert keyed.receiver.requests == []
    Lane.objects.update(lease_until=clock.now())
    with wrong_by(hours):
        assert keyed.send().outcome == "success"
    keyed.check()


@on_server
@pytest.mark.parametrize("hours", [-1, 1])
def test_F23_a_worker_whose_clock_is_wrong_tries_again_neither_early_nor_late(hours, keyed):
    keyed.receiver.will(faults.gives(503))
    before = clock.now()
    with wrong_by(hours):
        attempt = keyed.send()
    assert before < attempt.next_try_at < before + timedelta(minutes=1)
    with wrong_by(hours):
        assert not keyed.due()
    keyed.check()


@on_server
def test_F23_a_worker_whose_clock_is_behind_sends_nothing_after_a_consent_has_ended(keyed):
    soon = clock.now() + timedelta(seconds=1)
    terms = consent.Terms(fields=FIELDS, purpose="training", expires_at=soon)
    consent.decide(keyed.world.ben, keyed.destination.pk, "granted", consent.Basis(), terms)
    until(lambda: clock.now() > soon)
    with wrong_by(-1):
        keyed.due()
    assert keyed.receiver.requests == []
    assert keyed.newest.reason == "no_consent"


def until(condition, within=10.0):
    ends = time.monotonic() + within
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.02)


@pytest.mark.parametrize("hours", [-1, 1])
def test_F24_a_clock_that_jumps_during_a_call_neither_ends_nor_prolongs_it(hours, keyed):
    """The call's own time is counted by a clock that cannot be set."""
    silent, entered = faults.Silent(), threading.Event()
    keyed.receiver.will(lambda exchange: (entered.set(), silent(exchange)))
    with time_machine.travel(datetime.now(UTC)) as traveller:
        threading.Thread(
            target=lambda: entered.wait(5) and traveller.shift(hours * HOUR), daemon=True
        ).start()
        started = time.monotonic()
        attempt = keyed.send()
        assert DEADLINE <= time.monotonic() - started < DEADLINE + SLACK
    silent.over.set()
    assert attempt.outcome == "unknown"
    keyed.check()


def test_F24_a_clock_that_jumps_during_a_call_that_succeeds_costs_nothing(keyed):
    with time_machine.travel(datetime.now(UTC)) as traveller:

        def jumps(exchange):
            traveller.shift(HOUR)
            exchange.apply()
            exchange.send(answer(200))

        keyed.receiver.will(jumps)
        assert keyed.send().outcome == "success"
    keyed.check()


@on_sqlite
def test_F25_a_machine_whose_clock_goes_back_five_minutes_loses_no_lane(keyed):
    """A lease of the time before lasts so much longer, and then the lane goes on by itself; the
    log's times do not go back.
    """
    assert connection.vendor == "sqlite"
    now = clock.now()
    Lane.objects.update(due_at=now, lease_until=now + timedelta(seconds=60))
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=5)) as traveller:
        assert not keyed.due()
        traveller.shift(timedelta(minutes=6, seconds=1))
        assert keyed.due()
        assert keyed.receiver.effects == ["v1"]
    keyed.publish(2)
    keyed.check()
    assert verify.verify().good
