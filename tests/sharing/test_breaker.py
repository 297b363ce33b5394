"""When a breaker opens: by what the newest attempts say, and only those since it closed last."""

from datetime import timedelta

import pytest

from audit.log import audited_atomic
from destinations.models import Destination
from sharing import breaker, claims, clock
from sharing.models import Attempt
from tests.sharing import fake_destination
from tests.sharing.world import build

pytestmark = pytest.mark.django_db


@pytest.fixture
def studio(monkeypatch):
    fake_destination.install(monkeypatch)
    world = build()
    world.agree()
    world.publish()
    return world


def settled(outcome, count, *, ago):
    """So many attempts that ended like this, so and so long ago."""
    some = Attempt.objects.first() or claims.claim("worker").attempt
    first = Attempt.objects.order_by("-epoch").first().epoch + 1
    at = clock.now() - ago
    for number in range(count):
        some.pk = None
        some.id = Attempt._meta.pk.get_default()
        some.epoch, some.outcome = first + number, outcome
        some.started_at = some.settled_at = at + timedelta(milliseconds=number)
        some.save(force_insert=True)


def fails(studio):
    with audited_atomic() as log:
        breaker.failed(studio.destination, "unavailable", log, clock.now())
    return Destination.objects.get().breaker_state


def test_a_busy_destination_that_turns_bad_is_judged_by_its_newest_attempts(studio):
    settled("success", 300, ago=timedelta(minutes=4))
    settled("transient", 150, ago=timedelta(seconds=20))
    settled("success", 50, ago=timedelta(seconds=10))
    assert fails(studio) == "open"


def test_what_says_nothing_about_the_destination_does_not_make_it_look_well(studio):
    settled("transient", 12, ago=timedelta(seconds=20))
    for outcome in ("postponed", "held", "crashed"):
        settled(outcome, 12, ago=timedelta(seconds=10))
    assert fails(studio) == "open"


def test_what_was_before_it_closed_does_not_open_it_again(studio):
    settled("transient", 40, ago=timedelta(minutes=2))
    Destination.objects.update(
        breaker_state="open", breaker_opened_at=clock.now(), failing_since=clock.now()
    )
    studio.destination.refresh_from_db()
    with audited_atomic() as log:
        breaker.succeeded(studio.destination, log, clock.now())
    studio.destination.refresh_from_db()
    assert studio.destination.breaker_state == "closed"
    assert fails(studio) == "closed"
