"""Bulk actions: what is previewed is what happens, once, and stops where a person says so."""

from collections import Counter
from datetime import timedelta

import pytest

from accounts import consent
from accounts.models import Athlete, Cohort, Membership, User
from audit import fsck, verify
from audit.actor import Actor, acting
from audit.log import audited_atomic
from audit.models import Entry
from destinations.errors import (
    PayloadError,
    UnavailableError,
    UnknownOutcomeError,
    UnsupportedPlanError,
)
from destinations.models import Destination
from sharing import claims, clock, consents, deliveries, outcomes, pinned, redeliver, routes
from sharing.bulk import asking, carrying, lately, limits, running, taking_back
from sharing.bulk.criteria import Criteria, To
from sharing.bulk.refusing import NotPossible
from sharing.drift import repairing
from sharing.ledger import lanes_with_a_gap, ledger
from sharing.models import BulkAction, BulkItem, Delivery, Lane, Plan, PlanVersion, Route
from sharing.routes import RouteSettings
from sharing.stops import putting
from tests.sharing import fake_destination
from tests.sharing.world import FIELDS, build, publish, session

pytestmark = pytest.mark.django_db

Kind = BulkAction.Kind
ATHLETES = 8


@pytest.fixture
def club(inbox):
    """Several athletes who all agreed, on a route for everyone."""
    world = build()
    world.agree()
    for number in range(ATHLETES - 1):
        join(world, f"Athlete {number}", 100 + number)
    return world


def join(world, name, source_id):
    athlete = Athlete.objects.create(
        organisation=world.organisation,
        name=name,
        time_zone="Europe/Paris",
        source_id=source_id,
    )
    terms = consent.Terms(fields=FIELDS, purpose="training")
    consent.decide(athlete, world.destination.pk, "granted", consent.Basis(), terms)
    return Plan.objects.create(athlete=athlete, name="Training plan")


def work():
    done = 0
    while deliveries.deliver_due("worker"):
        done += 1
    return done


def publish_all(*titles):
    """Each plan gets a version with these sessions; they are delivered unless told otherwise."""
    sessions = [session(f"tp-{n}", title=title) for n, title in enumerate(titles)]
    for plan in Plan.objects.order_by("pk"):
        publish(plan, sessions)


def kill_all(inbox, *titles):
    """A version that the destination refuses for good: every lane is dead."""
    inbox.answers.extend([UnsupportedPlanError()] * Plan.objects.count())
    publish_all(*titles)
    work()
    assert Lane.objects.filter(state="dead").count() == Plan.objects.count()
    inbox.arrived.clear()


def go(limit=100):
    """What the periodic job does, until there is nothing more to do."""
    turns = 0
    while turns < limit and running.run_due():
        turns += 1
    return turns


def previewed(world, kind=Kind.REDELIVER, by=None, **wish):
    action = asking.ask(by or world.ana, world.organisation, kind, Criteria(**wish))
    go()
    action.refresh_from_db()
    return action


def carried_out(action, by=None):
    asking.start(action, by or action.asked_by)
    go()
    action.refresh_from_db()
    return action


def states(action):
    return dict(Counter(action.items.values_list("state", flat=True)))


def figures(action):
    return {name: count for name, count in action.forecast.items() if count}


def happened(inbox):
    return dict(Counter(step.action.value for step in inbox.arrived))


# --- the preview ------------------------------------------------------------------------------


def test_a_preview_writes_nothing_and_says_exactly_what_then_arrives(club, inbox):
    kill_all(inbox, "One", "Two", "Three")
    before = (Delivery.objects.count(), Lane.objects.get(plan=club.plan).desired)
    action = previewed(club)
    assert (Delivery.objects.count(), Lane.objects.get(plan=club.plan).desired) == before
    assert inbox.arrived == []
    assert figures(action) == {"lanes": ATHLETES, "create": 3 * ATHLETES}
    carried_out(action)
    work()
    assert happened(inbox) == {"create": 3 * ATHLETES}
    assert states(action) == {"done": ATHLETES}
    assert ledger().balanced
    assert lanes_with_a_gap() == []
    assert verify.verify().good
    assert fsck.fsck().good


def test_the_filter_is_asked_by_the_page_and_not_for_every_few_lanes(club, inbox, monkeypatch):
    kill_all(inbox, "One")
    asked, lanes = [], running.selection.lanes
    monkeypatch.setattr(running.selection, "lanes", lambda action: asked.append(1) or lanes(action))
    action = previewed(club)
    assert figures(action) == {"lanes": ATHLETES, "create": ATHLETES}
    assert ATHLETES > running.SLICE
    assert len(asked) == 3  # how many, the page, and whether there is another


