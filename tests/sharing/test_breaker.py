"""When a breaker opens: by what the newest attempts say, and only those since it closed last."""

from datetime import date, timedelta

import pytest

from audit.log import audited_atomic
from destinations.models import Destination
from sharing import breaker, claims, clock
from sharing.models import Attempt, Lane, Plan
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


def test_calls_that_were_under_way_when_it_opened_do_not_lengthen_its_pause(studio):
    settled("transient", 12, ago=timedelta(seconds=20))
    for _ in range(6):
        assert fails(studio) == "open"
    opened = Destination.objects.get()
    assert opened.breaker_step == 1
    assert opened.breaker_until <= clock.now() + breaker.FIRST_PAUSE
    Destination.objects.update(breaker_until=clock.now())
    fails(studio)  # the probe
    assert Destination.objects.get().breaker_until > clock.now() + breaker.FIRST_PAUSE


DEADLINE = timedelta(seconds=15)  # of a call


def lanes(studio, count):
    """So many lanes of the destination, the plan's own and those of blocks."""
    first = Lane.objects.get()
    for number in range(count - 1):
        block = Plan.objects.create(
            athlete=studio.ben, name=f"Block {number}", kind="block",
            starts_on=date(2026, 1, 1), ends_on=date(2026, 1, 28),
        )  # fmt: skip
        first.pk, first.plan, first._state.adding = None, block, True
        first.save(force_insert=True)
    return list(Lane.objects.all())


def rounds_that_fail(studio, owing, slots, count, lasts=DEADLINE, apart=DEADLINE):
    """Each round as many calls as go at once, every one of them so long; after how long the
    breaker was open.
    """
    began = clock.now()
    attempt = claims.claim("worker").attempt
    for number in range(1, count + 1):
        now = began + number * apart
        for call in range(slots):
            attempt.pk, attempt.id = None, Attempt._meta.pk.get_default()
            attempt.lane = owing[(number * slots + call) % len(owing)]
            attempt.epoch, attempt.outcome = 1000 + number * slots + call, "unknown"
            attempt.started_at, attempt.settled_at = now - lasts, now
            attempt.save(force_insert=True)
            with audited_atomic() as log:
                breaker.failed(studio.destination, "timeout", log, now)
        if Destination.objects.get().breaker_state == "open":
            return now - began
    return None


@pytest.mark.parametrize("slots", [1, 2, 6])
def test_where_every_call_lasts_until_its_deadline_it_opens_within_a_minute(studio, slots):
    owing = lanes(studio, 4)
    assert rounds_that_fail(studio, owing, slots, count=10) <= timedelta(minutes=1)


@pytest.mark.parametrize("seconds", [3, 5, 7, 10])
def test_however_long_the_calls_take_that_fail_one_after_the_other_it_opens_within_a_minute(
    studio, seconds
):
    lasts = timedelta(seconds=seconds)
    opened = rounds_that_fail(studio, lanes(studio, 4), 1, count=20, lasts=lasts, apart=lasts)
    assert opened <= timedelta(minutes=1)


def test_a_lane_that_fails_alone_has_ten_tries_before_the_others_wait(studio):
    assert rounds_that_fail(studio, lanes(studio, 1), slots=1, count=9) is None


def test_two_that_hang_for_less_than_half_a_minute_keep_nobody_else_waiting(studio):
    assert rounds_that_fail(studio, lanes(studio, 4), slots=2, count=2) is None


def test_what_refuses_at_once_has_its_ten_tries(studio):
    """As two plans have them while a destination is replaced."""
    at_once = timedelta(milliseconds=40)
    assert rounds_that_fail(studio, lanes(studio, 2), slots=1, count=9, lasts=at_once) is None
