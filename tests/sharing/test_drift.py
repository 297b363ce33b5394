"""Drift: every difference is found, no other is, and the route's policy is applied."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from audit.models import Entry
from destinations import registry
from destinations.errors import (
    AuthorizationError,
    PayloadError,
    ScopeMissingError,
    ThrottledError,
    UnavailableError,
    UnknownOutcomeError,
)
from destinations.models import Destination
from sharing import clock, deliveries, records, retry, routes, stops
from sharing.bulk import limits, putting_back
from sharing.bulk.refusing import NotPossible
from sharing.deliveries import deliver_due
from sharing.drift import asking, checks, repairing, restoring
from sharing.drift.values import unseal
from sharing.drift.words import left_out
from sharing.models import Drift, DriftCheck, Lane, RemoteRecord, Route
from sharing.selectors.drift import kept_lately
from tests.sharing import fake_destination, readable_destination
from tests.sharing import world as worlds
from tests.sharing.world import session

pytestmark = pytest.mark.django_db(transaction=True)
TOMORROW = timedelta(days=1)


@pytest.fixture
def calendar(monkeypatch):
    return readable_destination.install(monkeypatch)


@pytest.fixture
def world(calendar):
    """Ben's plan with three sessions, delivered."""
    world = worlds.build(idempotency_class="upsert")
    world.agree()
    world.publish(*sessions())
    deliver_all()
    calendar.written.clear()
    return world


def sessions(count=3, **first):
    return [session("tp-1", **{"title": "Easy", **first})] + [
        session(f"tp-{n}", title=f"Run {n}") for n in range(2, count + 1)
    ]


def deliver_all():
    while deliver_due("test"):
        pass


def check(world):
    asked = asking.ask(world.destination, by=world.ana)
    while checks.run_due():
        pass
    asked.refresh_from_db()
    return asked


def policy(world, **chosen):
    Route.objects.filter(pk=world.route.pk).update(drift_policy=chosen)


def found():
    return {(row.record.item_key, row.field): row for row in Drift.objects.select_related("record")}


def states():
    return {key: row.state for key, row in found().items()}


def values(key):
    row = Drift.objects.select_related("lane__plan__athlete").get(pk=found()[key].pk)
    return unseal(row).ours, unseal(row).theirs


# --- finding ----------------------------------------------------------------------------------


def test_nothing_differs_after_a_delivery(world):
    done = check(world)
    assert (done.state, done.records_compared, done.unreadable) == ("done", 3, 0)
    assert not Drift.objects.exists()


def test_a_changed_field_is_listed_with_old_new_and_policy(world, calendar):
    calendar.change("tp-2", date="2030-01-01")
    done = check(world)
    assert done.state == "done"
    row = found()["tp-2", "date"]
    assert (row.kind, row.state, row.policy) == ("altered", "open", "ask")
    assert values(("tp-2", "date"))[1] == "2030-01-01"
    assert Entry.objects.filter(action="drift.found").count() == 1
    assert set(found()) == {("tp-2", "date")}


def test_values_are_sealed(world, calendar):
    calendar.change("tp-2", startTime="06:07:00")
    check(world)
    row = found()["tp-2", "start_time"]
    assert b"06:07" not in bytes(row.values)


def test_a_difference_is_listed_once_however_often_it_is_read(world, calendar):
    calendar.change("tp-2", date="2030-01-01")
    policy(world, missing="ask")
    calendar.delete("tp-3")
    for _ in range(3):
        check(world)
    assert states() == {("tp-2", "date"): "open", ("tp-3", ""): "open"}


def test_a_change_that_was_put_back_there_is_gone_by_itself(world, calendar):
    day = calendar.said("tp-2")["date"]
    policy(world, missing="ask")
    calendar.change("tp-2", date="2030-01-01")
    kept = dict(calendar.said("tp-3"))
    calendar.delete("tp-3")
    check(world)
    calendar.change("tp-2", date=day)
    calendar.held["remote-tp-3"] = kept
    check(world)
    assert states() == {("tp-2", "date"): "vanished", ("tp-3", ""): "vanished"}
    check(world)
    assert len(found()) == 2


def test_the_past_is_not_compared(world, calendar):
    RemoteRecord.objects.filter(item_key="tp-1").update(day=clock.now().date() - 2 * TOMORROW)
    calendar.delete("tp-1")
    assert check(world).records_compared == 2
    assert not Drift.objects.exists()