def test_every_sort_of_lane_is_forecast_as_it_then_goes(club, inbox):
    """Half written, nothing to send, without consent, superseded, unpreparable, held by a stop."""
    publish_all("One", "Two")
    work()
    plans = list(Plan.objects.order_by("pk"))
    kill_all(inbox, "One", "Changed", "New")
    half = lane_of(plans[0])
    half.records.filter(item_key="tp-1").update(state="removed")
    consents.withdraw(plans[1].athlete, club.destination, basis=consent.Basis())
    work()
    putting.put(plans[2].athlete, "pause", reason="ill", by=club.ana)
    inbox.arrived.clear()
    action = previewed(club)
    assert figures(action) == {
        "lanes": ATHLETES - 1,  # a removal took the withdrawn athlete's dead letter's place
        "create": ATHLETES - 1 + 1,
        "update": ATHLETES - 1 - 1,
        "held": 1,
    }
    carried_out(action)
    work()
    held = lane_of(plans[2])
    expected = Counter()
    for item in action.items.exclude(lane=held):
        expected.update({name: item.forecast.get(name, 0) for name in ("create", "update")})
    assert happened(inbox) == dict(expected)
    assert Delivery.objects.get(lane=held, revision=held.desired).state == "waiting"


def lane_of(plan):
    return Lane.objects.get(plan=plan)


def test_each_lane_gets_the_steps_that_were_foretold(club, inbox):
    publish_all("One", "Two")
    work()
    kill_all(inbox, "One", "Tempo", "Three")
    for number, plan in enumerate(Plan.objects.order_by("pk")):
        if number % 3 == 0:
            lane_of(plan).records.all().delete()
        elif number % 3 == 1:
            lane_of(plan).records.filter(item_key="tp-0").update(state="uncertain")
    action = carried_out(previewed(club))
    work()
    told = {
        str(item.lane.plan_id): {k: item.forecast.get(k, 0) for k in ("create", "update", "remove")}
        for item in action.items.select_related("lane")
    }
    seen = {plan: dict.fromkeys(("create", "update", "remove"), 0) for plan in told}
    for step in inbox.arrived:
        seen[step.plan_id][step.action.value] += 1
    assert told == seen
    assert len({tuple(sorted(each.items())) for each in told.values()}) == 3


def test_a_dead_letter_of_which_all_arrived_needs_no_call_and_is_then_delivered(club, inbox):
    publish_all("One")
    work()
    Delivery.objects.update(state="dead", reason="unavailable")
    Lane.objects.update(state="dead")
    inbox.arrived.clear()
    action = previewed(club)
    assert figures(action) == {"lanes": ATHLETES, "nothing": ATHLETES}
    carried_out(action)
    work()
    assert inbox.arrived == []
    assert {lane.deliveries.order_by("-revision").first().state for lane in Lane.objects.all()} == {
        "delivered"
    }


def test_what_is_superseded_or_blocked_is_counted_with_its_reason_and_refused(club, inbox):
    kill_all(inbox, "One")
    plans = list(Plan.objects.order_by("pk"))
    action = asking.ask(club.ana, club.organisation, Kind.REDELIVER, Criteria())
    Athlete.objects.filter(pk=plans[0].athlete_id).update(state="detached")
    go()
    action.refresh_from_db()
    assert figures(action) == {"lanes": ATHLETES, "create": ATHLETES - 1, "blocked": 1}
    publish(plans[1], [session("tp-0", title="Newer")])
    carried_out(action)
    assert states(action) == {"done": ATHLETES - 2, "refused": 2}
    words = set(action.items.filter(state="refused").values_list("reason", flat=True))
    assert any("superseded by version 2" in each for each in words)
    assert any("no longer attached" in each for each in words)
    work()
    assert {s.item.body["title"] for s in inbox.arrived if s.plan_id == str(plans[1].pk)} == {
        "Newer"
    }


def test_what_cannot_be_rendered_is_blocked_and_not_promised_again(club, inbox, monkeypatch):
    kill_all(inbox, "One")

    def refuse(*_):
        raise PayloadError(code="contract_broken")

    monkeypatch.setattr(fake_destination.FakeAdapter, "render", refuse)
    action = previewed(club)
    assert figures(action) == {"lanes": ATHLETES, "blocked": ATHLETES}
    with pytest.raises(NotPossible, match="nothing to do"):
        asking.start(action, club.ana)


def test_a_filter_takes_destination_route_cohort_athlete_cause_and_time(club, inbox):
    kill_all(inbox, "One")
    plans = list(Plan.objects.order_by("pk"))
    squad = Cohort.objects.create(organisation=club.organisation, name="Squad")
    squad.athletes.set([plan.athlete for plan in plans[:5]])
    Delivery.objects.filter(lane__plan=plans[0]).update(
        reason="refused", settled_at=clock.now() - timedelta(days=3)
    )
    now = clock.now()
    for wish, count in (
        ({"destination": club.destination.pk}, ATHLETES),
        ({"route": club.route.pk}, ATHLETES),
        ({"cohort": squad.pk}, 5),
        ({"athlete": plans[3].athlete_id}, 1),
        ({"plan": plans[3].pk}, 1),
        ({"cause": "unsupported_plan"}, ATHLETES - 1),
        ({"cause": "refused"}, 1),
        ({"until": now - timedelta(days=1)}, 1),
        ({"since": now - timedelta(days=1)}, ATHLETES - 1),
        ({"state": "unknown"}, 0),
        ({"cohort": squad.pk, "cause": "refused"}, 1),
    ):
        assert previewed(club, **wish).forecast["lanes"] == count, wish


