"""Transactions that the database gives up: done again, nothing lost, nothing doubled."""

import random
import threading
import time
from collections import Counter

import pytest
from django.db import OperationalError, connection, connections, transaction
from psycopg import errors

from accounts.models import Organisation
from audit import fsck, retrying, verify
from audit.retrying import retried
from sharing import deliveries, payloads
from sharing.ledger import lanes_with_a_gap, ledger
from sharing.models import Attempt, Delivery, Plan
from tests.sharing import fake_destination
from tests.sharing.test_concurrency import deliver_until_quiet, together
from tests.sharing.world import build, publish, session

pytestmark = pytest.mark.django_db(transaction=True)

SHARE = 0.05  # of all transactions are given up


def deadlock():
    """What PostgreSQL, or SQLite, says to the one it gives up."""
    if connection.vendor == "postgresql":
        error = OperationalError("deadlock detected")
        error.__cause__ = errors.DeadlockDetected("deadlock detected")
        return error
    return OperationalError("database is locked")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(retrying, "JITTER", 0.002)


@pytest.fixture
def faulty(monkeypatch):
    """Give up one transaction in twenty at its commit: all of it is undone."""
    given_up = Counter()
    wrapper = type(connections["default"])
    commit = wrapper._commit
    dice = random.Random(20261123)

    def fails_at_times(self):
        if dice.random() < SHARE:
            given_up["times"] += 1
            self._rollback()
            raise deadlock()
        commit(self)

    monkeypatch.setattr(wrapper, "_commit", fails_at_times)
    return given_up


def fail(times, error):
    """Work that fails so often before it succeeds; it says how often it was tried."""
    tried = []

    def work():
        with transaction.atomic():
            tried.append(1)
            if len(tried) <= times:
                raise error()
        return len(tried)

    return work


def test_f19_a_deadlock_is_tried_again_three_times():
    assert retried(fail(3, deadlock))() == 4


@pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="SQLite has no server that ends a transaction."
)
def test_who_slept_in_a_transaction_does_it_again_on_a_new_connection():
    """As a process does that was stopped for a moment: the server has ended what it was in."""
    tried = []

    def work():
        with transaction.atomic(), connection.cursor() as cursor:
            tried.append(1)
            Organisation.objects.create(name=f"Number {len(tried)}")
            if len(tried) == 1:
                cursor.execute("SET idle_in_transaction_session_timeout = '100ms'")
                time.sleep(0.5)
            cursor.execute("SELECT 1")

    retried(work)()
    assert len(tried) == 2
    assert [each.name for each in Organisation.objects.all()] == ["Number 2"]


def test_f19_the_fourth_deadlock_is_said():
    with pytest.raises(OperationalError):
        retried(fail(4, deadlock))()


def test_an_error_of_our_own_is_not_tried_again():
    work = fail(1, lambda: OperationalError("no such table: sharing_lane"))
    with pytest.raises(OperationalError):
        retried(work)()
    assert work() == 2


def test_inside_an_open_transaction_nothing_is_tried_again():
    work = fail(1, deadlock)
    with pytest.raises(OperationalError), transaction.atomic():
        retried(work)()
    assert work() == 2


def test_a_lock_that_is_held_for_long_is_not_waited_for_four_times():
    with pytest.raises(OperationalError):
        retrying.retried_within(-1)(fail(1, deadlock))()


def test_f19_a_real_deadlock_costs_neither_side_its_work():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time: nobody waits for two.")
    rows = [Organisation.objects.create(name=name, slug=name) for name in ("a", "b")]
    both = threading.Barrier(2)
    first_time = threading.local()

    def work(number):
        @retried
        def rename():
            with transaction.atomic():
                for row in rows if number else reversed(rows):
                    Organisation.objects.select_for_update(no_key=True).get(pk=row.pk)
                    if not getattr(first_time, "over", False):
                        first_time.over = True
                        both.wait(10)
                Organisation.objects.filter(pk=rows[number].pk).update(name=f"by {number}")

        rename()

    together(work, times=2)
    assert sorted(Organisation.objects.values_list("name", flat=True)) == ["by 0", "by 1"]


def test_f19_one_transaction_in_twenty_given_up_loses_and_doubles_nothing(monkeypatch, faulty):
    inbox = fake_destination.install(monkeypatch)
    world = build(slots=6)
    world.agree()
    faulty.clear()
    publish_again = retried(publish)
    for number in range(30):
        publish_again(world.plan, [session("tp-1", title=f"Run {number}"), session("tp-2")])
        deliveries.deliver_due("worker")
    together(deliver_until_quiet)
    assert faulty["times"] > 5, "the run injected no fault worth the name"
    effects = Counter((step.item_key, step.idempotency_key) for step in inbox.arrived)
    assert set(effects.values()) == {1}
    assert inbox.held["tp-1"]["title"] == "Run 29"
    assert not Delivery.objects.filter(state="waiting").exists()
    assert not Attempt.objects.filter(settled_at=None).exists()
    assert Plan.objects.get().newest == Delivery.objects.count() == 30
    assert ledger().balanced
    assert lanes_with_a_gap() == []
    assert verify.verify().good
    assert fsck.fsck().good


def test_what_was_held_back_is_kept_by_the_next_try(monkeypatch):
    """What the first try had in its hands is not taken for what was kept."""
    fake_destination.install(monkeypatch)
    world = build()
    world.agree()
    world.publish()
    (delivery,) = world.deliveries()
    given_up = iter([deadlock()])

    def once(execute, sql, *rest):
        if sql.startswith("UPDATE"):
            for error in given_up:
                raise error
        return execute(sql, *rest)

    with connection.execute_wrapper(once):
        payloads.remember_fidelity(delivery, world.lane.epoch, frozenset({"title"}), [])
    (kept,) = world.deliveries()
    assert kept.withheld == delivery.withheld
    assert "description" in kept.withheld