@pytest.mark.parametrize(
    "fault",
    [
        AuthorizationError(http_status=401),
        ScopeMissingError(http_status=403),
        ThrottledError(http_status=429),
        UnavailableError(http_status=503),
        UnknownOutcomeError(http_status=500),
        PayloadError(http_status=400),
        RuntimeError("a fault of the adapter"),
    ],
    ids=lambda fault: type(fault).__name__,
)
@pytest.mark.parametrize("good_answers", [0, 1])
def test_a_read_that_fails_is_never_missing(world, calendar, fault, good_answers):
    calendar.held.clear()  # were it believed, everything would be missing
    calendar.faults.extend([lambda: None] * good_answers + [fault])
    done = check(world)
    assert done.state == "incomplete"
    assert (done.unreadable, done.records_compared) == (1, 0)
    assert done.last_error
    assert not Drift.objects.exists()


def test_what_a_list_leaves_out_is_looked_up(world, calendar):
    calendar.hidden.update({"tp-1", "tp-2"})
    calendar.delete("tp-2")
    done = check(world)
    assert calendar.reads == ["list", "tp-1", "tp-2"]
    assert (done.state, set(found())) == ("done", {("tp-2", "")})


def test_a_destination_that_denies_is_not_asked_again_for_every_lane(world, calendar):
    for _ in range(3):
        another_lane(world)
    calendar.faults.extend([AuthorizationError(http_status=401)] * 9)
    done = check(world)
    assert (done.state, done.last_error, len(calendar.reads)) == ("incomplete", "unauthorized", 1)


def another_lane(world, *plan):
    """One more athlete with a plan at the same destination."""
    athlete = worlds.Athlete.objects.create(
        organisation=world.organisation, name="Dora", time_zone="Europe/Paris"
    )
    other = worlds.Plan.objects.create(athlete=athlete, name="Plan")
    twin = worlds.World(
        world.organisation, world.ana, athlete, world.destination, world.route, other
    )
    twin.agree()
    number = worlds.Plan.objects.count()
    twin.publish(*(plan or [session(f"x-{number}-{n}") for n in range(3)]))
    deliver_all()
    return twin


# --- lanes that are being written ---------------------------------------------------------------


@pytest.mark.parametrize(
    "busy",
    [
        lambda lane, later: Lane.objects.filter(pk=lane.pk).update(lease_until=later),
        lambda lane, later: Lane.objects.filter(pk=lane.pk).update(hold_until=later),
        lambda lane, later: Lane.objects.filter(pk=lane.pk).update(desired=lane.desired + 1),
    ],
    ids=["leased", "held", "owed"],
)
@pytest.mark.parametrize("record", ["present", "uncertain"])
def test_a_lane_that_is_being_written_is_skipped(world, calendar, busy, record):
    world.lane.records.filter(item_key="tp-1").update(state=record)
    busy(world.lane, clock.now() + timedelta(hours=1))
    calendar.held.clear()
    done = check(world)
    assert (done.lanes_read, done.skipped, calendar.reads) == (0, 1, [])
    assert not Drift.objects.exists()
    assert (done.state, done.busy) == ("incomplete", 1)  # so it is looked at again soon


def _owe(lane, due_at):
    Lane.objects.filter(pk=lane.pk).update(desired=lane.desired + 1, due_at=due_at)


def _end_consent(world):
    worlds.consent.ConsentHead.objects.all().delete()


@pytest.mark.parametrize(
    "why",
    [
        _end_consent,
        lambda world: stops.put(world.ben, "pause", reason="On holiday.", by=world.ana),
        lambda world: Route.objects.update(state="paused"),
        lambda world: Lane.objects.update(due_at=clock.now() + 3 * TOMORROW),
    ],
    ids=["no consent", "stopped", "route paused", "owed next week"],
)
def test_what_cannot_be_read_soon_is_not_looked_at_again_before_the_next_night(world, why):
    _owe(world.lane, clock.now())
    why(world)
    done = check(world)
    assert (done.state, done.skipped, done.busy) == ("done", 1, 0)


def test_a_doubt_about_a_day_gone_by_keeps_no_lane_from_being_read(world):
    world.lane.records.filter(item_key="tp-1").update(
        state="uncertain", day=clock.now().date() - 2 * TOMORROW
    )
    assert check(world).records_compared == 2


def given_up(world, calendar):
    """The last delivery failed for good: what is there is what was delivered before."""
    calendar.refuse_writes.append(worlds_unsupported())
    world.publish(*sessions(title="Harder"))
    deliver_all()
    assert world.lane.state == "dead"


def test_a_lane_that_was_given_up_is_compared_with_what_was_delivered_there(world, calendar):
    given_up(world, calendar)
    calendar.change("tp-2", title="My own title")
    done = check(world)
    assert (done.state, done.records_compared, done.skipped) == ("done", 3, 0)
    assert states() == {("tp-2", "title"): "open"}
    deliver_all()
    assert (calendar.written, world.lane.state) == ([], "dead")  # a person delivers there again