def test_two_dead_letters_of_a_lane_are_one_item(club, inbox):
    kill_all(inbox, "One")
    inbox.answers.extend([UnsupportedPlanError()] * ATHLETES)
    carried_out(previewed(club))
    work()
    assert Delivery.objects.filter(state="dead").count() == 2 * ATHLETES
    assert previewed(club).forecast["lanes"] == ATHLETES


def unknown(world, inbox):
    """The last call may have been applied, and its destination cannot tell."""
    inbox.answers.append(UnknownOutcomeError())
    world.publish(session("tp-0", title="Race"))
    work()
    assert world.states() == ["unknown"]
    inbox.arrived.clear()
    return world.deliveries()[0]


def test_what_a_person_has_found_since_the_preview_is_not_sent_again(inbox):
    world = build(idempotency_class="none")
    world.agree()
    delivery = unknown(world, inbox)
    action = previewed(world, state="unknown")
    assert figures(action) == {"lanes": 1, "create": 1}
    redeliver.settle_unknown(delivery, is_there=True)
    carried_out(action)
    work()
    assert inbox.arrived == []
    item = action.items.get()
    assert (item.state, item.reason) == ("refused", "It was settled since the preview.")


def test_what_was_promised_again_since_the_preview_is_not_promised_once_more(club, inbox):
    kill_all(inbox, "One")
    action = previewed(club)
    redeliver.redeliver(club.deliveries()[0])
    work()
    carried_out(action)
    assert states(action) == {"done": ATHLETES - 1, "refused": 1}
    assert len(club.deliveries()) == 2


# --- running ----------------------------------------------------------------------------------


def test_one_entry_tells_of_the_action_and_each_delivery_has_its_own(club, inbox):
    kill_all(inbox, "One")
    with acting(Actor("user", str(club.ana.pk))):
        action = carried_out(previewed(club, cause="unsupported_plan"))
    told = [(entry.action, entry.body.decode()) for entry in Entry.objects.order_by("seq")]
    (begun,) = [body for name, body in told if name == "bulk.begun"]
    assert '"filter.cause":"unsupported_plan"' in begun
    assert f'"create":{ATHLETES}' in begun
    assert f'"by":"{club.ana.pk}"' in begun
    (done,) = [body for name, body in told if name == "bulk.done"]
    assert f'"done":{ATHLETES}' in done
    redelivered = [body for name, body in told if name == "delivery.redelivered"]
    assert len(redelivered) == ATHLETES
    assert all(f'"by":"{club.ana.pk}"' in body for body in redelivered)
    assert action.state == "done"


class Killed(BaseException):
    """The process dies here."""


def test_a_killed_worker_leaves_nothing_half_done_and_nothing_twice(club, inbox, monkeypatch):
    kill_all(inbox, "One")
    monkeypatch.setattr(running, "SLICE", 3)
    action = previewed(club)
    asking.start(action, club.ana)
    carry_out, calls = carrying.carry_out, []

    def die_at_the_fifth(*args):
        calls.append(1)
        if len(calls) == 5:
            raise Killed
        return carry_out(*args)

    monkeypatch.setattr(carrying, "carry_out", die_at_the_fifth)
    with pytest.raises(Killed):
        running.run_due()
    assert states(action) == {"done": 3, "waiting": ATHLETES - 3}
    assert not running.run_due(), "its lease still stands"
    BulkAction.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    go()
    assert states(action) == {"done": ATHLETES}
    assert Delivery.objects.count() == 2 * ATHLETES
    work()
    assert (
        Counter((step.plan_id, step.item_key) for step in inbox.arrived).most_common(1)[0][1] == 1
    )
    assert len(inbox.arrived) == ATHLETES
    assert fsck.fsck().good


def test_a_killed_preview_goes_on_where_it_stopped(club, inbox, monkeypatch):
    kill_all(inbox, "One")
    monkeypatch.setattr(running, "SLICE", 4)
    action = asking.ask(club.ana, club.organisation, Kind.REDELIVER, Criteria())
    foreseen, calls = carrying.foreseen, []

    def die_at_the_sixth(*args):
        calls.append(1)
        if len(calls) == 6:
            raise Killed
        return foreseen(*args)

    monkeypatch.setattr(carrying, "foreseen", die_at_the_sixth)
    with pytest.raises(Killed):
        running.run_due()
    BulkAction.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    go()
    action.refresh_from_db()
    assert action.forecast["lanes"] == ATHLETES
    assert action.items.count() == ATHLETES


