"""Turns at a destination: one rule for who calls, who asks whether it could, and for pauses."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db.models import F

from audit.models import Entry
from destinations import services
from destinations.errors import PayloadError, ThrottledError, UnavailableError, UnknownOutcomeError
from destinations.models import Destination
from sharing import claims, clock, deliveries, limiter, outcomes, retry, reviving, turns
from sharing.models import Lane, Limiter, Route
from tests.sharing import fake_destination
from tests.sharing.world import build, session

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def studio(inbox):
    """Its destination takes a call in ten seconds, and five at once."""
    world = build(rate_per_second=0.1, burst=5, slots=5)
    world.agree()
    return world


def wait(studio):
    row = Destination.objects.get(pk=studio.destination.pk)
    return turns.waits([row])[row.pk]


@pytest.mark.parametrize("burst", [1, 2, 5])
def test_nobody_calls_ahead_of_time_in_a_pause_that_was_asked_for(db, burst):
    limiter.hold("one", MINUTE, rate=0.1, burst=burst)
    assert MINUTE - timedelta(seconds=1) < limiter.take("one", rate=0.1, burst=burst) <= MINUTE


@pytest.mark.parametrize("taken", range(7))
def test_whoever_asks_whether_a_call_could_go_is_told_what_the_caller_is_told(studio, taken):
    """A check that reads as fast as it may leaves live deliveries their turn."""
    for _ in range(taken):
        turns.take(studio.destination)
    could = not wait(studio)
    studio.publish()
    assert could == (taken < 5)
    assert could == (claims.claim("worker") is not None)
    assert could == (not turns.take(studio.destination))


def test_asking_takes_nothing(studio):
    wait(studio)
    assert not Limiter.objects.exists()
    for _ in range(5):
        assert not turns.take(studio.destination)
        wait(studio)


def test_a_pause_holds_until_its_very_end(studio):
    turns.hold(studio.destination.pk, MINUTE)
    Destination.objects.update(held_until=F("held_until") - MINUTE * 0.9)
    assert turns.take(studio.destination) > timedelta(seconds=4)


HOUR = timedelta(hours=1)
ASKING = [
    ThrottledError(http_status=429, retry_after=HOUR),
    UnavailableError(http_status=503, retry_after=HOUR),
    *[UnknownOutcomeError(http_status=status, retry_after=HOUR) for status in (500, 502, 504)],
]


@pytest.mark.parametrize("error", ASKING, ids=lambda error: error.http_status)
def test_f36_a_pause_is_kept_by_lane_and_destination_with_whatever_status_it_comes(
    studio, inbox, error
):
    studio.publish()
    inbox.answers.append(error)
    assert deliveries.deliver_due("worker")
    assert studio.lane.due_at - clock.now() > HOUR * 0.9
    assert HOUR * 0.9 < wait(studio) <= HOUR
    studio.make_due()
    assert not deliveries.deliver_due("worker")


def test_f36_no_pause_is_longer_than_a_day(studio):
    turns.hold(studio.destination.pk, timedelta(days=30))
    assert wait(studio) <= timedelta(hours=24)


@pytest.mark.parametrize("pause", [None, timedelta(0), timedelta(days=-1)])
def test_f36_what_is_no_pause_holds_nobody(studio, pause):
    turns.hold(studio.destination.pk, pause)
    assert not wait(studio)


def test_a_person_who_resumes_a_destination_lifts_its_pause(studio, inbox):
    studio.publish()
    inbox.answers.append(ThrottledError(retry_after=HOUR))
    deliveries.deliver_due("worker")
    services.resume(services.pause(studio.destination, "asked its owner"))
    assert not wait(studio)
    reviving.revive_due()
    assert deliveries.deliver_due("worker")
    assert studio.states() == ["delivered"]


def test_resuming_brings_forward_nothing_where_no_pause_was_asked_for(studio, inbox):
    studio.publish()
    inbox.answers.append(UnavailableError())
    deliveries.deliver_due("worker")
    services.resume(services.pause(studio.destination, "a look"))
    reviving.revive_due()
    assert not deliveries.deliver_due("worker")


def test_a_person_who_resumes_a_failing_destination_has_it_tried_at_once(studio, inbox):
    studio.publish()
    inbox.answers.append(UnavailableError())
    deliveries.deliver_due("worker")
    Destination.objects.update(
        breaker_state="open", breaker_opened_at=clock.now(), breaker_until=clock.now() + HOUR
    )
    Lane.objects.update(due_at=clock.now() + HOUR)
    services.resume(studio.destination)
    reviving.revive_due()
    assert deliveries.deliver_due("worker")
    assert studio.states() == ["delivered"]
    assert Entry.objects.filter(action="destination.resumed").count() == 1


def test_a_lane_that_met_the_pause_without_a_try_is_tried_at_once_too(studio, inbox):
    studio.publish()
    claim = claims.claim("worker")
    turns.hold(studio.destination.pk, 3 * HOUR)  # another lane was told to wait
    outcomes.settle(claim.lane, claim.attempt, deliveries.send(claim))
    assert (studio.lane.tries, inbox.arrived) == (0, [])
    assert studio.lane.due_at - clock.now() > 2 * HOUR
    services.resume(studio.destination)
    reviving.revive_due()
    assert deliveries.deliver_due("worker")
    assert studio.states() == ["delivered"]


def test_resuming_spends_no_try_of_a_plan_that_was_refused(studio, inbox):
    studio.publish()
    for _ in range(retry.PAYLOAD_TRIES):
        inbox.answers.append(PayloadError())
        deliveries.deliver_due("worker")
        turns.hold(studio.destination.pk, HOUR)
        services.resume(studio.destination)
        reviving.revive_due()
    assert studio.lane.tries == 1
    assert studio.states() == ["waiting"]


def test_resuming_waits_for_the_route_of_what_comes_after_one_that_was_given_up(studio, inbox):
    """The time is the route's, whatever the last attempt met."""
    Destination.objects.update(delivery_mode="every", schedule=[0])
    studio.publish()
    inbox.answers.append(UnavailableError())
    Route.objects.update(cadence="weekly", weekday=0, local_time="06:00")
    studio.publish(session("tp-1", title="Tempo run"), urgent=False)
    deliveries.deliver_due("worker")
    assert studio.states() == ["dead", "waiting"]
    due_at = studio.lane.due_at
    turns.hold(studio.destination.pk, HOUR)
    services.resume(studio.destination)
    reviving.revive_due()
    assert studio.lane.due_at == due_at > clock.now()


