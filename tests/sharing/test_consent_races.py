"""Consent decided in the moment of a send: nobody is locked out, and nobody hears an old word."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from accounts import consent
from sharing import consents, gate
from sharing.models import Lane
from tests.sharing import fake_destination
from tests.sharing.world import FIELDS, build, session

pytestmark = pytest.mark.django_db(transaction=True)

LINK = consent.Basis()
WIDE = consent.Terms(fields=FIELDS, purpose="training")
NARROW = consent.Terms(fields={"title"}, purpose="training")
WAITING_FOR_US = """SELECT count(*) FROM pg_locks
                    WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"""


@pytest.fixture
def world(monkeypatch):
    fake_destination.install(monkeypatch)
    world = build()
    world.agree()
    world.publish()
    return world


@contextmanager
def beside(work):
    """Run it in a thread of its own, whose answer can be asked for after the block."""
    with ThreadPoolExecutor(1) as threads:
        yield lambda: threads.submit(_and_hang_up, work)


def _and_hang_up(work):
    try:
        return work()
    finally:
        connection.close()


def until_it_waits(task):
    """SQLite lets in one writer at a time anyway; on the server we look who waits for whom."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        for _ in range(10_000):
            cursor.execute(WAITING_FOR_US)
            if cursor.fetchone()[0] or task.done():
                return
    raise AssertionError("Nobody waited.")


def decide(world, decision, terms=WIDE):
    return consent.decide(world.ben, world.destination.pk, decision, LINK, terms)


@pytest.mark.parametrize("share", [True, False], ids=["granting", "withdrawing"])
def test_a_decision_waits_for_a_claim_that_has_begun_and_both_succeed(world, share):
    def decision():
        if share:
            return consents.grant(world.ben, world.destination, terms=NARROW, basis=LINK)
        return consents.withdraw(world.ben, world.destination, basis=LINK)

    with beside(decision) as begin:
        with transaction.atomic():
            lane = Lane.objects.select_for_update(of=("self",), no_key=True).get()
            task = begin()
            until_it_waits(task)
            assert gate.ask(lane, world.deliveries()[0]).consent_id
        assert task.result(30).decision == ("granted" if share else "withdrawn")


@pytest.mark.parametrize(
    ("before", "after"),
    [("granted", "withdrawn"), ("granted", "granted"), ("withdrawn", "granted")],
)
def test_who_waits_for_a_decision_hears_that_decision(world, before, after):
    def ask():
        with transaction.atomic():
            return consent.current(world.ben.pk, world.destination.pk, for_share=True)

    decide(world, before)
    with beside(ask) as begin:
        with transaction.atomic():
            made = decide(world, after, NARROW)
            task = begin()
            until_it_waits(task)
        heard = task.result(30)
    assert heard == (made if after == "granted" else None)


def test_who_waits_for_a_new_version_shares_that_version(world):
    """The row of the plan that is read with the locked lane is as it was before the wait."""

    def grant():
        return consents.grant(world.ben, world.destination, terms=NARROW, basis=LINK)

    with beside(grant) as begin:
        with transaction.atomic():
            world.publish(session("tp-1", title="Newer"))
            task = begin()
            until_it_waits(task)
        task.result(30)
    assert [delivery.version.version for delivery in world.deliveries()] == [1, 2, 2]