def test_who_wakes_late_writes_nothing(club, inbox):
    kill_all(inbox, "One")
    action = previewed(club)
    asking.start(action, club.ana)
    sleeper = running.Run(running._claim())
    BulkAction.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    go()
    with pytest.raises(running.Fenced):
        sleeper.go_on(1)
    assert Delivery.objects.count() == 2 * ATHLETES


def test_a_cancelled_action_keeps_what_it_promised_and_leaves_the_rest(club, inbox, monkeypatch):
    kill_all(inbox, "One")
    monkeypatch.setattr(running, "SLICE", 4)
    action = previewed(club)
    asking.start(action, club.ana)
    running.run_due(budget=0)
    assert states(action) == {"done": 4, "waiting": ATHLETES - 4}
    asking.cancel(action, club.ana)
    assert not running.run_due()
    assert states(action) == {"done": 4, "cancelled": ATHLETES - 4}
    work()
    assert len(inbox.arrived) == 4
    assert Lane.objects.filter(state="dead").count() == ATHLETES - 4
    with pytest.raises(NotPossible, match="cancelled"):
        asking.start(action, club.ana)


def test_a_version_that_comes_while_it_runs_wins(club, inbox, monkeypatch):
    kill_all(inbox, "One")
    monkeypatch.setattr(running, "SLICE", 4)
    action = previewed(club)
    asking.start(action, club.ana)
    running.run_due(budget=0)
    publish_all("Newer")
    go()
    work()
    assert {step.item.body["title"] for step in inbox.arrived} == {"Newer"}
    assert states(action) == {"done": 4, "refused": ATHLETES - 4}


def test_an_old_preview_is_not_started(club, inbox):
    kill_all(inbox, "One")
    action = previewed(club)
    BulkAction.objects.update(ready_at=clock.now() - timedelta(hours=2))
    with pytest.raises(NotPossible, match="make a new one"):
        asking.start(action, club.ana)


def test_a_preview_that_had_to_wait_for_its_turn_is_as_old_as_its_figures(club, inbox):
    kill_all(inbox, "One")
    action = asking.ask(club.ana, club.organisation, Kind.REDELIVER, Criteria())
    BulkAction.objects.update(asked_at=clock.now() - timedelta(hours=2))
    go()
    assert carried_out(action).state == "done"


def test_what_a_broken_destination_holds_up_keeps_nobody_else_waiting(club, inbox, monkeypatch):
    monkeypatch.setattr(running, "SLICE", 2)
    monkeypatch.setattr(running, "AHEAD", 2)
    kill_all(inbox, "One")
    stuck = previewed(club)
    now = clock.now()
    Destination.objects.update(
        breaker_state="open", breaker_opened_at=now, breaker_until=now + timedelta(hours=1)
    )
    asking.start(stuck, club.ana)
    running.run_due()
    assert states(stuck) == {"done": 2, "waiting": ATHLETES - 2}
    other = build()
    other.agree()
    other.publish()
    work()
    action = asking.ask(other.ana, other.organisation, Kind.TAKE_BACK, Criteria(plan=other.plan.pk))
    running.run_due()
    action.refresh_from_db()
    assert figures(action) == {"lanes": 1, "remove": 1}
    asking.start(action, other.ana)
    running.run_due()
    running.run_due()
    assert states(action) == {"done": 1}
    assert states(stuck) == {"done": 2, "waiting": ATHLETES - 2}
    assert BulkAction.objects.get(pk=stuck.pk).state == "running"


def test_actions_take_turns_by_whose_last_one_is_longest_ago(club, inbox, monkeypatch):
    monkeypatch.setattr(running, "SLICE", 2)
    kill_all(inbox, "One")
    first, second = previewed(club), previewed(club, state="dead")
    for action in (first, second):
        asking.start(action, club.ana)
    for _ in range(2):
        running.run_due(budget=0)
    assert states(first)["waiting"] == states(second)["waiting"] == ATHLETES - 2


# --- persons ----------------------------------------------------------------------------------


def person(world, role, name):
    user = User.objects.create_user(f"{name}@example.com", None)
    Membership.objects.create(user=user, organisation=world.organisation, role=role)
    return user


def test_over_the_roles_limit_a_second_person_agrees(club, inbox, monkeypatch):
    monkeypatch.setitem(limits.ALONE, "coach", ATHLETES - 1)
    kill_all(inbox, "One")
    action = previewed(club)
    asking.start(action, club.ana)
    go()
    action.refresh_from_db()
    assert (action.state, states(action)) == ("second", {"waiting": ATHLETES})
    with pytest.raises(NotPossible, match="Somebody else"):
        asking.agree(action, club.ana)
    asking.agree(action, person(club, "admin", "eve"))
    go()
    action.refresh_from_db()
    assert (action.state, states(action)) == ("done", {"done": ATHLETES})
    assert action.approved_by.email == "eve@example.com"


