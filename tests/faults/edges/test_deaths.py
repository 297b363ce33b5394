"""P08 to P20 and P24, F02, F07 and F09: another process is really killed, or really stopped.

It works on the test's own database and calls real sockets; what it leaves behind is taken up
by the engine in this process once its lease is over.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from accounts import consent, rotation, tokens
from accounts.models import Athlete, Connection
from accounts.tokens import NeedsReauthError
from sharing import clock, consents, redeliver, routes
from sharing.models import Delivery, Lane, Plan, RemoteRecord
from tests.faults.edges.faults import Late
from tests.faults.edges.other import DEADLINE
from tests.faults.edges.receivers import GONE, KeyedInbox
from tests.faults.edges.road import BY_LINK
from tests.faults.servers.waiting import until
from tests.sharing import world
from tests.sharing.source import studio

pytestmark = pytest.mark.processes

LEASE = timedelta(seconds=5)  # of who sleeps past it
on_server = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="SQLite's one writer blocks everybody meanwhile."
)
on_sqlite = pytest.mark.skipif(
    "connection.vendor != 'sqlite'", reason="PostgreSQL ends a transaction that sleeps."
)


def dies(road, other, point):
    """A worker is killed on its way; what it left behind is one attempt without an end."""
    road.wait_is_over()
    other("deliver", at=point).await_death()
    attempt = road.attempts[-1]
    assert attempt.settled_at is None
    assert road.lane.lease_until > clock.now()
    return attempt


def assert_taken_up(road, attempt):
    """Once the lease is over the lane goes on by itself, and every promise is kept."""
    road.take_over()
    attempt.refresh_from_db()
    assert attempt.outcome == "crashed"
    road.check()


# --- a lane ------------------------------------------------------------------------------------


@pytest.mark.parametrize("point", ["P11", "P12", "P13"])
def test_F02_P11_P12_P13_a_worker_that_dies_before_its_request_is_whole(point, open_road, other):
    """Claimed; connected; in the middle of the body: nothing has arrived."""
    road = open_road("upsert")
    attempt = dies(road, other, point)
    assert road.receiver.requests == []
    assert_taken_up(road, attempt)


@pytest.mark.parametrize(
    ("point", "name"),
    [
        ("P14", "keyed"),
        ("P14", "upsert"),
        ("P14", "versioned"),
        ("P15", "keyed"),
        ("P16", "upsert"),
        ("P16", "versioned"),
        ("P16", "none"),
    ],
)
def test_F02_P14_P15_P16_a_worker_that_dies_after_its_request(point, name, open_road, other):
    """Sent; headers there; answer read: it took effect, and whoever knew is dead."""
    road = open_road(name)
    attempt = dies(road, other, point)
    until(lambda: road.receiver.effects == ["v1"], seconds=10, why="It had no effect.")
    road.publish(2)
    assert_taken_up(road, attempt)


@pytest.mark.parametrize(
    ("point", "is_there", "effects"),
    [("P14", True, ["v1"]), ("P15", False, ["v1", "v1"])],
)
def test_F02_P14_P15_a_person_says_what_became_of_it_where_nobody_else_can(
    point, is_there, effects, open_road, other
):
    road = open_road("none")
    attempt = dies(road, other, point)
    until(lambda: road.receiver.effects == ["v1"], seconds=10, why="It had no effect.")
    road.take_over()
    attempt.refresh_from_db()
    assert (attempt.outcome, road.newest.state, road.lane.state) == (
        "crashed",
        "unknown",
        "unknown",
    )
    assert road.receiver.effects == ["v1"]
    redeliver.settle_unknown(road.newest, is_there=is_there)
    road.drain()
    assert (road.receiver.effects, road.newest.state) == (effects, "delivered")


def dies_before_it_applies(road, other):
    """A worker is killed when all has left; the destination has it, and takes its time with it."""
    late = Late()
    road.receiver.will(late)
    attempt = dies(road, other, "P14")
    until(lambda: road.receiver.requests, seconds=10)
    assert road.receiver.effects == []
    road.publish(2)
    Lane.objects.update(lease_until=clock.now())
    return late, attempt


def test_F02_P14_what_a_dead_worker_sent_is_waited_for_by_an_upsert(open_road, other):
    road = open_road("upsert")
    late, attempt = dies_before_it_applies(road, other)
    assert road.held()
    late.happen()
    assert road.receiver.effects == ["v1"]
    assert_taken_up(road, attempt)


def test_F02_P14_what_a_dead_worker_sent_is_sent_again_first_under_its_key(open_road, other):
    road = open_road("keyed")
    late, attempt = dies_before_it_applies(road, other)
    road.send()
    first, again = road.receiver.requests
    assert (first.headers["webhook-id"], first.body) == (again.headers["webhook-id"], again.body)
    road.send()
    late.happen()
    assert road.receiver.effects == ["v1", "v2"]
    assert_taken_up(road, attempt)


def test_F02_P14_what_a_dead_worker_sent_is_refused_where_versions_are_compared(open_road, other):
    road = open_road("versioned")
    late, attempt = dies_before_it_applies(road, other)
    road.send()
    late.happen()
    assert (road.receiver.refused, road.receiver.effects) == (1, ["v2"])
    assert_taken_up(road, attempt)


def test_F02_P17_a_worker_that_dies_with_the_head_of_the_log_locked(open_road, other):
    """In the middle of its claim: as if it had never looked."""
    road = open_road("keyed")
    road.wait_is_over()
    other("deliver", at="P17").await_death()
    assert (road.attempts, road.receiver.requests) == ([], [])
    road.check()


def test_F02_P17_a_worker_that_dies_while_it_settles(open_road, other):
    """The settlement is rolled back whole: the outcome is unknown, as before it."""
    road = open_road("keyed")
    attempt = dies(road, other, "P17:2")
    assert road.receiver.effects == ["v1"]
    assert_taken_up(road, attempt)


def test_F02_P18_a_worker_that_dies_when_all_is_settled(open_road, other):
    road = open_road("keyed")
    road.wait_is_over()
    other("deliver", at="P18").await_death()
    assert road.newest.state == Delivery.State.DELIVERED
    road.drain()
    assert len(road.attempts) == 1
    road.check()


def test_P19_a_withdrawal_that_dies_half_way_changes_nothing(open_road, other):
    road = open_road("keyed")
    road.send()
    other("withdraw", at="P19").await_death()
    assert not Delivery.objects.filter(intent=Delivery.Intent.REMOVE).exists()
    road.publish(2)
    road.check()  # it is agreed to as before, and a withdrawal that is made is carried out


@pytest.mark.parametrize("name", ["keyed", "upsert", "versioned"])
def test_P20_a_worker_that_dies_when_a_removal_was_answered(name, open_road, other):
    road = open_road(name)
    road.send()
    consents.withdraw(road.world.ben, road.destination, basis=BY_LINK)
    dies(road, other, "P20")
    assert road.receiver.effects == ["v1", GONE]
    road.take_over()
    assert road.lane.state == Lane.State.CLOSED
    road.publish(2)
    road.drain()
    assert road.receiver.effects == ["v1", GONE]


def test_F09_what_kills_three_workers_is_quarantined_and_holds_up_nobody_else(
    open_road, elsewhere, other
):
    """While it kills one worker after the other, what Eva is owed goes on at the same destination
    and at another one.
    """
    road = open_road("keyed")
    eva = athlete_at(road, elsewhere)
    for number in (1, 2, 3):
        dies(road, other, "P12")
        world.publish(eva, (world.session("tp-9", title=f"Eva {number}"),))
        while road.due():
            pass
        arrived = [f"Eva {n}" for n in range(1, number + 1)]
        assert (road.receiver.effects, elsewhere.effects) == (arrived, arrived)
        assert road.newest.state == Delivery.State.WAITING
        road.world.make_due()
    road.drain()
    quarantined = road.newest
    assert (quarantined.state, quarantined.reason) == (Delivery.State.DEAD, "crashes")
    road.publish(2)
    road.drain()
    assert road.receiver.effects == [*arrived, "v2"]


@pytest.fixture
def elsewhere():
    """Another destination's inbox."""
    inbox = KeyedInbox()
    yield inbox
    inbox.close()