def test_a_person_puts_back_what_differs_where_a_delivery_was_given_up(world, calendar):
    given_up(world, calendar)
    calendar.change("tp-2", title="My own title")
    check(world)
    repairing.repair(found()["tp-2", "title"], world.ana)
    deliver_all()
    assert states() == {("tp-2", "title"): "repaired"}
    assert (calendar.said("tp-1")["title"], world.lane.state) == ("Harder", "active")


def test_a_change_that_the_route_keeps_is_kept_where_a_delivery_was_given_up(world, calendar):
    policy(world, date="keep")
    given_up(world, calendar)
    calendar.change("tp-2", date="2030-01-01")
    check(world)
    assert states() == {("tp-2", "date"): "kept"}


def test_what_was_lost_where_a_delivery_was_given_up_waits_for_no_confirmation(world, calendar):
    another_lane(world, *[session(f"x-{n}") for n in range(9)])
    given_up(world, calendar)
    calendar.held.clear()
    check(world)
    assert set(states().values()) == {"open"}
    waiting = restoring.waiting_for_confirmation(world.destination)
    assert set(waiting.values_list("record__item_key", flat=True)) == {f"x-{n}" for n in range(9)}


def test_what_was_lost_where_a_delivery_was_given_up_stops_no_repair_elsewhere(world, calendar):
    policy(world, missing="ask")
    world.publish(*sessions(14))
    deliver_all()
    given_up(world, calendar)
    calendar.delete(*[f"tp-{n}" for n in range(1, 15)])
    another_lane(world, *[session(f"x-{n}", title=f"Run {n}") for n in range(3)])
    for _ in range(2):  # what was lost is still lost in the second night
        calendar.change("x-1", title="Their own title")
        check(world)
        deliver_all()
        assert calendar.said("x-1")["title"] == "Run 1"
    lost = [state for (key, _), state in states().items() if key.startswith("tp-")]
    assert (lost, world.lane.state) == (["open"] * 14, "dead")


def test_what_was_lost_where_a_delivery_was_given_up_is_not_kept_as_if_it_were_meant(
    world, calendar
):
    policy(world, missing="keep")
    world.publish(*sessions(14))
    deliver_all()
    given_up(world, calendar)
    calendar.delete(*[f"tp-{n}" for n in range(1, 15)])
    check(world)
    assert set(states().values()) == {"open"}


@pytest.mark.parametrize(
    ("state", "record", "counted"),
    [("dead", "uncertain", (1, 0)), ("unknown", "present", (0, 1))],
    ids=["given up", "in doubt"],
)
def test_what_waits_for_a_person_is_counted_as_left_out(world, calendar, state, record, counted):
    Lane.objects.update(state=state)
    RemoteRecord.objects.update(state=record)
    calendar.held.clear()
    done = check(world)
    assert (done.state, done.lanes_read, calendar.reads) == ("done", 0, [])
    assert (done.skipped, done.busy, done.given_up, done.in_doubt) == (1, 0, *counted)
    assert not Drift.objects.exists()


@pytest.mark.parametrize("doubtful", [["tp-1"], ["tp-1", "tp-2", "tp-3"]], ids=["one", "all"])
def test_a_doubt_that_nothing_under_way_ends_is_not_said_to_be_written(world, calendar, doubtful):
    RemoteRecord.objects.filter(item_key__in=doubtful).update(state="uncertain")
    calendar.held.clear()
    done = check(world)
    assert (done.state, done.lanes_read, done.busy, done.in_doubt) == ("done", 0, 0, 1)
    assert left_out(done) == "1 plan was not compared: 1 in doubt."
    assert (calendar.reads, Drift.objects.count()) == ([], 0)


def test_a_plan_that_is_over_is_not_counted_as_left_out(world, calendar):
    Lane.objects.update(state="unknown")
    RemoteRecord.objects.update(day=clock.now().date() - 2 * TOMORROW)
    done = check(world)
    assert (done.state, done.skipped, calendar.reads) == ("done", 0, [])


def test_a_lane_whose_consent_ended_is_not_read(world, calendar):
    worlds.consent.ConsentHead.objects.all().delete()
    check(world)
    assert calendar.reads == []


@pytest.mark.parametrize(("mode", "read"), [("kill", 0), ("pause", 1), ("drain", 1)])
def test_a_kill_switch_ends_reading_too(world, calendar, mode, read):
    stops.put(world.destination, mode, reason="They asked us to.", by=world.ana)
    done = check(world)
    assert (done.lanes_read, done.skipped, len(calendar.reads)) == (read, 1 - read, read)