def test_several_small_actions_of_an_hour_add_up(changed, inbox, monkeypatch):
    monkeypatch.setitem(limits.ALONE, "coach", 2)
    plans = list(Plan.objects.order_by("pk"))
    for plan in plans[:2]:
        assert carried_out(back_by_one(changed, plan)).state == "done"
    third = back_by_one(changed, plans[2])
    assert asking.needs_second(third)
    assert asking.start(third, changed.ana).state == "second"
    other_kind = previewed(changed, Kind.TAKE_BACK, plan=plans[3].pk)
    assert not asking.needs_second(other_kind)
    BulkAction.objects.update(started_at=clock.now() - timedelta(minutes=61))
    assert not asking.needs_second(third)


def test_what_a_second_person_agreed_to_does_not_add_up(changed, inbox, monkeypatch):
    monkeypatch.setitem(limits.ALONE, "coach", 1)
    action = previewed(changed, Kind.ROLL_BACK, route=changed.route.pk, to=To.PREVIOUS)
    asking.start(action, changed.ana)
    asking.agree(action, person(changed, "admin", "eve"))
    go()
    assert not asking.needs_second(
        previewed(changed, Kind.ROLL_BACK, plan=changed.plan.pk, to=To.NEWEST)
    )


def back_by_one(world, plan):
    return previewed(world, Kind.ROLL_BACK, plan=plan.pk, to=To.PREVIOUS)


def test_what_nobody_agreed_to_within_the_hour_ends(club, inbox, monkeypatch):
    monkeypatch.setitem(limits.ALONE, "coach", 1)
    kill_all(inbox, "One")
    action = asking.start(previewed(club), club.ana)
    assert asking.end_stale() == 0
    BulkAction.objects.update(ready_at=clock.now() - timedelta(minutes=61))
    assert asking.end_stale() == 1
    action.refresh_from_db()
    assert (action.state, states(action)) == ("expired", {"cancelled": ATHLETES})
    assert action.audit_entry.action == "bulk.expired"
    with pytest.raises(NotPossible, match="stands otherwise now: expired"):
        asking.agree(action, person(club, "admin", "eve"))
    assert asking.end_stale() == 0


def test_an_assistant_is_no_second_person(club, inbox, monkeypatch):
    monkeypatch.setitem(limits.ALONE, "coach", 1)
    kill_all(inbox, "One")
    action = asking.start(previewed(club), club.ana)
    with pytest.raises(Exception, match="role does not allow"):
        asking.agree(action, person(club, "assistant", "cara"))


def narrowed(*athletes):
    whom = [each.pk for each in athletes]
    return RouteSettings(name="Club", purpose="training", audience="chosen", athletes=whom)


def test_routes_that_are_narrowed_and_retired_within_an_hour_add_up(club, inbox, monkeypatch):
    """Several acts that each stay below the limit are as much as one that does not."""
    monkeypatch.setitem(limits.ALONE, "coach", ATHLETES - 1)
    publish_all("One")
    staying = list(Athlete.objects.all()[: ATHLETES - 2])
    taking_back.change(club.route, narrowed(*staying), club.ana)
    work()
    with pytest.raises(NotPossible, match=r"2 within the last hour, more than you may alone"):
        taking_back.retire(club.route, club.ana)
    assert Route.objects.get().state == "active"
    other = person(club, "coach", "cara")
    taking_back.retire(club.route, other)
    assert lately.taken_back(other, club.organisation) == len(staying)


def test_what_was_taken_back_an_hour_ago_no_longer_counts(club, inbox, monkeypatch):
    monkeypatch.setitem(limits.ALONE, "coach", ATHLETES - 1)
    publish_all("One")
    taking_back.change(club.route, narrowed(*Athlete.objects.all()[2:]), club.ana)
    work()
    monkeypatch.setattr(limits, "WITHIN", timedelta(0))
    assert taking_back.retire(club.route, club.ana).state == "retired"


def test_a_route_that_was_narrowed_leaves_less_room_for_taking_back(club, inbox, monkeypatch):
    monkeypatch.setitem(limits.ALONE, "coach", ATHLETES)
    publish_all("One")
    taking_back.change(club.route, narrowed(*Athlete.objects.all()[2:]), club.ana)
    work()
    action = previewed(club, Kind.TAKE_BACK, route=club.route.pk)
    assert asking.needs_second(action)
    monkeypatch.setattr(limits, "WITHIN", timedelta(0))
    assert not asking.needs_second(action)


def test_an_owner_needs_nobody(club):
    club.ana.memberships.update(role="owner")
    assert limits.alone(club.ana, club.organisation) is None


