"""Stops: each scope and mode, effective at once, nothing lost, and everything goes when lifted."""

import threading
import time
from collections import Counter
from urllib.parse import urlsplit

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from accounts import consent
from accounts.models import Athlete, Cohort, Membership, Organisation, User
from audit.models import Entry
from destinations.errors import UnavailableError, UnknownOutcomeError
from sharing import claims, clock, consents, deliveries, feeds, outcomes, routes, stops
from sharing.ledger import lanes_with_a_gap, ledger
from sharing.models import Attempt, Delivery, Plan, RemoteRecord, Stop
from sharing.stops import covering, scopes
from tests.sharing.test_concurrency import together
from tests.sharing.world import FIELDS, build, make_destination, publish, session

pytestmark = pytest.mark.django_db(transaction=True)

SCOPES = ["everything", "organisation", "destination", "route", "cohort", "athlete"]
BY_LINK = consent.Basis(kind="athlete_link")
AT_ONCE = 6  # calls that a destination answers before the kill switch is thrown


@pytest.fixture
def eve(studio):
    """Ana's other athlete, in no cohort."""
    athlete = Athlete.objects.create(
        organisation=studio.organisation, name="Eve", time_zone="Europe/Paris", source_id=2
    )
    terms = consent.Terms(fields=FIELDS, purpose="training")
    consent.decide(athlete, studio.destination.pk, "granted", consent.Basis(), terms)
    return Plan.objects.create(athlete=athlete, name="Eve's plan")


def work(times=20):
    done = 0
    while done < times and deliveries.deliver_due("worker"):
        done += 1
    return done


def target(world, scope):
    if scope == "cohort":
        cohort, _ = Cohort.objects.get_or_create(organisation=world.organisation, name="Squad")
        cohort.athletes.add(world.ben)
        return cohort
    return {
        "everything": None,
        "organisation": world.organisation,
        "destination": world.destination,
        "route": world.route,
        "athlete": world.ben,
    }[scope]


def put(world, scope="athlete", mode="pause"):
    return stops.put(target(world, scope), mode, reason="Wrong week", by=world.ana)


# --- each scope and mode ----------------------------------------------------------------------


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("mode", ["pause", "kill"])
def test_what_is_stopped_is_not_claimed_and_goes_when_it_is_lifted(studio, inbox, scope, mode):
    stop = put(studio, scope, mode)
    studio.publish()
    assert work() == 0
    assert not Attempt.objects.exists()
    assert studio.states() == ["waiting"]
    stops.lift(stop, by=studio.ana)
    work()
    assert studio.states() == ["delivered"]
    assert len(inbox.arrived) == 1


@pytest.mark.parametrize("scope", SCOPES)
def test_a_drain_lets_out_what_waits_and_holds_what_is_newer(studio, inbox, scope):
    studio.publish(session("tp-1", title="Old"))
    stop = put(studio, scope, "drain")
    studio.publish(session("tp-1", title="Newer"))
    studio.publish(session("tp-1", title="Newest"))
    work()
    assert inbox.held["tp-1"]["title"] == "Old"
    assert studio.states() == ["delivered", "superseded", "waiting"]
    assert work() == 0
    stops.lift(stop)
    work()
    assert inbox.held["tp-1"]["title"] == "Newest"
    assert studio.states() == ["delivered", "superseded", "delivered"]
    assert lanes_with_a_gap() == []


def test_a_drain_over_a_lane_that_owes_nothing_begins_nothing(studio, inbox):
    put(studio, "destination", "drain")
    studio.publish()
    assert work() == 0
    assert inbox.arrived == []


def test_where_every_version_is_wanted_a_drain_lets_out_all_that_waited(inbox):
    world = build(delivery_mode="every")
    world.agree()
    for title in ("One", "Two"):
        world.publish(session("tp-1", title=title))
    put(world, "destination", "drain")
    world.publish(session("tp-1", title="Three"))
    work()
    assert [step.item.body["title"] for step in inbox.arrived] == ["One", "Two"]


