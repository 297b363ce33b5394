"""The next try on the pages: the true one, in words, in a list of many, and never in the past."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags

from audit.models import Entry
from destinations.models import Destination
from insight.templatetags import look
from sharing import clock
from sharing.models import Delivery, Lane

pytestmark = pytest.mark.django_db

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def ana(client, world):
    client.force_login(world.ana)
    return client


def text(client, url):
    """As people read it."""
    return " ".join(strip_tags(client.get(url).content.decode()).split())


def pages(world):
    waiting = world.deliveries()[-1]
    return [
        reverse("delivery", args=[waiting.pk]),
        reverse("deliveries"),
        reverse("plan_version", args=[world.plan.pk, waiting.version.version]),
    ]


@pytest.mark.parametrize(
    ("pause", "words"),
    [
        ("held_until", "in 3 hours, after the pause that the destination asked for"),
        ("breaker_until", "in 3 hours, when one call tries whether the destination is back"),
    ],
)
def test_a_pause_of_the_destination_is_the_next_try_wherever_one_is_shown(ana, world, pause, words):
    Destination.objects.update(
        **{pause: clock.now() + 3 * HOUR}, breaker_state="open", breaker_opened_at=clock.now()
    )
    for url in pages(world):
        assert words in text(ana, url), url


def test_what_was_tried_and_is_put_off_says_why_and_until_when(ana, world):
    Delivery.objects.filter(state="waiting").update(
        reason="unavailable", started_at=clock.now() - MINUTE
    )
    Lane.objects.update(due_at=clock.now() + 2 * HOUR)
    words = "in 2 hours, after the pause that follows the last try"
    alone, every, version = (text(ana, url) for url in pages(world))
    assert f"Waiting · next try {words}" in alone
    for shown in (every, version):
        assert f"Baton tries again by itself. Next try {words}" in shown


def test_a_time_that_has_passed_is_now(ana, world):
    past = clock.now() - 2 * HOUR
    Delivery.objects.filter(state="waiting").update(due_at=past)
    Lane.objects.update(due_at=past)
    alone, every, version = (text(ana, url) for url in pages(world))
    assert "Waiting · next try now" in alone
    assert "Due now" in every
    assert "Due now" in version


def test_behind_a_paused_destination_no_time_is_shown(ana, world):
    Destination.objects.update(state="paused")
    alone, every, version = (text(ana, url) for url in pages(world))
    assert "Waiting for the destination to be resumed" in alone
    for shown in (every, version):
        assert "Waits for the destination to be resumed" in shown
    assert "next try" not in alone


def test_an_attempt_of_long_ago_says_from_when_the_next_was_planned(ana, world):
    attempt = world.lane.attempts.get()
    attempt.next_try_at = clock.now() - 2 * HOUR
    attempt.save()
    shown = text(ana, reverse("delivery", args=[attempt.delivery_id]))
    assert f"next try from {attempt.next_try_at:%-d %b %Y, %H:%M:%S} UTC" in shown


def test_a_list_of_many_asks_no_more_than_a_list_of_one(ana, world):
    with CaptureQueriesContext(connection) as one:
        ana.get(reverse("deliveries"), {"state": "waiting"})
    waiting = world.deliveries()[-1]
    Delivery.objects.bulk_create(
        Delivery(
            lane_id=waiting.lane_id, revision=number, keyed_as=number, version=waiting.version,
            due_at=waiting.due_at, accepted_at=waiting.accepted_at,
            audit_entry_id=waiting.audit_entry_id,
        )
        for number in range(3, 503)
    )  # fmt: skip
    with CaptureQueriesContext(connection) as many:
        shown = text(ana, f"{reverse('deliveries')}?state=waiting")
    assert shown.count("Due now") == 50
    assert len(many) <= len(one)


@pytest.mark.parametrize(
    ("ahead", "words"),
    [(-HOUR, "now"), (timedelta(seconds=10), "in a moment"), (HOUR + MINUTE, "in 1 hour")],
)
def test_what_is_to_come_is_said_as_such(ahead, words):
    said = look.due(clock.now() + ahead)
    assert words in said
    assert "data-relative" not in said, "the page would say how long ago it was"


# --- what a destination asked for, and what Resume ends ----------------------------------------


def resume_button(client, world):
    page = client.get(reverse("destination", args=[world.destination.pk])).content.decode()
    return 'name="state" value="active"' in page


def test_a_pause_that_a_destination_asked_for_is_on_its_page_and_in_the_list(ana, world):
    until = clock.now() + 3 * HOUR
    page = reverse("destination", args=[world.destination.pk])
    assert "asked us to wait" not in text(ana, page)
    assert not resume_button(ana, world)
    Destination.objects.update(held_until=until)
    assert f"It asked us to wait until {until:%-d %b %Y, %H:%M:%S} UTC." in text(ana, page)
    said = f"It asked us to wait until {until:%-d %b, %H:%M} UTC."
    assert said in text(ana, reverse("destinations"))
    assert resume_button(ana, world)


def test_ana_ends_such_a_pause_and_it_is_in_the_log(ana, world):
    Destination.objects.update(held_until=clock.now() + 3 * HOUR)
    url = reverse("destination_state", args=[world.destination.pk])
    answer = ana.post(url, {"state": "active"}, follow=True)
    assert "asked us to wait" not in answer.content.decode()
    assert Destination.objects.get().held_until is None
    assert Entry.objects.filter(action="destination.resumed").count() == 1


def test_a_failing_destination_says_since_when_calls_wait_and_when_the_next_goes(ana, world):
    since, until = clock.now() - HOUR, clock.now() + 5 * MINUTE
    Destination.objects.update(
        breaker_state="open", breaker_opened_at=since, breaker_until=until, consecutive_failures=12
    )
    page = reverse("destination", args=[world.destination.pk])
    shown = text(ana, page)
    waits = f"Calls have waited since {since:%-d %b %Y, %H:%M:%S} UTC: it has failed 12 times"
    assert waits in shown
    assert f"At {until:%-d %b %Y, %H:%M:%S} UTC one call tries whether it is back." in shown
    assert resume_button(ana, world)
    Destination.objects.update(breaker_until=since)
    assert "Now one call tries whether it is back." in text(ana, page)
    Destination.objects.update(held_until=until)
    assert f"At {until:%-d %b %Y, %H:%M:%S} UTC one call tries" in text(ana, page)


def test_a_paused_destination_has_one_button_and_tells_of_no_call(ana, world):
    Destination.objects.update(
        state="paused", breaker_state="open", breaker_opened_at=clock.now(),
        held_until=clock.now() + HOUR,
    )  # fmt: skip
    page = ana.get(reverse("destination", args=[world.destination.pk])).content.decode()
    assert page.count('name="state" value="active"') == 1
    assert "one call tries" not in page


def test_who_may_not_resume_reads_of_the_pause_and_has_no_button(client, world, cara):
    Destination.objects.update(held_until=clock.now() + HOUR)
    client.force_login(cara)
    url = reverse("destination", args=[world.destination.pk])
    assert "It asked us to wait until" in text(client, url)
    assert not resume_button(client, world)
    answer = client.post(reverse("destination_state", args=[world.destination.pk]))
    assert answer.status_code == 403
    assert Destination.objects.get().held_until is not None