def test_a_role_that_was_lowered_meanwhile_does_nothing_more(club, inbox):
    kill_all(inbox, "One")
    action = previewed(club)
    asking.start(action, club.ana)
    club.ana.memberships.update(role="auditor")
    go()
    assert states(action) == {"refused": ATHLETES}
    assert Delivery.objects.count() == ATHLETES


def test_another_studio_finds_nothing(club, inbox):
    kill_all(inbox, "One")
    other = build()
    action = previewed(other, by=other.ana)
    assert action.forecast == {"lanes": 0}
    action = previewed(other, kind=Kind.TAKE_BACK, route=club.route.pk)
    assert action.forecast == {"lanes": 0}


# --- rolling back -----------------------------------------------------------------------------


@pytest.fixture
def changed(club, inbox):
    """Three versions, all delivered: the third is the one that should not have been."""
    for titles in (["One", "Two"], ["One", "Two", "Three"], ["Wrong"]):
        publish_all(*titles)
        work()
    inbox.arrived.clear()
    return club


def held_titles(inbox):
    return sorted(body["title"] for body in inbox.held.values() if body)


def test_a_plan_goes_back_to_a_chosen_version_as_a_newer_promise(changed, inbox):
    plan = changed.plan
    wish = {"plan": plan.pk, "to": To.VERSION, "version": 1}
    action = previewed(changed, Kind.ROLL_BACK, **wish)
    assert figures(action) == {"lanes": 1, "create": 1, "update": 1}
    carried_out(action)
    work()
    assert happened(inbox) == {"create": 1, "update": 1}
    assert {step.revision for step in inbox.arrived} == {4}, "newer than version 3 in the lane"
    assert {step.version for step in inbox.arrived} == {1}
    assert held_titles(inbox) == ["One", "Two"]


def test_a_route_goes_back_by_one_version(changed, inbox):
    action = previewed(changed, Kind.ROLL_BACK, route=changed.route.pk, to=To.PREVIOUS)
    assert figures(action) == {"lanes": ATHLETES, "create": 2 * ATHLETES, "update": ATHLETES}
    carried_out(action)
    work()
    assert happened(inbox) == {"create": 2 * ATHLETES, "update": ATHLETES}


def test_a_cohort_goes_back_to_a_moment_and_nobody_else_does(changed, inbox):
    squad = Cohort.objects.create(organisation=changed.organisation, name="Squad")
    squad.athletes.set(list(Athlete.objects.all()[:4]))
    moment = PlanVersion.objects.filter(version=1).latest("published_at").published_at
    wish = {"cohort": squad.pk, "to": To.MOMENT, "moment": moment}
    action = previewed(changed, Kind.ROLL_BACK, **wish)
    assert figures(action) == {"lanes": 4, "create": 4, "update": 4}
    carried_out(action)
    work()
    arrived = Counter(
        (step.plan_id, step.version, step.item.body["title"]) for step in inbox.arrived
    )
    plans = Plan.objects.filter(athlete__cohorts=squad)
    assert arrived == {(str(plan.pk), 1, title): 1 for plan in plans for title in ("One", "Two")}


def test_an_athlete_is_taken_back_to_nothing(changed, inbox):
    action = previewed(changed, Kind.TAKE_BACK, athlete=changed.ben.pk)
    assert figures(action) == {"lanes": 1, "remove": 1}
    carried_out(action)
    work()
    assert [(s.action.value, s.plan_id) for s in inbox.arrived] == [
        ("remove", str(changed.plan.pk))
    ]
    assert changed.lane.state == "closed"


def test_a_roll_back_holds_until_the_coach_changes_the_plan(changed, inbox):
    roll_back(changed, 1)
    wish = routes.RouteSettings(
        name="Everyone", purpose="training", fields=dict.fromkeys(FIELDS, "still training")
    )
    routes.change(changed.route, wish)
    work()
    assert last_version(changed) == 1
    changed.agree()
    publish(changed.plan, [session("tp-0", title="Right")])
    work()
    assert last_version(changed) == 4
    assert pinned.pin(changed.lane) is None


def test_a_repair_of_drift_writes_the_version_that_was_rolled_back_to(changed, inbox):
    roll_back(changed, 1)
    with audited_atomic() as log:
        repairing.rewrite(Lane.objects.locked(changed.lane.pk), [], log)
    work()
    assert last_version(changed) == 1
    assert held_titles(inbox) == ["One", "Two"]


def roll_back(world, number):
    wish = {"plan": world.plan.pk, "to": To.VERSION, "version": number}
    action = carried_out(previewed(world, Kind.ROLL_BACK, **wish))
    work()
    return action


def last_version(world):
    return world.lane.deliveries.order_by("-revision").first().version.version