def athlete_at(road, elsewhere):
    """Eva, who shares her plan with the road's destination and with another one; her plan."""
    studio = road.world
    place = world.make_destination(studio.organisation, studio.ana, kind=elsewhere.kind)
    place.configure(elsewhere.settings())
    place.save()
    fields = dict.fromkeys(world.FIELDS, "training")
    wish = routes.RouteSettings(name="Elsewhere", purpose="training", fields=fields)
    routes.open_route(studio.organisation, place, wish)
    eva = Athlete.objects.create(
        organisation=studio.organisation, name="Eva", time_zone="Europe/Paris", source_id=2
    )
    terms = consent.Terms(fields=world.FIELDS, purpose="carry out the plan")
    for destination in (road.destination, place):
        consents.grant(eva, destination, terms=terms, basis=BY_LINK)
    return Plan.objects.create(athlete=eva, name="Training plan")


# --- a worker that sleeps -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("point", "name"),
    [
        ("P11", "keyed"),
        ("P12", "versioned"),
        ("P13", "upsert"),
        ("P14", "upsert"),
        ("P14", "versioned"),
        ("P15", "keyed"),
        ("P16", "upsert"),
    ],
)
def test_F07_a_worker_that_wakes_after_its_lease_writes_over_nothing(point, name, open_road, other):
    """It sleeps longer than any exchange may last; meanwhile its successor sends what is newer."""
    road = open_road(name)
    road.wait_is_over()
    sleeper = other("deliver", at=f"{point}:1:stop")
    sleeper.await_stop()
    asleep = time.monotonic()
    [attempt] = road.attempts
    road.publish(2)
    road.take_over()
    assert road.receiver.effects[-1] == "v2"
    time.sleep(max(0, asleep + DEADLINE - time.monotonic()))
    sleeper.thaw()
    sleeper.await_end()
    attempt.refresh_from_db()
    assert attempt.outcome.startswith("late_")
    assert road.newest.state == Delivery.State.DELIVERED
    road.check()


