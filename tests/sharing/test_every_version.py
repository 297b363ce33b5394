"""Every version, where a destination wants every one: in order, nothing left out, each bounded."""

from datetime import timedelta

import pytest
from django.urls import reverse

from destinations import services
from destinations.errors import (
    PayloadError,
    UnavailableError,
    UnknownOutcomeError,
    UnsupportedPlanError,
)
from destinations.forms import DestinationForm
from destinations.models import Destination
from sharing import claims, consents, deliveries, outcomes
from sharing.ledger import lanes_with_a_gap, ledger
from sharing.models import Attempt, Lane
from tests.sharing.test_deliveries import BY_LINK
from tests.sharing.world import build, session

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def studio(inbox):
    world = build(delivery_mode=Destination.DeliveryMode.EVERY)
    world.agree()
    return world


def work(limit=60):
    return sum(1 for _ in range(limit) if deliveries.deliver_due("worker"))


def titled(studio, *titles):
    for title in titles:
        studio.publish(session("tp-1", title=title))


def arrived(inbox):
    return [step.item.body["title"] for step in inbox.arrived]


def keep_trying(studio, times=60):
    for _ in range(times):
        studio.make_due()
        work(1)


def test_a_version_that_is_tried_again_goes_before_those_after_it(studio, inbox):
    inbox.answers.append(UnavailableError())
    titled(studio, "One", "Two", "Three")
    work(1)
    studio.make_due()
    work()
    assert arrived(inbox) == ["One", "One", "Two", "Three"]
    assert studio.states() == ["delivered"] * 3


@pytest.mark.parametrize("promise", ["versioned", "keyed", "upsert"])
def test_after_an_unknown_outcome_the_order_is_kept(inbox, promise):
    studio = build(delivery_mode="every", idempotency_class=promise)
    studio.agree()
    inbox.answers.append(UnknownOutcomeError())
    titled(studio, "One", "Two")
    work(1)
    titled(studio, "Three")
    keep_trying(studio, 5)
    assert arrived(inbox) == ["One", "One", "Two", "Three"]
    assert studio.states() == ["delivered"] * 3


def test_revisions_arrive_in_order_and_each_with_a_key_of_its_own(studio, inbox):
    titled(studio, "One", "Two", "One")
    work()
    revisions = [step.revision for step in inbox.arrived]
    assert revisions == sorted(revisions)
    assert len(set(inbox.keys())) == 3


def test_a_version_that_is_given_up_does_not_keep_the_next_one_from_its_turn(studio, inbox):
    inbox.answers.extend([PayloadError()] * 3)
    titled(studio, "Bad", "Good")
    keep_trying(studio, 4)
    assert arrived(inbox) == ["Bad"] * 3 + ["Good"]
    assert studio.states() == ["dead", "delivered"]
    assert studio.lane.state == Lane.State.ACTIVE


def test_each_version_has_no_more_tries_than_the_schedule(studio, inbox):
    services.change(studio.destination, schedule=[0, 1, 2])
    inbox.answers.extend([UnavailableError()] * 100)
    titled(studio, "One", "Two")
    keep_trying(studio, 12)
    assert studio.states() == ["dead", "dead"]
    assert Attempt.objects.count() == 6


def test_a_withdrawal_ends_all_that_waits(studio, inbox):
    titled(studio, "One")
    work()
    titled(studio, "Two", "Three")
    consents.withdraw(studio.ben, studio.destination, basis=BY_LINK)
    work()
    assert studio.states() == ["delivered", "blocked", "blocked", "delivered"]
    assert inbox.held["tp-1"] is None


def test_the_ledger_balances_when_every_version_counts(studio, inbox):
    inbox.answers.extend([UnavailableError(), PayloadError()])
    titled(studio, "One", "Two", "Three")
    work(2)
    assert ledger().balanced
    keep_trying(studio, 6)
    assert ledger().balanced
    assert lanes_with_a_gap() == []


def test_back_to_the_newest_only_the_older_ones_are_superseded(studio, inbox):
    titled(studio, "One", "Two", "Three")
    services.change(studio.destination, delivery_mode="latest")
    work()
    assert arrived(inbox) == ["Three"]
    assert studio.states() == ["superseded", "superseded", "delivered"]


@pytest.mark.parametrize(
    "ending",
    [UnsupportedPlanError("no intervals"), UnavailableError(), UnknownOutcomeError()],
)
def test_what_was_promised_while_an_older_version_was_given_up_is_not_forgotten(inbox, ending):
    """Only the newest counts here, and it came while the older one was on its last call."""
    studio = build()
    studio.agree()
    titled(studio, "One")
    Lane.objects.update(tries=50)
    claim = claims.claim("worker")
    titled(studio, "Two")
    outcomes.settle(claim.lane, claim.attempt, ending)
    assert studio.states() == ["dead", "waiting"]
    studio.make_due()
    work()
    assert studio.states() == ["dead", "delivered"]


def test_given_up_without_an_answer_an_upserting_lane_is_held_before_it_goes_on(inbox):
    studio = build(idempotency_class="upsert")
    studio.agree()
    titled(studio, "One")
    Lane.objects.update(tries=50)
    claim = claims.claim("worker")
    titled(studio, "Two")
    outcomes.settle(claim.lane, claim.attempt, UnknownOutcomeError())
    held = studio.lane.hold_until - claim.attempt.started_at
    assert held > timedelta(seconds=55)
    assert work() == 0


def test_the_form_of_a_destination_says_which_versions_it_gets(studio, client):
    form = DestinationForm(
        {"name": "Inbox", "delivery_mode": "every"}, organisation=studio.organisation
    )
    assert form.is_valid()
    client.force_login(studio.ana)
    edit = client.get(reverse("destination_edit", args=[studio.destination.pk])).content.decode()
    assert 'value="every" selected' in edit
    page = client.get(reverse("destination", args=[studio.destination.pk])).content.decode()
    assert "Every version, in order" in page


def test_without_a_wish_a_destination_gets_the_newest_only(studio):
    form = DestinationForm({"name": "Inbox"}, organisation=studio.organisation)
    assert form.is_valid()
    assert form.cleaned_data["delivery_mode"] == Destination.DeliveryMode.LATEST