def test_a_new_consent_shares_the_version_that_was_rolled_back_to(changed, inbox):
    roll_back(changed, 1)
    consents.withdraw(changed.ben, changed.destination, basis=consent.Basis())
    work()
    terms = consent.Terms(fields=FIELDS, purpose="training")
    consents.grant(changed.ben, changed.destination, terms=terms, basis=consent.Basis())
    work()
    assert last_version(changed) == 1
    assert held_titles(inbox) == ["One", "Two"]


@pytest.fixture
def every(inbox):
    """One athlete at a destination that gets every version. The first has arrived."""
    world = build(delivery_mode="every")
    world.agree()
    world.publish(session("tp-0", title="One"))
    work()
    inbox.arrived.clear()
    return world


def test_wrong_versions_that_wait_are_not_sent_before_the_one_rolled_back_to(every, inbox):
    every.publish(session("tp-0", title="Wrong"))
    every.publish(session("tp-0", title="Also wrong"))
    wish = {"plan": every.plan.pk, "to": To.VERSION, "version": 1}
    action = previewed(every, Kind.ROLL_BACK, **wish)
    assert figures(action) == {"lanes": 1, "nothing": 1, "overtakes": 2}
    assert lately.affected(action) == 1
    carried_out(action)
    assert every.states() == ["delivered", "superseded", "superseded", "waiting"]
    work()
    assert inbox.arrived == []
    assert every.states()[-1] == "delivered"
    assert ledger().balanced


def test_going_to_the_version_that_waits_last_leaves_out_those_before_it(every, inbox):
    every.publish(session("tp-0", title="Wrong"))
    every.publish(session("tp-0", title="Right"))
    wish = {"plan": every.plan.pk, "to": To.VERSION, "version": 3}
    action = previewed(every, Kind.ROLL_BACK, **wish)
    assert figures(action) == {"lanes": 1, "update": 1, "overtakes": 2}
    carried_out(action)
    work()
    assert [step.item.body["title"] for step in inbox.arrived] == ["Right"]


def test_a_wrong_version_that_is_under_way_is_not_tried_again_after_a_roll_back(every, inbox):
    every.publish(session("tp-0", title="Wrong"))
    claim = claims.claim("worker")
    wish = {"plan": every.plan.pk, "to": To.VERSION, "version": 1}
    carried_out(previewed(every, Kind.ROLL_BACK, **wish))
    outcomes.settle(claim.lane, claim.attempt, UnavailableError())
    every.make_due()
    work()
    assert inbox.arrived == []
    assert every.states() == ["delivered", "superseded", "delivered"]


def test_a_drain_does_not_let_out_what_was_rolled_back(every, inbox):
    every.publish(session("tp-0", title="Wrong"))
    putting.put(every.ben, "drain", reason="ill", by=every.ana)
    wish = {"plan": every.plan.pk, "to": To.VERSION, "version": 1}
    action = previewed(every, Kind.ROLL_BACK, **wish)
    assert figures(action) == {"lanes": 1, "nothing": 1, "overtakes": 1, "held": 1}
    carried_out(action)
    work()
    assert inbox.arrived == []


def test_a_release_brings_the_newest_version_back(changed, inbox):
    roll_back(changed, 1)
    inbox.arrived.clear()
    carried_out(previewed(changed, Kind.ROLL_BACK, plan=changed.plan.pk, to=To.NEWEST))
    work()
    assert held_titles(inbox) == ["Wrong"]
    assert pinned.pin(changed.lane) is None


def test_an_undo_brings_back_what_was_owed_before(changed, inbox):
    roll_back(changed, 2)
    action = carried_out(previewed(changed, Kind.TAKE_BACK, athlete=changed.ben.pk))
    work()
    assert [body for body in inbox.held.values() if body] == []
    action = asking.undo(action, changed.ana)
    go()
    carried_out(action)
    work()
    assert last_version(changed) == 2
    assert held_titles(inbox) == ["One", "Three", "Two"]


def test_an_undo_does_not_touch_what_the_coach_changed_since(changed, inbox):
    action = roll_back(changed, 1)
    publish(changed.plan, [session("tp-0", title="Right")])
    work()
    undone = asking.undo(action, changed.ana)
    go()
    undone.refresh_from_db()
    assert figures(undone) == {"lanes": 1, "superseded": 1}


def test_a_redelivery_cannot_be_undone(club, inbox):
    kill_all(inbox, "One")
    action = carried_out(previewed(club))
    with pytest.raises(NotPossible, match="nothing to undo"):
        asking.undo(action, club.ana)


def test_a_version_made_after_the_preview_is_not_rolled_back(changed, inbox):
    action = previewed(changed, Kind.ROLL_BACK, route=changed.route.pk, to=To.PREVIOUS)
    publish(changed.plan, [session("tp-0", title="Right")])
    carried_out(action)
    work()
    assert states(action) == {"done": ATHLETES - 1, "refused": 1}
    assert last_version(changed) == 4


