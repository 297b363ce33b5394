"""Turns at a destination: one rule for who calls, who asks whether it could, and for pauses."""

from datetime import timedelta

import pytest

from sharing import claims, limiter, turns
from sharing.models import Limiter
from tests.sharing import fake_destination
from tests.sharing.world import build

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def inbox(monkeypatch):
    return fake_destination.install(monkeypatch)


@pytest.fixture
def studio(inbox):
    """Its destination takes a call in ten seconds, and five at once."""
    world = build(rate_per_second=0.1, burst=5, slots=5)
    world.agree()
    return world


@pytest.mark.parametrize("burst", [1, 2, 5])
def test_nobody_calls_ahead_of_time_in_a_pause_that_was_asked_for(db, burst):
    limiter.hold("one", MINUTE, rate=0.1, burst=burst)
    assert MINUTE - timedelta(seconds=1) < limiter.take("one", rate=0.1, burst=burst) <= MINUTE


@pytest.mark.parametrize("taken", range(7))
def test_whoever_asks_whether_a_call_could_go_is_told_what_the_caller_is_told(studio, taken):
    """A check that reads as fast as it may leaves live deliveries their turn."""
    for _ in range(taken):
        turns.take(studio.destination)
    could = not turns.wait(studio.destination)
    studio.publish()
    assert could == (taken < 5)
    assert could == (claims.claim("worker") is not None)
    assert could == (not turns.take(studio.destination))


def test_asking_takes_nothing(studio):
    turns.wait(studio.destination)
    assert not Limiter.objects.exists()
    for _ in range(5):
        assert not turns.take(studio.destination)
        turns.wait(studio.destination)


def test_a_pause_holds_until_its_very_end(studio):
    turns.hold(studio.destination, MINUTE)
    Limiter.objects.update(on_time_at=Limiter.objects.get().on_time_at - MINUTE * 0.9)
    assert turns.take(studio.destination) > timedelta(seconds=4)
