"""A destination that takes nothing for five days: said so, switched off, and switched on again."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.urls import reverse

from audit import stored
from destinations import registry, selectors, services
from destinations.errors import (
    CATALOGUE,
    GoneError,
    PayloadError,
    UnavailableError,
    UnknownOutcomeError,
)
from destinations.models import Destination
from insight import watchdogs
from insight.models import Alert
from sharing import claims, clock, deliveries, outcomes, retry, reviving
from sharing.ledger import ledger
from sharing.models import Delivery, Lane, Step
from tests.sharing.world import build, session

pytestmark = pytest.mark.django_db(transaction=True)


def fail(studio, inbox, *, days, error=None):
    """One failed try, so many days after the first one."""
    studio.destination.refresh_from_db()
    began = clock.now() - timedelta(days=days)
    Destination.objects.filter(pk=studio.destination.pk).update(
        failing_since=began, breaker_state="closed"
    )
    if not Delivery.objects.filter(state="waiting").exists():
        studio.publish(session("tp-1", title=f"After {days} days"))
    inbox.answers.append(error or UnavailableError())
    studio.make_due()
    assert deliveries.deliver_due("worker")
    studio.destination.refresh_from_db()
    return studio.destination


def said(destination):
    return [
        (entry["action"], entry["extra"].get("percent"))
        for entry in stored.lines()
        if entry.get("destination") == str(destination.pk)
        and entry["action"] in {"destination.failing", "destination.disabled"}
    ]


def test_what_fails_for_five_days_is_warned_of_three_times_and_then_switched_off(studio, inbox):
    for days in (0.1, 2.4, 2.6, 2.7, 3.6, 4.6, 4.9, 5.1):
        destination = fail(studio, inbox, days=days)
    assert said(destination) == [
        ("destination.failing", 50),
        ("destination.failing", 70),
        ("destination.failing", 90),
        ("destination.disabled", 100),
    ]
    assert (destination.state, destination.paused_reason) == ("disabled", "failing_for_days")
    assert studio.states() == ["waiting"]
    studio.make_due()
    assert not deliveries.deliver_due("worker")


def test_one_success_begins_the_count_again(studio, inbox):
    fail(studio, inbox, days=4.6)
    studio.make_due()
    deliveries.deliver_due("worker")
    studio.destination.refresh_from_db()
    assert (studio.destination.warned_percent, studio.destination.failing_since) == (0, None)
    assert fail(studio, inbox, days=2.6).warned_percent == 50


def test_a_destination_that_nobody_calls_does_not_fail(studio, inbox):
    fail(studio, inbox, days=1)
    Destination.objects.update(failing_since=clock.now() - timedelta(days=30))
    for _ in range(3):
        deliveries.deliver_due("worker")
    studio.destination.refresh_from_db()
    assert studio.destination.state == Destination.State.ACTIVE


def test_a_version_that_changes_nothing_there_is_no_sign_of_life(studio, inbox):
    studio.publish(session("tp-1"))
    deliveries.deliver_due("worker")
    Destination.objects.update(failing_since=clock.now() - timedelta(days=3))
    studio.publish(session("tp-1"))
    assert deliveries.deliver_due("worker")
    studio.destination.refresh_from_db()
    assert (len(inbox.arrived), studio.states()) == (1, ["delivered"] * 2)
    assert studio.destination.failing_since is not None


def test_a_plan_that_is_refused_says_nothing_about_the_destination(studio, inbox):
    assert fail(studio, inbox, days=6, error=PayloadError()).state == Destination.State.ACTIVE


def test_an_address_that_has_ended_is_switched_off_at_once(studio, inbox):
    destination = fail(studio, inbox, days=0, error=GoneError())
    assert (destination.state, destination.paused_reason) == ("disabled", "gone")


def test_the_person_s_own_pause_is_left_as_it_is(studio, inbox):
    studio.publish()
    claim = claims.claim("worker")
    services.pause(studio.destination, "We move.")
    Destination.objects.update(failing_since=clock.now() - timedelta(days=6))
    outcomes.settle(claim.lane, claim.attempt, UnavailableError())
    studio.destination.refresh_from_db()
    assert studio.destination.paused_reason == "We move."


def test_that_it_was_switched_off_is_an_alert_and_is_said_on_its_page(studio, inbox, client):
    destination = fail(studio, inbox, days=5.1)
    watchdogs.look()
    alert = Alert.objects.get(kind="destination_stopped")
    assert alert.facts == {"reason": "failing_for_days"}
    client.force_login(studio.ana)
    page = client.get(reverse("destination", args=[destination.pk])).content.decode()
    assert "has taken nothing for five days" in page
    assert selectors.health(destination).error == CATALOGUE["failing_for_days"]
    assert "Resume" in page


def test_on_the_way_its_page_says_what_will_happen(studio, inbox, client):
    destination = fail(studio, inbox, days=3)
    assert selectors.health(destination).sentence == selectors.FOR_DAYS
    Destination.objects.update(breaker_state="open", breaker_opened_at=clock.now())
    client.force_login(studio.ana)
    page = client.get(reverse("destination", args=[destination.pk])).content.decode()
    assert "After five days of nothing but failures" in page


def switched_off_and_dead(studio, inbox):
    studio.publish(session("tp-1", title="Old"))
    Lane.objects.update(tries=50)
    fail(studio, inbox, days=5.1)
    assert (studio.states(), studio.lane.state) == (["dead"], "dead")


def test_switched_on_again_it_gets_what_died_meanwhile_and_only_once(studio, inbox):
    switched_off_and_dead(studio, inbox)
    assert reviving.revive_due() == 0
    services.resume(studio.destination)
    assert reviving.revive_due() == 1
    assert reviving.revive_due() == 0
    assert deliveries.deliver_due("worker")
    assert studio.states() == ["dead", "delivered"]
    assert ledger().balanced


def test_switched_on_again_it_gets_the_newest_version_and_no_older_one(studio, inbox):
    switched_off_and_dead(studio, inbox)
    studio.publish(session("tp-1", title="New"))
    services.resume(studio.destination)
    assert deliveries.deliver_due("worker")
    assert reviving.revive_due() == 0
    assert not deliveries.deliver_due("worker")
    assert [step.item.body["title"] for step in inbox.arrived] == ["Old", "New"]


def test_switched_on_again_it_is_not_sent_what_its_forgotten_key_cannot_keep_out(
    studio, inbox, monkeypatch
):
    lasting = replace(inbox_of(studio).capabilities, key_lifetime=timedelta(days=4))
    monkeypatch.setattr(inbox_of(studio), "capabilities", lasting)
    studio.publish()
    Lane.objects.update(tries=50)
    fail(studio, inbox, days=5.1, error=UnknownOutcomeError())
    Step.objects.update(intended_at=clock.now() - timedelta(days=5))
    services.resume(studio.destination)
    assert reviving.revive_due() == 1
    studio.make_due()
    deliveries.deliver_due("worker")
    assert studio.states() == ["dead", "unknown"]
    assert len(inbox.arrived) == 1


def inbox_of(studio):
    return registry.adapter_class(studio.destination.kind)


def test_a_success_before_the_look_does_not_make_us_forget_the_dead(studio, inbox):
    switched_off_and_dead(studio, inbox)
    other = build()
    services.resume(studio.destination)
    with_success = studio.destination
    with_success.refresh_from_db()
    studio.publish(session("tp-1", title="New"))
    deliveries.deliver_due("worker")
    with_success.refresh_from_db()
    assert with_success.warned_percent == 100
    assert reviving.revive_due() == 0
    with_success.refresh_from_db()
    assert with_success.warned_percent == 0
    assert other.destination.warned_percent == 0


def test_a_plan_that_was_refused_stays_dead(studio, inbox):
    studio.publish()
    for _ in range(retry.PAYLOAD_TRIES):
        inbox.answers.append(PayloadError())
        studio.make_due()
        deliveries.deliver_due("worker")
    Destination.objects.update(warned_percent=100)
    assert reviving.revive_due() == 0
    assert studio.states() == ["dead"]