@pytest.mark.parametrize("to", [To.PREVIOUS, To.MOMENT])
def test_where_there_is_nothing_to_go_back_to_nothing_is_taken_away(changed, inbox, to):
    young = join(changed, "Young", 900)
    moment = clock.now()
    publish(young, [session("tp-y", title="Only")])
    work()
    inbox.arrived.clear()
    wish = {"to": to, "moment": moment if to == To.MOMENT else None}
    action = previewed(changed, Kind.ROLL_BACK, route=changed.route.pk, **wish)
    assert (action.forecast["lanes"], action.forecast["blocked"]) == (ATHLETES + 1, 1)
    carried_out(action)
    work()
    assert "remove" not in happened(inbox)
    item = action.items.get(lane__plan=young)
    assert item.state == "refused"
    assert item.reason.startswith(("There is no version before", "The plan had no version then"))
    assert lane_of(young).desired == 1


def test_an_item_without_a_version_takes_nothing_back_unless_that_was_asked(changed, inbox):
    action = previewed(changed, Kind.ROLL_BACK, plan=changed.plan.pk, to=To.PREVIOUS)
    action.items.update(version=None)
    carried_out(action)
    work()
    assert states(action) == {"refused": 1}
    assert inbox.arrived == []


def test_what_the_preview_counted_as_blocked_stays_so_when_it_is_unblocked_later(changed, inbox):
    consents.withdraw(changed.ben, changed.destination, basis=consent.Basis())
    work()
    action = previewed(changed, Kind.ROLL_BACK, route=changed.route.pk, to=To.PREVIOUS)
    assert lately.affected(action) == ATHLETES - 1
    changed.agree()
    carried_out(action)
    assert states(action) == {"done": ATHLETES - 1, "refused": 1}
    assert "has not agreed" in action.items.get(state="refused").reason


def test_without_consent_an_older_version_does_not_go_out_but_taking_back_does(changed, inbox):
    consents.withdraw(changed.ben, changed.destination, basis=consent.Basis())
    action = previewed(changed, Kind.ROLL_BACK, athlete=changed.ben.pk, to=To.PREVIOUS)
    assert figures(action) == {"lanes": 1, "blocked": 1}


def test_a_stop_holds_a_roll_back_like_everything_else(changed, inbox):
    putting.put(changed.ben, "pause", reason="ill", by=changed.ana)
    action = previewed(changed, Kind.ROLL_BACK, athlete=changed.ben.pk, to=To.PREVIOUS)
    assert figures(action) == {"lanes": 1, "create": 2, "update": 1, "held": 1}
    carried_out(action)
    work()
    assert inbox.arrived == []


def test_a_rolled_back_version_that_died_can_be_redelivered_and_the_newer_one_not(changed, inbox):
    inbox.answers.append(UnsupportedPlanError())
    roll_back(changed, 1)
    assert changed.lane.state == "dead"
    action = previewed(changed)
    assert figures(action) == {"lanes": 1, "create": 1, "update": 1}
    action = previewed(changed, state="delivered", plan=changed.plan.pk)
    assert figures(action) == {"lanes": 1, "superseded": 1}
    assert "rolled back to version 1" in action.items.get().reason


def test_paused_places_keep_a_roll_back_waiting(changed, inbox):
    Destination.objects.update(state="paused")
    Route.objects.update(state="paused")
    action = previewed(changed, Kind.ROLL_BACK, route=changed.route.pk, to=To.PREVIOUS)
    assert action.forecast["held"] == ATHLETES


def test_the_same_roll_back_twice_changes_nothing_more(changed, inbox):
    roll_back(changed, 1)
    inbox.arrived.clear()
    action = roll_back(changed, 1)
    assert states(action) == {"nothing": 1}
    assert inbox.arrived == []
    assert pinned.pin(changed.lane) is not None


def test_items_of_a_preview_wait_for_the_start(changed):
    previewed(changed, Kind.ROLL_BACK, route=changed.route.pk, to=To.PREVIOUS)
    assert set(BulkItem.objects.values_list("state", flat=True)) == {"waiting"}


def test_a_destination_with_a_long_queue_gets_no_more_until_it_has_shrunk(club, inbox, monkeypatch):
    """What coaches change meanwhile never waits behind thousands."""
    monkeypatch.setattr(running, "SLICE", 2)
    monkeypatch.setattr(running, "AHEAD", 4)
    kill_all(inbox, "One")
    action = previewed(club)
    asking.start(action, club.ana)
    running.run_due()
    assert states(action) == {"done": 4, "waiting": ATHLETES - 4}
    running.run_due()
    assert states(action) == {"done": 4, "waiting": ATHLETES - 4}
    work()
    running.run_due()
    assert states(action) == {"done": ATHLETES}
    running.run_due()
    action.refresh_from_db()
    assert action.state == "done"
