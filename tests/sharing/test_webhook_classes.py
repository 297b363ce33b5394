"""What an unknown outcome leads to at a webhook, by its class: the real adapter, a real inbox."""

from types import SimpleNamespace
from uuid import uuid4

import pytest

from destinations import services
from sharing import clock, redeliver
from sharing.deliveries import deliver_due
from sharing.ledger import ledger
from sharing.models import Delivery, Lane
from tests.sandbox_process import SandboxProcess
from tests.sharing import world as worlds

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

ZAP = "https://hooks.zapier.com/hooks/catch/1/t0k3n/"
PORTAL = "https://portal.example.com/plans"


@pytest.fixture(scope="module")
def process():
    with SandboxProcess() as running:
        yield running


@pytest.fixture
def place(process, settings):
    """Ana's webhook at an address; its wire leads to an inbox of the sandbox."""
    settings.BATON_ALLOW_LOOPBACK_DESTINATIONS = True
    settings.BATON_SEND_DEADLINE = 1

    def at(address, *, deduplicates):
        world = worlds.build(kind="webhook", idempotency_class="keyed")
        row = world.destination
        row.configure({"url": PORTAL, "secret": "whsec_" + "A" * 32})
        row.save()
        services.change(row, answers={"url": address})
        name = uuid4().hex
        inbox = f"/control/inboxes/{name}"
        settings_there = {**row.configuration, "url": f"{process.url}/destinations/webhook/{name}"}
        row.configure(settings_there)
        row.save()
        process.post(inbox, {"secret": row.configuration["secret"], "deduplicates": deduplicates})
        world.agree()
        return SimpleNamespace(
            world=world,
            destination=row,
            silent=lambda: process.post(inbox, {"answer": {"slow_headers": 2.0}, "times": 1}),
            effects=lambda: process.get(inbox)["effects"],
            repeats=lambda: process.get(inbox)["repeats"],
        )

    return at


def work(world):
    world.make_due()
    while deliver_due("test"):
        pass


def test_what_a_no_code_service_may_have_is_not_sent_twice(place):
    zap = place(ZAP, deduplicates=False)
    assert zap.destination.idempotency_class == "none"
    zap.silent()
    zap.world.publish()
    for _ in range(3):
        work(zap.world)
    assert (zap.world.states(), zap.world.lane.state) == (["unknown"], Lane.State.UNKNOWN)
    assert len(zap.effects()) == 1
    redeliver.settle_unknown(zap.world.deliveries()[0], is_there=True)
    work(zap.world)
    assert zap.world.states() == ["delivered"]
    assert len(zap.effects()) == 1
    assert ledger().balanced


def test_who_recognises_message_ids_is_sent_the_same_again_and_takes_it_once(place):
    portal = place(PORTAL, deduplicates=True)
    assert portal.destination.idempotency_class == "keyed"
    portal.silent()
    portal.world.publish()
    for _ in range(2):
        work(portal.world)
    assert portal.world.states() == ["delivered"]
    assert (len(portal.effects()), len(portal.repeats())) == (1, 1)


def test_what_is_in_doubt_is_judged_by_what_the_receiver_promises_when_it_goes_on(place):
    zap = place(PORTAL, deduplicates=False)
    zap.silent()
    zap.world.publish(worlds.session("tp-1", title="One"))
    work(zap.world)
    zap.world.publish(worlds.session("tp-1", title="Two"))
    services.change(zap.destination, idempotency_class="none")
    work(zap.world)
    assert zap.world.states() == ["unknown", "waiting"]
    assert len(zap.effects()) == 1
    redeliver.settle_unknown(zap.world.deliveries()[0], is_there=True)
    work(zap.world)
    assert zap.world.states() == ["delivered", "delivered"]
    assert len(zap.effects()) == 2


def test_every_version_too_waits_behind_the_one_that_a_person_is_asked_about(place):
    zap = place(PORTAL, deduplicates=False)
    services.change(zap.destination, delivery_mode="every")
    zap.silent()
    zap.world.publish(worlds.session("tp-1", title="One"))
    work(zap.world)
    services.change(zap.destination, idempotency_class="none")
    zap.world.publish(worlds.session("tp-1", title="Two"))
    work(zap.world)
    assert zap.world.states() == ["unknown", "waiting"]
    redeliver.settle_unknown(zap.world.deliveries()[0], is_there=False)
    work(zap.world)
    assert Delivery.objects.filter(state="delivered").count() == 1
    assert ledger().balanced


def test_a_promise_that_is_given_later_answers_no_question_that_was_asked_before(place):
    zap = place(ZAP, deduplicates=False)
    zap.silent()
    zap.world.publish()
    work(zap.world)
    services.change(zap.destination, idempotency_class="keyed")
    work(zap.world)
    assert zap.world.states() == ["unknown"]
    assert len(zap.effects()) == 1


def test_who_replaces_what_it_has_gets_the_newest_again_after_a_pause(place):
    portal = place(PORTAL, deduplicates=False)
    services.change(portal.destination, idempotency_class="upsert")
    portal.silent()
    portal.world.publish()
    work(portal.world)
    assert portal.world.lane.hold_until > clock.now()
    work(portal.world)
    assert portal.world.states() == ["delivered"]


def test_a_call_in_doubt_is_waited_for_once_its_receiver_recognises_nothing_any_more(place):
    """It was sent again at once while its key kept doubles out. Nothing newer may go before what
    may still be applied of it.
    """
    portal = place(PORTAL, deduplicates=False)
    portal.silent()
    portal.world.publish(worlds.session("tp-1", title="One"))
    work(portal.world)
    assert portal.world.lane.hold_until < clock.now()
    portal.world.publish(worlds.session("tp-1", title="Two"))
    services.change(portal.destination, idempotency_class="upsert")
    Lane.objects.update(due_at=clock.now())
    while deliver_due("test"):
        pass
    lane = portal.world.lane
    assert (portal.world.states()[-1], len(portal.effects())) == ("waiting", 1)
    assert lane.due_at > clock.now() + portal.destination.late_apply_window / 2
    work(portal.world)
    assert portal.world.states()[-1] == "delivered"
    assert len(portal.effects()) == 2
