"""Cadence at work: what waits, what goes at once, and that a night sends once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from accounts import consent
from sharing import claims, clock, consents, deliveries, routes
from sharing.models import Delivery, Lane, Route
from tests.sharing.world import FIELDS, build, session

pytestmark = pytest.mark.django_db(transaction=True)

NIGHTLY = routes.RouteSettings(
    name="Nightly",
    purpose="training",
    fields=dict.fromkeys(FIELDS, "training"),
    cadence=Route.Cadence.NIGHTLY,
)


@pytest.fixture
def studio(studio):
    routes.change(studio.route, NIGHTLY)
    return studio


def work():
    while deliveries.deliver_due("worker"):
        pass


def test_a_note_waits_for_the_night_and_a_moved_date_goes_at_once(studio, inbox):
    studio.publish(session("tp-1"), urgent=False)
    work()
    assert inbox.arrived == []
    assert studio.lane.due_at > clock.now()
    studio.publish(session("tp-1", seconds=1800), urgent=True)
    work()
    assert [step.item.body["durationSeconds"] for step in inbox.arrived] == [1800]


def test_the_night_sends_the_last_version_of_the_day_once(studio, inbox):
    routes.change(studio.route, replace(NIGHTLY, urgent_at_once=False))
    for title in ("Morning", "Noon", "Evening"):
        studio.publish(session("tp-1", title=title))
    work()
    assert inbox.arrived == []
    studio.make_due()
    work()
    studio.make_due()
    work()
    assert [step.item.body["title"] for step in inbox.arrived] == ["Evening"]
    assert studio.states() == ["superseded", "superseded", "delivered"]


def test_a_night_without_a_change_sends_nothing(studio, inbox):
    studio.publish(session("tp-1"))
    work()
    inbox.arrived.clear()
    Lane.objects.update(due_at=clock.now() - timedelta(days=1))
    work()
    assert inbox.arrived == []


def test_real_time_and_nightly_routes_live_side_by_side(studio, inbox):
    at_once = build()
    at_once.agree()
    studio.publish(session("tp-1", title="Later"), urgent=False)
    at_once.publish(session("tp-1", title="Now"), urgent=False)
    work()
    assert [step.item.body["title"] for step in inbox.arrived] == ["Now"]


def test_what_is_withdrawn_waits_for_no_night_and_no_job(studio, inbox):
    """The removal is owed, and due, by the commit that ends the consent."""
    studio.publish(session("tp-1"))
    work()
    studio.publish(session("tp-1", title="Tonight"), urgent=False)
    assert studio.lane.due_at > clock.now()
    decision = consents.withdraw(
        studio.ben, studio.destination, basis=consent.Basis(kind="athlete_link")
    )
    removal = studio.deliveries()[-1]
    assert (removal.intent, removal.state) == (Delivery.Intent.REMOVE, Delivery.State.WAITING)
    assert removal.accepted_at - decision.decided_at < timedelta(seconds=60)
    assert list(claims.due_lanes(clock.now())) == [studio.lane]
    work()
    assert inbox.held == {"tp-1": None}