def test_F07_P17_whoever_waits_for_the_head_of_the_log_gets_its_turn(open_road, other):
    """Stopped with the head locked, and woken within the patience of those who wait."""
    road = open_road("keyed")
    road.wait_is_over()
    sleeper = other("deliver", at="P17:2:stop")
    sleeper.await_stop()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(publish_and_leave, road, 2)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=1.0)
        sleeper.thaw()
        waiting.result(timeout=DEADLINE + 10)
    sleeper.await_end()
    road.take_over()
    assert road.newest.state == Delivery.State.DELIVERED
    road.check()


def falls_asleep(road, other):
    """A worker stops with the head of the log locked and v1 there; it has a short lease."""
    road.wait_is_over()
    what = "deliver_with_the_limits_of_the_product"
    sleeper = other(what, at="P17:2:stop", BATON_LEASE=LEASE, BATON_SEND_DEADLINE=1.0)
    sleeper.await_stop()
    [attempt] = road.attempts
    assert road.receiver.effects == ["v1"]
    return sleeper, attempt


@on_server
def test_F07_P17_who_sleeps_past_its_lease_with_the_head_locked_is_fenced(open_road, other):
    """The server ends the sleeper's transaction; the lane goes on when the lease is really over.
    Whoever wakes settles once more, finds that it is too late, and writes that and nothing else.
    """
    road = open_road("keyed")
    sleeper, attempt = falls_asleep(road, other)
    road.publish(2)
    assert not road.due()
    ends = road.lane.lease_until
    until(road.due, seconds=LEASE.total_seconds() + 5, why="The lane was not taken over.")
    assert clock.now() > ends
    road.take_over()
    assert road.receiver.effects == ["v1", "v2"]
    before = what_stands(road)
    sleeper.thaw()
    sleeper.await_end()
    assert what_stands(road) == before
    assert road.lane.verify_needed, "a check is asked for"
    attempt.refresh_from_db()
    assert attempt.outcome == "late_success"
    assert road.newest.state == Delivery.State.DELIVERED
    road.check()