def test_when_a_drain_is_lifted_early_the_latest_wins(studio, inbox):
    studio.publish(session("tp-1", title="Old"))
    stop = put(studio, "route", "drain")
    studio.publish(session("tp-1", title="New"))
    stops.lift(stop)
    work()
    assert [step.item.body["title"] for step in inbox.arrived] == ["New"]
    assert studio.states() == ["superseded", "delivered"]


def test_a_stop_holds_nobody_else(studio, inbox, eve):
    for scope in ("cohort", "athlete"):
        stop = put(studio, scope, "kill")
        inbox.arrived.clear()
        studio.publish()
        publish(eve, [session("tp-9", title=scope)])
        work()
        assert {step.plan_id for step in inbox.arrived} == {str(eve.pk)}, scope
        stops.lift(stop)
        work()


def test_a_stop_of_one_destination_leaves_the_others_at_work(studio, inbox):
    other = make_destination(studio.organisation, studio.ana)
    with_consent = consent.Terms(fields=FIELDS, purpose="training")
    consent.decide(studio.ben, other.pk, "granted", consent.Basis(), with_consent)
    wish = routes.RouteSettings(name="Other", purpose="x", fields=dict.fromkeys(FIELDS, "x"))
    routes.open_route(studio.organisation, other, wish)
    put(studio, "destination", "kill")
    studio.publish()
    work()
    landed = Delivery.objects.filter(state="delivered").values_list("lane__destination", flat=True)
    assert list(landed) == [other.pk]


def test_another_studio_goes_on(studio, inbox):
    theirs = build()
    theirs.agree()
    put(studio, "organisation", "kill")
    studio.publish()
    theirs.publish()
    work()
    assert (studio.states(), theirs.states()) == (["waiting"], ["delivered"])


def test_two_stops_over_one_lane_must_both_be_lifted(studio, inbox):
    first, second = put(studio, "athlete"), put(studio, "destination", "kill")
    studio.publish()
    stops.lift(first)
    assert work() == 0
    stops.lift(second)
    work()
    assert studio.states() == ["delivered"]


def test_who_leaves_a_stopped_cohort_is_held_no_more(studio, inbox):
    stop = put(studio, "cohort")
    studio.publish()
    stop.cohort.athletes.clear()
    work()
    assert studio.states() == ["delivered"]


def test_what_is_to_be_taken_back_waits_too_and_is_taken_back_afterwards(studio, inbox):
    studio.publish()
    work()
    stop = put(studio, "everything", "kill")
    consents.withdraw(studio.ben, studio.destination, basis=BY_LINK)
    assert work() == 0
    stops.lift(stop)
    work()
    assert inbox.held == {"tp-1": None}


# --- effective at once ------------------------------------------------------------------------


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("mode", ["pause", "kill"])
def test_a_stop_between_claim_and_send_lets_nothing_leave(studio, inbox, scope, mode):
    studio.publish()
    claim = claims.claim("worker")
    before = studio.lane
    stop = put(studio, scope, mode)
    result = deliveries.send(claim)
    outcomes.settle(claim.lane, claim.attempt, result)
    assert inbox.arrived == []
    assert Attempt.objects.get().outcome == "held"
    lane = studio.lane
    assert (lane.tries, lane.due_at) == (0, before.due_at)
    assert (studio.states(), studio.deliveries()[0].reason) == (["waiting"], "")
    assert work() == 0
    stops.lift(stop)
    work()
    assert studio.states() == ["delivered"]


def test_what_was_claimed_before_a_drain_still_goes(studio, inbox):
    studio.publish()
    claim = claims.claim("worker")
    put(studio, "destination", "drain")
    assert deliveries.send(claim) is None
    assert len(inbox.arrived) == 1


@pytest.mark.parametrize("scope", SCOPES)
def test_the_kill_switch_stops_between_two_calls_and_the_rest_goes_later(studio, inbox, scope):
    held = []
    inbox.answers.append(lambda _: held.append(put(studio, scope, "kill")))
    studio.publish(session("tp-1"), session("tp-2"), session("tp-3"))
    deliveries.deliver_due("worker")
    assert inbox.actions() == [("create", "tp-1")]
    assert work() == 0
    stops.lift(held[0])
    work()
    assert inbox.actions() == [("create", "tp-1"), ("create", "tp-2"), ("create", "tp-3")]
    assert studio.states() == ["delivered"]


