"""What a waiting delivery waits for: what is shown of it is what a claim goes by."""

from datetime import timedelta

import pytest

from destinations import services
from destinations.errors import ThrottledError, UnavailableError
from destinations.models import Destination
from sharing import clock, deliveries, routes, stops
from sharing.models import Delivery, Lane, Route
from sharing.selectors import deliveries as selectors
from sharing.selectors import waiting
from tests.sharing.world import session

pytestmark = pytest.mark.django_db

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def next_try(studio):
    """Of the newest delivery, as a list reads it."""
    return waiting.next_try(selectors.deliveries(studio.ana).order_by("-revision").first())


def is_in(wait, found):
    return wait - MINUTE < found.at - clock.now() <= wait


def opened(until):
    Destination.objects.update(
        breaker_state="open", breaker_opened_at=clock.now(), breaker_until=until
    )


def test_what_is_due_is_tried_now_however_long_ago_that_was(studio):
    studio.publish()
    studio.make_due()
    found = next_try(studio)
    assert clock.now() - found.at < MINUTE
    assert found.words == ""
    assert deliveries.deliver_due("worker")


def test_what_has_ended_is_tried_no_more(studio):
    studio.publish()
    assert deliveries.deliver_due("worker")
    assert next_try(studio) is None


def test_a_route_that_sends_at_its_time_says_so(studio):
    Route.objects.update(cadence="weekly", weekday=0, local_time="06:00")
    studio.publish(urgent=False)
    found = next_try(studio)
    assert (found.at, found.words) == (studio.lane.due_at, waiting.ROUTE)


def test_a_newer_version_waits_as_long_as_the_lane_that_failed(studio, inbox):
    studio.publish()
    inbox.answers.append(UnavailableError())
    deliveries.deliver_due("worker")
    Lane.objects.update(due_at=clock.now() + 2 * HOUR)
    studio.publish(session("tp-1", title="Tempo run"))
    newest = studio.deliveries()[-1]
    assert newest.due_at <= clock.now()
    found = next_try(studio)
    assert (found.at, found.words) == (studio.lane.due_at, waiting.LAST_TRY)
    assert not deliveries.deliver_due("worker")


def test_behind_a_lane_that_failed_a_new_version_does_not_wait_for_its_route(studio, inbox):
    studio.publish()
    inbox.answers.append(UnavailableError())
    deliveries.deliver_due("worker")
    Route.objects.update(cadence="weekly", weekday=0, local_time="06:00")
    studio.publish(session("tp-1", title="Tempo run"), urgent=False)
    assert studio.lane.due_at < studio.deliveries()[-1].due_at
    assert next_try(studio).words == waiting.LAST_TRY


def test_behind_an_open_breaker_the_next_try_is_its_probe(studio):
    studio.publish()
    opened(clock.now() + 10 * MINUTE)
    found = next_try(studio)
    assert is_in(10 * MINUTE, found)
    assert found.words == waiting.PROBE
    assert not deliveries.deliver_due("worker")


def test_a_breaker_that_closed_puts_nothing_off(studio):
    studio.publish()
    Destination.objects.update(breaker_until=clock.now() + HOUR)
    assert next_try(studio).words == ""
    assert deliveries.deliver_due("worker")


def test_while_a_call_may_still_be_applied_late_the_next_waits_for_that(studio):
    studio.publish()
    Lane.objects.update(hold_until=clock.now() + 5 * MINUTE)
    found = next_try(studio)
    assert is_in(5 * MINUTE, found)
    assert found.words == waiting.LATE_CALL
    assert not deliveries.deliver_due("worker")


def test_a_pause_that_was_asked_for_puts_off_all_that_go_there(studio, inbox):
    studio.publish()
    Destination.objects.update(held_until=clock.now() + 3 * HOUR)
    found = next_try(studio)
    assert is_in(3 * HOUR, found)
    assert found.words == waiting.ASKED
    assert not deliveries.deliver_due("worker")


def test_of_all_that_puts_it_off_the_last_counts(studio, inbox):
    studio.publish()
    inbox.answers.append(ThrottledError(retry_after=HOUR))
    deliveries.deliver_due("worker")
    opened(clock.now() + 2 * HOUR)
    Lane.objects.update(hold_until=clock.now() + 3 * HOUR)
    assert next_try(studio).words == waiting.LATE_CALL
    Lane.objects.update(hold_until=clock.now())
    assert next_try(studio).words == waiting.PROBE
    Destination.objects.update(breaker_state="closed")
    assert next_try(studio).words == waiting.LAST_TRY


def test_a_destination_that_was_just_resumed_puts_nothing_off(studio):
    studio.publish()
    Destination.objects.update(held_until=clock.now() + HOUR)
    services.resume(studio.destination)
    assert next_try(studio).words == ""


def test_what_is_under_way_is_tried_now(studio):
    studio.publish()
    Lane.objects.update(lease_until=clock.now() + MINUTE, due_at=clock.now() + HOUR)
    opened(clock.now() + HOUR)
    found = next_try(studio)
    assert found.at <= clock.now()
    assert found.words == ""


@pytest.mark.parametrize("state", ["paused", "disabled"])
def test_behind_a_destination_that_is_paused_there_is_no_time(studio, state):
    studio.publish()
    Destination.objects.update(state=state)
    assert next_try(studio) == waiting.NextTry(None, "for the destination to be resumed")


def test_behind_a_paused_route_there_is_no_time(studio):
    studio.publish()
    routes.set_state(studio.route, Route.State.PAUSED)
    assert next_try(studio) == waiting.NextTry(None, "for its route to be resumed")


def test_behind_a_question_to_a_person_there_is_no_time(studio):
    studio.publish()
    Lane.objects.update(state="unknown")
    found = next_try(studio)
    assert (found.at, found.words[:12]) == (None, "for somebody")


def test_behind_a_stop_there_is_no_time_read_in_a_list_or_alone(studio):
    studio.publish()
    stops.put(studio.route, "pause", reason="Wrong week", by=studio.ana)
    held = waiting.NextTry(None, "for a stop to be lifted")
    assert next_try(studio) == held
    assert waiting.next_try(Delivery.objects.get()) == held


def test_a_list_has_read_all_that_is_asked_of_its_rows(studio, django_assert_num_queries):
    studio.publish()
    with django_assert_num_queries(1):
        assert next_try(studio).at