def test_a_repair_waits_behind_a_stop(world, calendar):
    calendar.change("tp-1", title="My own title")
    check(world)
    stop = stops.put(world.ben, "pause", reason="On holiday.", by=world.ana)
    deliver_all()
    assert calendar.written == []
    stops.lift(stop, by=world.ana)
    deliver_all()
    assert (calendar.written, set(states().values())) == ([("update", "tp-1")], {"repaired"})


def test_a_delivery_between_reading_and_comparing_makes_no_false_drift(world, calendar):
    def meanwhile():
        world.publish(*sessions(title="Changed by the coach"))
        deliver_all()
        calendar.change("tp-1", title="Easy")  # what the reader was shown: as it was before

    calendar.faults.append(meanwhile)
    done = check(world)
    assert (done.state, done.lanes_read, done.busy) == ("incomplete", 0, 1)
    assert not Drift.objects.exists()


# --- the check itself --------------------------------------------------------------------------


def test_a_check_goes_on_where_a_killed_worker_stopped(world, calendar):
    """The worker dies in the second lane; the next one compares it and the third, once each."""
    for _ in range(2):
        another_lane(world)
    calendar.faults.extend([lambda: None, KeyboardInterrupt()])
    asked = asking.ask(world.destination)
    with pytest.raises(KeyboardInterrupt):
        checks.run_due()
    asked.refresh_from_db()
    assert (asked.state, asked.lanes_read) == ("running", 1)
    assert not checks.run_due()  # its lease still runs
    DriftCheck.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    calendar.reads.clear()
    while checks.run_due():
        pass
    asked.refresh_from_db()
    assert (asked.state, asked.lanes_read, calendar.reads) == ("done", 3, ["list", "list"])
    assert asked.records_compared == 9


def test_a_lane_that_kills_three_workers_in_a_row_is_left_out(world, calendar):
    """The two beside it are compared; what was left out makes the check incomplete."""
    for _ in range(2):
        another_lane(world)
    calendar.faults.extend([lambda: None, *[KeyboardInterrupt()] * retry.CRASHES])
    asked = asking.ask(world.destination)
    for _ in range(retry.CRASHES):
        with pytest.raises(KeyboardInterrupt):
            checks.run_due()
        DriftCheck.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    while checks.run_due():
        pass
    asked.refresh_from_db()
    assert (asked.state, asked.lanes_read, asked.unreadable) == ("incomplete", 2, 1)
    assert asked.last_error == "reader_crashed"


def test_a_worker_that_lost_its_lease_writes_nothing(world, calendar):
    calendar.delete("tp-1")

    def taken_over():
        DriftCheck.objects.update(epoch=99)

    calendar.faults.append(taken_over)
    asked = asking.ask(world.destination)
    checks.run_due()
    asked.refresh_from_db()
    assert (asked.state, asked.lanes_read) == ("running", 0)
    assert not Drift.objects.exists()


def test_one_check_at_a_time(world):
    assert asking.ask(world.destination).pk == asking.ask(world.destination).pk


def test_an_open_breaker_puts_the_check_off(world, calendar):
    later = clock.now() + timedelta(minutes=5)
    Destination.objects.update(
        breaker_state="open", breaker_opened_at=clock.now(), breaker_until=later
    )
    asked = asking.ask(world.destination)
    assert checks.run_due()
    asked.refresh_from_db()
    assert (asked.state, calendar.reads) == ("running", [])
    assert asked.due_at >= later - timedelta(seconds=5)
    assert not checks.run_due()


def test_the_rate_limit_puts_the_check_off(world, calendar):
    checks.turns.hold(world.destination.pk, timedelta(minutes=3))
    asked = asking.ask(world.destination)
    assert checks.run_due()
    asked.refresh_from_db()
    assert (asked.state, asked.unreadable, calendar.reads) == ("running", 0, [])
    assert not checks.run_due()


def test_a_pause_that_a_reading_was_asked_for_holds_deliveries_too(world, calendar):
    calendar.faults.append(ThrottledError(http_status=429, retry_after=timedelta(minutes=2)))
    check(world)
    assert checks.turns.take(world.destination) > timedelta(minutes=1)


def test_a_destination_that_is_paused_is_not_read(world, calendar):
    asked = asking.ask(world.destination)
    Destination.objects.update(state="paused")
    checks.run_due()
    asked.refresh_from_db()
    assert (asked.state, calendar.reads) == ("incomplete", [])
    with pytest.raises(asking.Refused):
        asking.ask(Destination.objects.get())