@pytest.mark.parametrize("mode", ["pause", "drain"])
def test_what_is_under_way_is_finished_unless_the_switch_is_killed(studio, inbox, mode):
    inbox.answers.append(lambda _: put(studio, "destination", mode))
    studio.publish(session("tp-1"), session("tp-2"))
    deliveries.deliver_due("worker")
    assert inbox.actions() == [("create", "tp-1"), ("create", "tp-2")]
    assert studio.states() == ["delivered"]


def test_a_pause_holds_the_next_try_of_what_failed(studio, inbox):
    inbox.answers.append(UnavailableError())
    studio.publish()
    work()
    put(studio, "destination")
    studio.make_due()
    tries = studio.lane.tries
    assert work() == 0
    assert studio.lane.tries == tries == 1


def test_a_stop_does_not_forget_that_an_outcome_is_unknown(studio, inbox):
    """A doubt that were forgotten would let a newer version overtake one that may still land."""
    inbox.answers.append(UnknownOutcomeError("No answer."))
    studio.publish(session("tp-1", title="Old"))
    work()
    studio.make_due()
    claim = claims.claim("worker")
    stop = put(studio, "athlete", "kill")
    outcomes.settle(claim.lane, claim.attempt, deliveries.send(claim))
    assert studio.deliveries()[0].reason == "outcome_unknown"
    studio.publish(session("tp-1", title="New"))
    stops.lift(stop)
    studio.make_due()
    work()
    titles = [step.item.body["title"] for step in inbox.arrived]
    assert titles == ["Old", "Old", "New"]


def test_an_attempt_that_a_stop_ended_is_no_crash(studio, inbox):
    studio.publish()
    for _ in range(4):
        claim = claims.claim("worker")
        stop = put(studio, "athlete", "kill")
        outcomes.settle(claim.lane, claim.attempt, deliveries.send(claim))
        stops.lift(stop)
    work()
    assert studio.states() == ["delivered"]
    assert not RemoteRecord.objects.exclude(state="present").exists()


# --- the queue --------------------------------------------------------------------------------


def test_lifting_delivers_the_newest_of_each_plan_oldest_first(studio, inbox, eve):
    stop = put(studio, "destination", "pause")
    publish(eve, [session("tp-9", title="Eve 1")])
    for title in ("Ben 1", "Ben 2"):
        studio.publish(session("tp-1", title=title))
    publish(eve, [session("tp-9", title="Eve 2")])
    stops.lift(stop)
    work()
    assert [step.item.body["title"] for step in inbox.arrived] == ["Eve 2", "Ben 2"]
    assert ledger().balanced
    assert lanes_with_a_gap() == []


def test_the_question_costs_a_call_one_query_and_a_claim_no_more_however_many_lanes(
    studio, inbox, django_assert_num_queries
):
    studio.publish()
    lane, delivery, now = studio.lane, studio.deliveries()[0], clock.now()
    with django_assert_num_queries(1):
        assert not covering.forbids(lane, delivery, begun=False)
    put(studio, "athlete")
    with django_assert_num_queries(3):  # is anything stopped, was it restored, which lanes
        assert not claims.due_lanes(now).exists()
    with django_assert_num_queries(2):  # is anything stopped, and also this
        assert covering.forbids(lane, delivery, begun=False)


def test_how_many_wait_behind_a_stop(studio, inbox, eve):
    old = put(studio, "destination", "drain")
    studio.publish()
    publish(eve, [session("tp-9")])
    stop = put(studio, "cohort")
    assert covering.behind(old).count() == 2
    assert covering.behind(stop).count() == 1
    assert covering.holding(studio.deliveries()[0]).count() == 2