def turns_taken(studio):
    row = Limiter.objects.get(key=f"destination:{studio.destination.pk}")
    ahead = row.on_time_at - clock.now()
    return round(ahead.total_seconds() * studio.destination.rate_per_second)


def test_a_write_that_looks_first_takes_a_turn_for_each_of_its_calls(studio, inbox, monkeypatch):
    looked = []
    monkeypatch.setattr(
        fake_destination.FakeAdapter, "find", lambda _, step: looked.append(step), raising=False
    )
    studio.publish()
    Lane.objects.update(verify_needed=True)
    assert deliveries.deliver_due("worker")
    assert (len(looked), len(inbox.arrived)) == (1, 1)
    assert turns_taken(studio) == 2


def test_a_batch_that_takes_away_and_writes_takes_two_turns(studio, inbox, monkeypatch):
    def write_batch(adapter, steps):
        return {
            step.item_key: adapter.write(step, idempotency_key=step.idempotency_key)
            for step in steps
        }

    adapter = fake_destination.FakeAdapter
    several = replace(adapter.capabilities, batch=50)
    monkeypatch.setattr(adapter, "capabilities", several)
    monkeypatch.setattr(adapter, "write_batch", write_batch, raising=False)
    studio.publish(session("tp-1"), session("tp-2"))
    deliveries.deliver_due("worker")
    assert turns_taken(studio) == 1
    Limiter.objects.all().delete()
    studio.publish(session("tp-2", title="Long run"), session("tp-3"))
    deliveries.deliver_due("worker")
    assert turns_taken(studio) == 2
