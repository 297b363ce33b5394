"""An athlete whom a destination's settings do not list: their lane waits, and nobody else's."""

from datetime import timedelta

import pytest

from destinations import services
from destinations.errors import UnavailableError, UnlistedError
from destinations.models import Destination
from sharing import clock, deliveries, retry, reviving
from sharing.ledger import ledger
from sharing.models import Attempt, Lane
from tests.sharing import fake_destination
from tests.sharing.world import build, session

pytestmark = pytest.mark.django_db(transaction=True)

BEN = "Ben"


@pytest.fixture
def listed(inbox, monkeypatch):
    """Whom the destination lists; nobody yet."""
    names, render = set(), fake_destination.FakeAdapter.render

    def rendered(self, plan, options):
        if BEN not in names:
            raise UnlistedError
        return render(self, plan, options)

    monkeypatch.setattr(fake_destination.FakeAdapter, "render", rendered)
    return names


@pytest.fixture
def studio(listed):
    world = build()
    world.agree()
    return world


def work():
    while deliveries.deliver_due("worker"):
        pass


def test_it_waits_spends_no_try_and_the_destination_works_on(studio):
    studio.publish()
    work()
    (delivery,) = studio.deliveries()
    assert (delivery.state, delivery.reason) == ("waiting", "athlete_unlisted")
    lane = studio.lane
    assert (lane.state, lane.tries) == (Lane.State.ACTIVE, 0)
    assert lane.due_at > clock.now() + retry.LOOK_AGAIN - timedelta(minutes=1)
    place = Destination.objects.get()
    assert (place.state, place.consecutive_failures) == ("active", 0)
    assert ledger().balanced


def test_it_goes_out_by_itself_once_the_settings_were_changed(studio, listed, inbox):
    studio.publish()
    work()
    reviving.revive_due()
    work()
    assert Attempt.objects.count() == 1  # nothing was changed: nobody looks
    listed.add(BEN)
    services.change(studio.destination, answers={})
    reviving.revive_due()
    work()
    assert studio.states() == ["delivered"]
    assert inbox.actions() == [("create", "tp-1")]


def test_one_look_follows_from_one_change(studio):
    studio.publish()
    work()
    services.change(studio.destination, answers={})
    for _ in range(3):
        reviving.revive_due()
        work()
    assert Attempt.objects.count() == 2


def test_another_lane_that_waits_is_not_hurried(studio, listed, inbox):
    listed.add(BEN)
    inbox.answers += [UnavailableError(), UnavailableError()]
    studio.publish()
    studio.make_due()
    work()
    Lane.objects.update(due_at=clock.now() + timedelta(hours=1))
    services.change(studio.destination, answers={})
    reviving.revive_due()
    assert studio.lane.due_at > clock.now() + timedelta(minutes=59)


def test_where_every_version_is_wanted_none_is_lost(listed, inbox):
    world = build(delivery_mode="every")
    world.agree()
    for title in ("One", "Two", "Three"):
        world.publish(session("tp-1", title=title))
    work()
    assert world.states() == ["waiting"] * 3
    listed.add(BEN)
    world.make_due()
    work()
    assert [step.item.body["title"] for step in inbox.arrived] == ["One", "Two", "Three"]


def test_a_newer_version_takes_its_place_in_the_queue(studio, listed, inbox):
    studio.publish(session("tp-1", title="One"))
    work()
    studio.publish(session("tp-1", title="Two"))
    work()
    assert studio.states() == ["superseded", "waiting"]
    listed.add(BEN)
    studio.make_due()
    work()
    assert inbox.held["tp-1"]["title"] == "Two"