def test_the_deliveries_that_are_held_are_found_in_one_question(studio, inbox, eve):
    studio.publish()
    drained = put(studio, "route", "drain")
    publish(eve, [session("tp-9")])
    put(studio, "athlete")
    held = Delivery.objects.filter(covering.held_deliveries(), state="waiting")
    assert {each.lane.plan_id for each in held} == {eve.pk, studio.plan.pk}
    stops.lift(drained)
    assert {each.lane.plan_id for each in held.all()} == {studio.plan.pk}


# --- putting and lifting ----------------------------------------------------------------------


def test_the_same_stop_again_changes_nothing_and_another_mode_takes_its_place(studio):
    first = put(studio, "destination", "pause")
    assert put(studio, "destination", "pause").pk == first.pk
    second = put(studio, "destination", "kill")
    first.refresh_from_db()
    assert first.lifted_by == studio.ana
    assert list(covering.in_force()) == [second]


def test_a_drain_in_a_pauses_place_lets_out_what_the_pause_had_held(studio, inbox):
    put(studio, "destination", "pause")
    studio.publish()
    assert work() == 0
    put(studio, "destination", "drain")
    work()
    assert studio.states() == ["delivered"]


def test_stops_of_a_thing_and_of_what_it_belongs_to_stand_side_by_side(studio):
    put(studio, "organisation")
    put(studio, "athlete")
    assert covering.in_force().count() == 2


@pytest.mark.parametrize("mode", ["pause", "drain", "kill"])
def test_no_other_stop_takes_the_place_of_the_one_for_emptied_calendars(studio, mode):
    asked = stops.put(studio.destination, "pause", reason="8 of 8 calendars", guardrail="emptying")
    mine = put(studio, "destination", mode)
    assert set(covering.in_force()) == {asked, mine}
    again = stops.put(studio.destination, "pause", reason="9 of 9", guardrail="emptying")
    assert again == asked


def test_a_stop_says_why(studio):
    with pytest.raises(ValidationError, match="Say why"):
        stops.put(studio.ben, "pause", reason="  ")
    with pytest.raises(ValidationError, match="pause, drain or kill"):
        stops.put(studio.ben, "halt", reason="because")
    assert not Stop.objects.exists()


def test_lifting_twice_is_lifting_once(studio):
    stop = put(studio, "athlete")
    lifted = stops.lift(stop, by=studio.ana)
    again = stops.lift(stop)
    assert (again.lifted_at, again.lifted_by) == (lifted.lifted_at, studio.ana)
    assert Entry.objects.filter(action="stop.lifted").count() == 1


@pytest.mark.parametrize("scope", SCOPES)
def test_every_stop_is_in_the_audit_log_with_what_it_covers(studio, scope):
    stop = put(studio, scope, "kill")
    entry = Entry.objects.get(action="stop.put")
    assert stop.audit_entry_id == entry.id
    text = bytes(entry.body).decode()
    assert f'"scope":"{scope}"' in text
    assert '"mode":"kill"' in text
    assert "Wrong week" not in text
    assert entry.organisation == (None if scope == "everything" else studio.organisation.pk)
    stops.lift(stop)
    stop.refresh_from_db()
    assert Entry.objects.get(action="stop.lifted").id == stop.audit_entry_id


def test_a_refused_stop_leaves_no_entry(studio):
    with pytest.raises(ValidationError):
        stops.put(studio.ben, "pause", reason="")
    assert not Entry.objects.filter(action="stop.put").exists()


# --- who may ----------------------------------------------------------------------------------


def person(name, organisation, role, **extra):
    user = User.objects.create_user(f"{name}@example.com", None, **extra)
    Membership.objects.create(user=user, organisation=organisation, role=role)
    return user


MAY = {
    "owner": {"organisation", "destination", "route", "cohort", "athlete"},
    "admin": {"organisation", "destination", "route", "cohort", "athlete"},
    "coach": {"destination", "route", "cohort", "athlete"},
    "assistant": set(),
    "destination_owner": {"destination"},
    "auditor": set(),
}


@pytest.mark.parametrize("role", MAY)
def test_whoever_manages_a_thing_may_stop_it(studio, role):
    user = person("fay", studio.organisation, role)
    assert {scope for scope in SCOPES if scopes.may(user, target(studio, scope))} == MAY[role]