def test_every_destination_is_checked_once_a_day_and_sooner_after_an_incomplete_one(world):
    assert asking.ask_due() == 0  # it is new
    Destination.objects.update(created_at=clock.now() - timedelta(days=2))
    assert [asking.ask_due(), asking.ask_due()] == [1, 0]
    checks.run_due()
    assert asking.ask_due() == 0
    DriftCheck.objects.update(asked_at=clock.now() - timedelta(hours=4))
    assert asking.ask_due() == 0
    DriftCheck.objects.update(state="incomplete")
    assert asking.ask_due() == 1


# --- policy -------------------------------------------------------------------------------------


def test_f45_source_wins_by_default_and_only_what_differs_is_written(world, calendar):
    calendar.change("tp-2", title="My own title")
    calendar.delete("tp-3")
    check(world)
    assert states() == {("tp-2", "title"): "repairing", ("tp-3", ""): "repairing"}
    deliver_all()
    assert sorted(calendar.written) == [("create", "tp-3"), ("update", "tp-2")]
    assert set(states().values()) == {"repaired"}
    assert calendar.said("tp-2")["title"] == "Run 2"
    check(world)
    assert set(states().values()) == {"repaired"}
    assert Entry.objects.filter(action__in=["drift.repair", "drift.repaired"]).count() == 4


def test_a_repair_is_no_repetition_of_what_was_written_before(world, calendar):
    """A destination that honours keys would ignore the same key."""
    calendar.change("tp-2", title="My own title")
    before = list(calendar.keys)
    check(world)
    deliver_all()
    assert not set(calendar.keys[len(before) :]) & set(before)


def test_f45_a_moved_day_is_kept_while_the_coach_changes_other_things(world, calendar):
    policy(world, date="keep")
    calendar.change("tp-1", date="2030-01-01")
    check(world)
    assert states() == {("tp-1", "date"): "kept"}
    world.publish(*sessions(title="Harder"))
    deliver_all()
    assert (calendar.said("tp-1")["date"], calendar.said("tp-1")["title"]) == (
        "2030-01-01",
        "Harder",
    )
    check(world)
    assert states() == {("tp-1", "date"): "kept"}