def what_stands(road):
    """What an attempt changes that is settled in time."""
    lanes = Lane.objects.values("desired", "settled", "epoch", "due_at", "lease_until", "tries")
    rows = (lanes, Delivery.objects.values(), RemoteRecord.objects.values())
    return [list(kept.order_by("pk")) for kept in rows]


@on_sqlite
def test_F07_P17_who_sleeps_past_its_lease_with_the_head_locked_is_overtaken_by_nobody(
    open_road, other
):
    """The one writer is asleep, so nobody has taken its lane when it wakes: it settles it, late as
    it is, and what waited comes after it.
    """
    road = open_road("keyed")
    sleeper, attempt = falls_asleep(road, other)
    ends = road.lane.lease_until
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(publish_and_leave, road, 2)
        until(lambda: clock.now() > ends, seconds=LEASE.total_seconds() + 5)
        assert not waiting.done()
        sleeper.thaw()
        waiting.result(timeout=DEADLINE + 10)
    sleeper.await_end()
    attempt.refresh_from_db()
    assert attempt.outcome == "success"
    road.drain()
    assert road.receiver.effects == ["v1", "v2"]
    assert len(road.attempts) == 2
    road.check()


def publish_and_leave(road, number):
    """In a thread, with a connection of its own."""
    try:
        road.publish(number)
    finally:
        connection.close()


# --- tokens -----------------------------------------------------------------------------------


@pytest.fixture
def spent(tp, transactional_db):
    """A connection whose token has ended."""
    connection = studio.build(tp).connection
    tp.connect(connection, spent=True)
    return connection


def renewal(tp, other, point):
    where = {"TRAININGPEAKS_API_URL": tp.url, "TRAININGPEAKS_OAUTH_URL": tp.url}
    other("renew", at=point, TRAININGPEAKS_INSECURE_TRANSPORT=True, **where).await_death()
    Connection.objects.update(refresh_lease_until=clock.now())


def test_P08_a_renewal_that_dies_before_it_asks_is_made_by_another(tp, spent, other):
    renewal(tp, other, "P08")
    assert tp.refreshes == 0
    assert tokens.fresh_access_token(spent.pk) == tp.token
    assert tp.refreshes == 1


def test_P09_a_renewal_that_dies_with_the_answer_has_the_coach_connect_again(tp, spent, other):
    """The old token was used up and the new one is lost: the coach is asked, nothing loops."""
    renewal(tp, other, "P09")
    assert tp.refreshes == 1
    tp.refuse_refresh = True  # what a provider that rotates does with a used one
    with pytest.raises(NeedsReauthError):
        tokens.fresh_access_token(spent.pk)
    spent.refresh_from_db()
    assert spent.state == Connection.State.NEEDS_REAUTH


def test_P10_a_renewal_that_dies_when_it_is_stored_is_used_by_the_next(tp, spent, other):
    renewal(tp, other, "P10")
    assert tokens.fresh_access_token(spent.pk) == tp.token
    assert tp.refreshes == 1


# --- keys ---------------------------------------------------------------------------------------


def test_P24_a_change_of_keys_that_dies_half_way_is_run_again(open_road, other, settings):
    road = open_road("keyed")
    road.send()
    newer = {"newer": bytes(range(32, 64))} | settings.BATON_KEYS
    other("rotate", at="P24", BATON_KEYS=newer).await_death()
    settings.BATON_KEYS = newer
    assert rotation.under_old_keys()  # half and half
    other("rotate", BATON_KEYS=newer).await_end()
    assert not rotation.under_old_keys()
    settings.BATON_KEYS = {"newer": newer["newer"]}
    road.publish(2)
    road.check()