def test_only_who_runs_the_installation_may_stop_everything(studio):
    operator = person("olga", studio.organisation, "auditor", is_staff=True)
    assert scopes.may(operator, None)
    assert not scopes.may(operator, studio.ben)


def test_dan_may_stop_nothing_of_anas_and_finds_nothing_to_stop(studio):
    elsewhere = Organisation.objects.create(name="Elsewhere", slug="elsewhere")
    dan = person("dan", elsewhere, "owner")
    for scope in SCOPES[1:]:
        thing = target(studio, scope)
        assert not scopes.may(dan, thing), scope
        assert not scopes.targets(dan, scope).filter(pk=thing.pk).exists(), scope
    with pytest.raises(PermissionDenied):
        scopes.require(dan, studio.ben)


def test_a_stop_knows_what_it_covers(studio):
    for scope in SCOPES:
        stop = put(studio, scope)
        assert stop.scope == scope
        assert scopes.target_of(stop) == target(studio, scope)
        stops.lift(stop)


# --- feeds, which others read -----------------------------------------------------------------


@pytest.fixture
def calendar():
    world = build(kind="icalendar", name="Calendar")
    world.agree()
    world.publish(session("tp-1", title="Easy run"))
    work()
    return world


def test_under_the_kill_switch_a_feed_answers_later_and_is_whole_afterwards(calendar, client):
    address = urlsplit(feeds.address(calendar.lane)).path
    before = client.get(address)
    assert b"Easy run" in before.content
    stop = put(calendar, "organisation", "kill")
    answer = client.get(address, headers={"If-None-Match": before["ETag"]})
    assert (answer.status_code, answer["Retry-After"], answer.content) == (503, "300", b"")
    stops.lift(stop)
    assert client.get(address).content == before.content


def test_a_paused_feed_keeps_what_it_shows(calendar, client):
    address = urlsplit(feeds.address(calendar.lane)).path
    put(calendar, "destination", "pause")
    calendar.publish(session("tp-1", title="Tempo"))
    work()
    assert b"Easy run" in client.get(address).content


# --- while many work --------------------------------------------------------------------------


def test_nothing_leaves_after_the_kill_switch_however_many_work_and_all_goes_later(inbox):
    world = twelve_athletes()
    sent_at, under_way, killed_at, killed = [], threading.Event(), [], threading.Event()

    def take(_):
        """A few are taken at once; whatever comes next is under way until the switch is thrown."""
        sent_at.append(time.monotonic())
        under_way.set()
        if len(sent_at) > AT_ONCE:
            killed.wait(10)

    inbox.answers.extend([take] * 48)

    def kill_or_work(number):
        if number:
            deliver_for(3.0)
        else:
            assert under_way.wait(10)
            killed_at.append((put(world, "everything", "kill"), time.monotonic()))
            killed.set()

    together(kill_or_work)
    stop, moment = killed_at[0]
    assert sent_at
    assert max(sent_at) < moment + 2.0
    assert Delivery.objects.filter(state="waiting").exists()
    stops.lift(stop)
    work(100)
    effects = Counter((step.plan_id, step.item_key) for step in inbox.arrived)
    assert len(effects) == 48
    assert set(effects.values()) == {1}
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}
    assert lanes_with_a_gap() == []


def twelve_athletes():
    """Each with a plan of four sessions, none of which is sent yet."""
    world = build(slots=6)
    world.agree()
    terms = consent.Terms(fields=FIELDS, purpose="training")
    plans = [world.plan]
    for number in range(11):
        athlete = Athlete.objects.create(
            organisation=world.organisation, name=f"Athlete {number}", source_id=100 + number
        )
        consent.decide(athlete, world.destination.pk, "granted", consent.Basis(), terms)
        plans.append(Plan.objects.create(athlete=athlete, name="Plan"))
    for plan in plans:
        publish(plan, [session(f"tp-{number}") for number in range(4)])
    return world


def deliver_for(seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not deliveries.deliver_due("worker"):
            time.sleep(0.02)