def test_a_kept_day_ends_when_the_coach_changes_that_very_day(world, calendar):
    policy(world, date="keep")
    calendar.change("tp-1", date="2030-01-01")
    check(world)
    day = clock.now().date() + timedelta(days=3)
    world.publish(*sessions(day=day))
    deliver_all()
    assert calendar.said("tp-1")["date"] == day.isoformat()
    assert states() == {("tp-1", "date"): "repaired"}
    check(world)
    assert states() == {("tp-1", "date"): "repaired"}


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"load": "ask"}, "not compared"),
        ({"date": "sometimes"}, "Choose one of these"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(world, chosen, words):
    wish = routes.RouteSettings(name="Everyone", purpose="training", drift_policy=chosen)
    with pytest.raises(ValidationError, match=words):
        routes.change(world.route, wish)


def test_there_is_no_policy_where_nothing_can_be_read_back(world, monkeypatch):
    fake_destination.install(monkeypatch)
    wish = routes.RouteSettings(name="Everyone", purpose="training", drift_policy={"date": "ask"})
    with pytest.raises(ValidationError, match="cannot be read back"):
        routes.change(world.route, wish)


def test_a_coach_who_moves_the_session_where_the_athlete_did_ends_the_difference(world, calendar):
    day = clock.now().date() + timedelta(days=3)
    calendar.change("tp-1", date=day.isoformat())
    check(world)
    world.publish(*sessions(day=day))
    deliver_all()
    assert (calendar.written, states()) == ([], {("tp-1", "date"): "vanished"})


def test_a_preview_changes_nothing_of_what_is_kept(world, calendar):
    policy(world, date="keep")
    calendar.change("tp-1", date="2030-01-01")
    check(world)
    world.publish(*sessions(day=clock.now().date() + timedelta(days=3)))
    delivery = world.deliveries()[-1]
    delivery.lane = lane = world.lane
    adapter = registry.adapter_for(world.destination)
    steps = deliveries.steps_to_take(lane, delivery, worlds.FIELDS, adapter)
    assert [step.item_key for step in steps] == ["tp-1"]
    assert states() == {("tp-1", "date"): "kept"}


def test_nothing_is_written_for_what_is_kept(world, calendar):
    policy(world, date="keep", missing="keep")
    calendar.change("tp-1", date="2030-01-01")
    calendar.delete("tp-2")
    check(world)
    world.publish(*sessions())
    deliver_all()
    assert calendar.written == []
    assert states() == {("tp-1", "date"): "kept", ("tp-2", ""): "kept"}


def test_a_deleted_session_that_is_kept_comes_back_when_the_coach_changes_it(world, calendar):
    policy(world, missing="keep")
    calendar.delete("tp-1")
    check(world)
    world.publish(*sessions(title="Now different"))
    deliver_all()
    assert calendar.said("tp-1")["title"] == "Now different"
    assert states() == {("tp-1", ""): "repaired"}


def test_what_waits_for_a_person_is_not_overwritten_meanwhile(world, calendar):
    calendar.change("tp-1", date="2030-01-01")
    check(world)
    world.publish(*sessions(title="Harder"))
    deliver_all()
    assert calendar.said("tp-1")["date"] == "2030-01-01"
    repairing.repair(found()["tp-1", "date"], world.ana)
    deliver_all()
    assert calendar.said("tp-1")["date"] != "2030-01-01"
    assert states() == {("tp-1", "date"): "repaired"}


def test_a_person_keeps_and_a_kept_change_can_still_be_repaired(world, calendar):
    calendar.change("tp-1", date="2030-01-01")
    check(world)
    row = repairing.keep(found()["tp-1", "date"], world.ana)
    assert (row.state, row.settled_by) == ("kept", world.ana)
    repairing.repair(row, world.ana)
    deliver_all()
    assert states() == {("tp-1", "date"): "repaired"}
    with pytest.raises(repairing.Refused):
        repairing.keep(row, world.ana)


def test_a_kept_change_that_is_changed_again_asks_again(world, calendar):
    calendar.change("tp-1", date="2030-01-01")
    check(world)
    repairing.keep(found()["tp-1", "date"])
    calendar.change("tp-1", date="2030-02-02")
    check(world)
    assert states() == {("tp-1", "date"): "open"}
    assert values(("tp-1", "date"))[1] == "2030-02-02"


def test_a_change_that_the_route_keeps_is_told_again_when_it_is_changed_again(world, calendar):
    policy(world, date="keep")
    calendar.change("tp-1", date="2030-01-01")
    check(world)
    days_pass()
    calendar.change("tp-1", date="2030-02-02")
    check(world)
    row = kept_lately(world.ana, clock.now() - TOMORROW).get()
    assert (row.state, values(("tp-1", "date"))[1]) == ("kept", "2030-02-02")
    assert told_of(row) == ["drift.found", "drift.keep"] * 2


@pytest.mark.parametrize("known", ["as it is there", "as it was written"])
def test_a_kept_change_that_nobody_touches_is_told_once(world, calendar, known):
    policy(world, date="keep")
    day = calendar.said("tp-1")["date"]
    calendar.change("tp-1", date="2030-01-01")
    check(world)
    days_pass()
    if known == "as it was written":
        record = found()["tp-1", "date"].record
        records.know(world.lane, record, {**records.body_of(record), "date": day})
    check(world)
    assert states() == {("tp-1", "date"): "kept"}
    assert not kept_lately(world.ana, clock.now() - TOMORROW).exists()
    assert told_of(found()["tp-1", "date"]) == ["drift.found", "drift.keep"]


def test_what_a_person_kept_and_the_route_keeps_anew_is_told(world, calendar):
    calendar.change("tp-1", date="2030-01-01")
    check(world)
    repairing.keep(found()["tp-1", "date"], world.ana)
    policy(world, date="keep")
    calendar.change("tp-1", date="2030-02-02")
    check(world)
    assert kept_lately(world.ana, clock.now() - TOMORROW).count() == 1


def test_a_kept_change_that_becomes_one_we_cannot_write_waits_for_a_person(
    world, calendar, monkeypatch
):
    monkeypatch.setitem(registry.ADAPTERS, "fake", StrictAdapter)
    policy(world, title="keep")
    calendar.change("tp-1", title="Mine")
    check(world)
    assert states() == {("tp-1", "title"): "kept"}
    calendar.change("tp-1", title="")
    check(world)
    assert states() == {("tp-1", "title"): "open"}


def days_pass():
    """More of them than Home tells for that something was kept."""
    Drift.objects.update(settled_at=clock.now() - 5 * TOMORROW)


def told_of(row):
    """What the log says of a difference, in order."""
    said = Entry.objects.filter(action__startswith="drift.").order_by("seq")
    return [entry.action for entry in said if str(row.pk).encode() in bytes(entry.body)]


def test_undoing_a_repair_writes_back_what_was_read(world, calendar):
    calendar.change("tp-2", title="My own title")
    check(world)
    deliver_all()
    repairing.undo(found()["tp-2", "title"], world.ana)
    deliver_all()
    assert calendar.said("tp-2")["title"] == "My own title"
    assert states() == {("tp-2", "title"): "kept"}
    assert Entry.objects.filter(action="drift.undo").exists()
    check(world)
    assert states() == {("tp-2", "title"): "kept"}


def test_undoing_the_repair_of_a_missing_session_takes_it_away_again(world, calendar):
    calendar.delete("tp-2")
    check(world)
    deliver_all()
    repairing.undo(found()["tp-2", ""], world.ana)
    deliver_all()
    assert "remote-tp-2" not in calendar.held
    assert states() == {("tp-2", ""): "kept"}
    world.publish(*sessions())
    deliver_all()
    assert "remote-tp-2" not in calendar.held


def test_no_repair_without_consent(world, calendar):
    calendar.change("tp-1", date="2030-01-01")
    check(world)
    worlds.consent.ConsentHead.objects.all().delete()
    with pytest.raises(repairing.Refused, match="consent"):
        repairing.repair(found()["tp-1", "date"])


def test_a_repair_whose_delivery_fails_for_good_is_open_again(world, calendar):
    calendar.refuse_writes.extend([worlds_unsupported()])
    calendar.change("tp-2", title="My own title")
    check(world)
    deliver_all()
    assert states() == {("tp-2", "title"): "repairing"}
    restoring.repair_due()
    assert states() == {("tp-2", "title"): "open"}


def worlds_unsupported():
    from destinations.errors import UnsupportedPlanError

    return UnsupportedPlanError()


def test_a_repair_is_not_undone_over_what_the_coach_changed_since(world, calendar):
    calendar.change("tp-1", title="My own title")
    check(world)
    deliver_all()
    world.publish(*sessions(title="Newest"))
    deliver_all()
    with pytest.raises(repairing.Refused, match="newest plan counts"):
        repairing.undo(found()["tp-1", "title"], world.ana)
    deliver_all()
    assert calendar.said("tp-1")["title"] == "Newest"


class StrictAdapter(readable_destination.ReadableAdapter):
    """It takes no session without a title."""

    schema = {"properties": {"title": {"type": "string", "minLength": 1}}}


def test_a_moved_day_is_held_although_the_title_there_cannot_be_written(
    world, calendar, monkeypatch
):
    monkeypatch.setitem(registry.ADAPTERS, "fake", StrictAdapter)
    policy(world, title="ask")
    calendar.change("tp-1", date="2030-01-01", title="")
    check(world)
    assert states() == {("tp-1", "date"): "open", ("tp-1", "title"): "open"}
    world.publish(*sessions(seconds=5400))
    deliver_all()
    shown = calendar.said("tp-1")
    assert (shown["date"], shown["title"], shown["durationSeconds"]) == ("2030-01-01", "Easy", 5400)
    assert states() == {("tp-1", "date"): "open", ("tp-1", "title"): "repaired"}


def test_each_change_is_kept_or_refused_by_itself(world, calendar, monkeypatch):
    monkeypatch.setitem(registry.ADAPTERS, "fake", StrictAdapter)
    policy(world, title="ask")
    calendar.change("tp-1", date="2030-01-01", title="")
    check(world)
    with pytest.raises(repairing.Refused, match="cannot write this value"):
        repairing.keep(found()["tp-1", "title"], world.ana)
    repairing.keep(found()["tp-1", "date"], world.ana)
    assert states() == {("tp-1", "date"): "kept", ("tp-1", "title"): "open"}


def test_what_nobody_decided_before_its_day_stays_and_is_not_overwritten_later(world, calendar):
    policy(world, missing="ask")
    calendar.change("tp-1", date="2030-01-01")
    calendar.delete("tp-2")
    check(world)
    RemoteRecord.objects.update(day=clock.now().date() - 3 * TOMORROW)
    check(world)
    assert states() == {("tp-1", "date"): "kept", ("tp-2", ""): "kept"}
    calendar.written.clear()
    world.publish(*sessions())
    deliver_all()
    assert calendar.written == []


# --- a destination that lost its data ------------------------------------------------------------


def test_f44_lost_data_waits_for_one_confirmation_and_then_comes_back(world, calendar):
    for _ in range(2):
        another_lane(world)
    before = {key: dict(body) for key, body in calendar.held.items()}
    calendar.held.clear()
    calendar.written.clear()
    check(world)
    deliver_all()
    assert calendar.written == []
    assert set(states().values()) == {"open"}
    check(world)  # the next night asks no second time and repairs nothing either
    assert (len(found()), set(states().values())) == (9, {"open"})
    assert restoring.restore(world.destination, world.ana) == 9
    restoring.repair_due()
    deliver_all()
    assert calendar.held == before
    assert set(states().values()) == {"repaired"}
    assert check(world).state == "done"


def test_f44_to_restore_what_was_lost_moves_nobodys_own_days_back(world, calendar):
    policy(world, date="keep", missing="keep")
    for _ in range(2):
        another_lane(world)
    keys = [key.removeprefix("remote-") for key in calendar.held]
    for key in keys[:6]:
        calendar.change(key, date="2030-01-01")
    calendar.delete(*keys[6:])
    calendar.written.clear()
    check(world)
    assert set(states().values()) == {"open"}
    assert restoring.restore(world.destination, world.ana) == len(keys) - 6
    restoring.repair_due()
    deliver_all()
    assert len(calendar.held) == len(keys)
    assert sum(item["date"] == "2030-01-01" for item in calendar.held.values()) == 6


def lose_three_plans(world, calendar):
    for _ in range(2):
        another_lane(world)
    calendar.held.clear()
    check(world)


@pytest.mark.parametrize(
    ("limit", "lanes_of_an_admin", "asked"),
    [(2, 3, "an owner or admin"), (2, 2, "an owner")],
    ids=["an admin may", "only an owner may"],
)
def test_f44_more_plans_than_a_role_may_move_alone_are_not_restored(
    world, calendar, monkeypatch, limit, lanes_of_an_admin, asked
):
    monkeypatch.setitem(limits.ALONE, "coach", limit)
    monkeypatch.setitem(limits.ALONE, "admin", lanes_of_an_admin)
    lose_three_plans(world, calendar)
    with pytest.raises(NotPossible) as refused:
        putting_back.restore(world.destination, world.ana)
    assert "write to 3 plans at once, more than you may alone" in str(refused.value)
    assert f"Ask {asked} to restore them, or put differences back one by one." in str(refused.value)
    assert set(states().values()) == {"open"}
    assert not Entry.objects.filter(action="drift.restore").exists()


def test_f44_the_limit_counts_plans_and_not_their_sessions(world, calendar, monkeypatch):
    monkeypatch.setitem(limits.ALONE, "coach", 3)
    lose_three_plans(world, calendar)
    assert putting_back.restore(world.destination, world.ana) == 9


def test_f44_what_one_person_restores_within_an_hour_adds_up(world, calendar, monkeypatch):
    monkeypatch.setitem(limits.ALONE, "coach", 3)
    lose_three_plans(world, calendar)
    assert putting_back.restore(world.destination, world.ana) == 9
    restoring.repair_due()
    deliver_all()
    calendar.held.clear()
    check(world)
    with pytest.raises(NotPossible, match="3 plans at once, after 3 within the last hour"):
        putting_back.restore(world.destination, world.ana)
    monkeypatch.setattr(limits, "WITHIN", timedelta(0))
    assert putting_back.why_not(world.destination, world.ana) == ""


def test_who_answers_for_a_destination_restores_it_within_a_limit(world, calendar, monkeypatch):
    lose_three_plans(world, calendar)
    world.ana.memberships.update(role="destination_owner")
    assert putting_back.why_not(world.destination, world.ana) == ""
    monkeypatch.setitem(limits.ALONE, "destination_owner", 2)
    with pytest.raises(NotPossible, match=r"Ask an owner or admin to restore them\.$"):
        putting_back.restore(world.destination, world.ana)  # sees no difference to put back


def test_five_missing_sessions_are_no_mass_change(world, calendar):
    another_lane(world)
    calendar.delete("tp-1", "tp-2", "tp-3", *[k[7:] for k in list(calendar.held)[3:5]])
    check(world)
    assert set(states().values()) == {"repairing"}


# --- stops and order ------------------------------------------------------------------------------


def test_a_repair_waits_while_its_route_is_paused_and_then_brings_the_newest(world, calendar):
    calendar.change("tp-1", title="My own title")
    Route.objects.filter(pk=world.route.pk).update(state="paused")
    check(world)
    deliver_all()
    assert (calendar.written, states()) == ([], {("tp-1", "title"): "repairing"})
    world.publish(*sessions(title="Newest"))
    Route.objects.filter(pk=world.route.pk).update(state="active")
    deliver_all()
    assert calendar.written == [("update", "tp-1")]
    assert calendar.said("tp-1")["title"] == "Newest"
    assert states() == {("tp-1", "title"): "repaired"}


def test_a_repair_on_its_way_is_blocked_when_the_consent_ends(world, calendar):
    calendar.change("tp-1", title="My own title")
    check(world)
    worlds.consent.ConsentHead.objects.all().delete()
    deliver_all()
    assert calendar.written == []
    assert world.deliveries()[-1].reason == "no_consent"
    restoring.repair_due()
    assert states() == {("tp-1", "title"): "open"}


# --- withdrawal ----------------------------------------------------------------------------------


def test_what_is_taken_back_differs_no_more(world, calendar):
    calendar.change("tp-1", date="2030-01-01")
    check(world)
    world.publish(session("tp-2", title="Run 2"))
    deliver_all()
    assert states() == {("tp-1", "date"): "vanished"}
