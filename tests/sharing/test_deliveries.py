"""From a promise to a receipt: once, in order, with consent, whatever happens on the way."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import F

from accounts import consent
from accounts.models import Athlete
from audit.models import Entry
from destinations.errors import (
    AuthorizationError,
    GoneError,
    PayloadError,
    StaleError,
    ThrottledError,
    UnavailableError,
    UnknownOutcomeError,
)
from destinations.models import Destination
from destinations.port import Receipt
from insight.watchdogs import lanes
from sharing import (
    claims,
    clock,
    consents,
    deliveries,
    outcomes,
    payloads,
    records,
    redeliver,
    retry,
    routes,
)
from sharing.ledger import lanes_with_a_gap, ledger
from sharing.models import Attempt, Delivery, Lane, RemoteRecord, Route, Step
from sharing.models.base import LONG_AGO
from tests.sharing import fake_destination, readable_destination
from tests.sharing.world import build, make_destination, session

pytestmark = pytest.mark.django_db(transaction=True)

BY_LINK = consent.Basis(kind="athlete_link")


def work(times=20):
    """Do what is due now, as a worker would."""
    done = 0
    while done < times and deliveries.deliver_due("worker"):
        done += 1
    return done


def test_a_version_reaches_the_destination_once(studio, inbox):
    studio.publish(session("tp-1"), session("tp-2"))
    work()
    assert inbox.actions() == [("create", "tp-1"), ("create", "tp-2")]
    assert studio.states() == ["delivered"]
    assert work() == 0


def test_no_transaction_is_open_while_we_send(studio, inbox):
    open_then = []

    def look(_):
        open_then.append(connection.in_atomic_block)

    inbox.answers += [look, look]
    studio.publish(session("tp-1"), session("tp-2"))
    work()
    assert open_then == [False, False]


def test_only_what_changed_is_sent(studio, inbox):
    studio.publish(session("tp-1"), session("tp-2"))
    work()
    inbox.arrived.clear()
    studio.publish(session("tp-1", title="Tempo"), session("tp-3"))
    work()
    assert sorted(inbox.actions()) == [("create", "tp-3"), ("remove", "tp-2"), ("update", "tp-1")]


def test_waiting_versions_are_superseded_and_only_the_newest_is_sent(studio, inbox):
    for title in ("One", "Two", "Three"):
        studio.publish(session("tp-1", title=title))
    work()
    assert studio.states() == ["superseded", "superseded", "delivered"]
    assert inbox.held["tp-1"]["title"] == "Three"
    assert len(inbox.arrived) == 1


def test_every_version_is_sent_in_order_where_the_destination_wants_every_one(inbox):
    world = build(delivery_mode="every")
    world.agree()
    for title in ("One", "Two", "Three"):
        world.publish(session("tp-1", title=title))
    work()
    assert [step.item.body["title"] for step in inbox.arrived] == ["One", "Two", "Three"]
    assert world.states() == ["delivered"] * 3


def test_without_consent_nothing_leaves_and_the_block_is_recorded(inbox):
    world = build()
    world.publish()
    work()
    assert inbox.arrived == []
    assert [(d.state, d.reason) for d in world.deliveries()] == [("blocked", "no_consent")]


def test_granting_consent_later_shares_the_newest_version(inbox):
    world = build()
    world.publish()
    work()
    terms = consent.Terms(fields=["title"], purpose="training")
    consents.grant(world.ben, world.destination, terms=terms, basis=BY_LINK)
    work()
    assert world.states() == ["blocked", "delivered"]
    assert inbox.held["tp-1"]["title"] == "Easy run"


def test_a_field_outside_the_consent_stays_here(inbox):
    world = build()
    world.agree(fields={"title"})
    world.publish(session("tp-1", description="Bring the knee brace", load=80.0))
    work()
    assert "knee" not in str(inbox.held)
    assert "description" in world.deliveries()[0].withheld


def test_a_withdrawal_takes_everything_back_and_nothing_follows(studio, inbox):
    studio.publish(session("tp-1"), session("tp-2"))
    work()
    consents.withdraw(studio.ben, studio.destination, basis=BY_LINK)
    studio.publish(session("tp-1", title="New"))
    work()
    assert set(inbox.held.values()) == {None}
    assert studio.states() == ["delivered", "delivered", "blocked"]
    assert work() == 0


def test_a_withdrawal_before_anything_was_sent_sends_nothing(studio, inbox):
    studio.publish()
    consents.withdraw(studio.ben, studio.destination, basis=BY_LINK)
    work()
    assert inbox.arrived == []
    assert studio.states() == ["blocked"]


def test_a_withdrawal_between_two_steps_stops_the_rest(studio, inbox):
    inbox.answers.append(lambda _: consents.withdraw(studio.ben, studio.destination, basis=BY_LINK))
    studio.publish(session("tp-1"), session("tp-2"))
    deliveries.deliver_due("worker")
    assert inbox.actions() == [("create", "tp-1")]
    studio.make_due()
    work()
    assert inbox.held == {"tp-1": None}


def test_a_transient_failure_is_tried_again_with_the_same_key(studio, inbox):
    inbox.answers.append(UnavailableError())
    studio.publish()
    work()
    waiting = studio.deliveries()[0]
    assert (waiting.state, waiting.reason) == ("waiting", "unavailable")
    assert waiting.due_at > clock.now()
    studio.make_due()
    work()
    assert studio.states() == ["delivered"]
    assert len(set(inbox.keys())) == 1


def test_deliveries_that_fail_at_the_same_time_are_not_tried_again_at_the_same_time(studio, inbox):
    open_second_route(studio, make_destination(studio.organisation, studio.ana))
    studio.publish()
    inbox.answers.extend([UnavailableError()] * 2)
    work(times=2)
    first, second = [each.next_try_at - each.settled_at for each in Attempt.objects.all()]
    assert first != second
    planned = retry.SCHEDULE[1]
    assert planned * 0.5 <= min(first, second) <= max(first, second) <= planned * 1.5


def test_a_pause_asked_for_holds_the_whole_destination(studio, inbox):
    inbox.answers.append(ThrottledError(retry_after=timedelta(minutes=10)))
    studio.publish()
    work()
    assert studio.deliveries()[0].due_at >= clock.now() + timedelta(minutes=9)
    Lane.objects.update(due_at=clock.now() - timedelta(seconds=1))
    assert work() == 0


def test_the_schedule_ends_in_dead_and_a_newer_version_starts_afresh(studio, inbox):
    studio.publish()
    for _ in range(14):
        inbox.answers.append(UnavailableError())
        studio.make_due()
        Destination.objects.update(breaker_state="closed", consecutive_failures=0)
        Attempt.objects.update(settled_at=clock.now() - timedelta(hours=1))
        deliveries.deliver_due("worker")
    assert studio.states() == ["dead"]
    assert studio.lane.state == Lane.State.DEAD
    Destination.objects.update(breaker_state="closed", consecutive_failures=0)
    studio.publish(session("tp-1", title="New"))
    work()
    assert studio.states() == ["dead", "delivered"]


def test_a_refused_payload_dies_after_three_tries(studio, inbox):
    studio.publish()
    for _ in range(3):
        inbox.answers.append(PayloadError())
        studio.make_due()
        deliveries.deliver_due("worker")
    assert [(d.state, d.reason) for d in studio.deliveries()] == [("dead", "refused")]
    assert len(inbox.arrived) == 3


def test_refused_credentials_pause_the_destination_and_spend_no_try(studio, inbox):
    inbox.answers.append(AuthorizationError())
    studio.publish()
    work()
    studio.destination.refresh_from_db()
    assert studio.destination.state == Destination.State.PAUSED
    assert (studio.states(), studio.lane.tries) == (["waiting"], 0)
    Destination.objects.update(state="active")
    work()
    assert studio.states() == ["delivered"]


def test_an_ended_address_disables_the_destination_and_keeps_the_queue(studio, inbox):
    inbox.answers.append(GoneError())
    studio.publish()
    work()
    studio.destination.refresh_from_db()
    assert studio.destination.state == Destination.State.DISABLED
    assert studio.states() == ["waiting"]


def test_after_an_unknown_outcome_a_keyed_destination_gets_the_same_version_and_key_first(
    studio, inbox
):
    inbox.answers.append(UnknownOutcomeError())
    studio.publish(session("tp-1", title="One"))
    work()
    studio.publish(session("tp-1", title="Two"))
    studio.make_due()
    work()
    assert [step.item.body["title"] for step in inbox.arrived] == ["One", "One", "Two"]
    assert inbox.keys()[0] == inbox.keys()[1] != inbox.keys()[2]
    assert studio.states() == ["delivered", "delivered"]


@pytest.mark.parametrize("waits", ["behind it", "not yet"])
def test_a_refusal_after_an_unknown_outcome_does_not_end_the_doubt(studio, inbox, waits):
    inbox.answers += [UnknownOutcomeError(), UnavailableError()]
    studio.publish(session("tp-1", title="One"))
    work()
    if waits == "behind it":
        studio.publish(session("tp-1", title="Two"))
    studio.make_due()
    work()
    assert studio.deliveries()[0].reason == "unavailable"
    if waits == "not yet":
        studio.publish(session("tp-1", title="Two"))
    studio.make_due()
    work()
    assert [step.item.body["title"] for step in inbox.arrived] == ["One", "One", "One", "Two"]
    assert len(set(inbox.keys())) == 2
    assert studio.states() == ["delivered", "delivered"]


def test_content_that_a_narrower_consent_rendered_anew_waits_for_what_may_come_late(studio, inbox):
    inbox.answers.append(UnknownOutcomeError())
    studio.publish(session("tp-1", description="Bring the knee brace"))
    work()
    studio.agree(fields={"title"})
    Lane.objects.update(due_at=clock.now())
    work()
    assert len(inbox.arrived) == 1
    assert studio.lane.due_at > clock.now() + timedelta(seconds=55)
    studio.make_due()
    work()
    assert "knee" not in str(inbox.held)
    assert studio.states() == ["delivered"]


def test_what_was_acknowledged_with_its_key_is_no_doubt_any_more(studio, inbox):
    inbox.answers += [UnknownOutcomeError(), None, UnavailableError()]
    studio.publish(session("tp-1"), session("tp-2"))
    work()
    studio.make_due()
    work()
    assert studio.deliveries()[0].reason == "unavailable"
    studio.publish(session("tp-1", title="Two"), session("tp-2"))
    assert studio.states() == ["superseded", "waiting"]


@pytest.fixture
def forgetful(monkeypatch):
    """A destination that remembers a key for four days."""
    lasting = replace(fake_destination.FakeAdapter.capabilities, key_lifetime=timedelta(days=4))
    monkeypatch.setattr(fake_destination.FakeAdapter, "capabilities", lasting)


@pytest.mark.parametrize(("days", "sent"), [(3, 2), (5, 1)])
def test_a_key_is_repeated_only_as_long_as_the_destination_remembers_it(
    studio, inbox, forgetful, days, sent
):
    inbox.answers.append(UnknownOutcomeError())
    studio.publish()
    work()
    Step.objects.update(intended_at=clock.now() - timedelta(days=days))
    studio.make_due()
    work()
    assert len(inbox.arrived) == sent
    assert studio.states() == (["delivered"] if sent == 2 else ["unknown"])


def test_what_a_person_sends_again_after_the_key_was_forgotten_is_sent(studio, inbox, forgetful):
    inbox.answers.append(UnknownOutcomeError())
    studio.publish()
    work()
    Step.objects.update(intended_at=clock.now() - timedelta(days=5))
    studio.make_due()
    work()
    unknown = Delivery.objects.get(state="unknown", reason="unknown_key_expired")
    redeliver.settle_unknown(unknown, is_there=False)
    studio.make_due()
    work()
    assert len(inbox.arrived) == 2
    assert Delivery.objects.filter(state="delivered").count() == 1


def given_up_in_doubt(studio, inbox, *, days):
    """The schedule is over, so many days ago; nobody knows whether the last call was applied."""
    inbox.answers.append(UnknownOutcomeError())
    studio.publish()
    Lane.objects.update(tries=50)
    work()
    assert [(d.state, d.reason) for d in studio.deliveries()] == [("dead", "never_acknowledged")]
    Step.objects.update(intended_at=clock.now() - timedelta(days=days))


@pytest.mark.parametrize(("days", "sent"), [(3, 2), (5, 1)])
def test_what_was_given_up_is_sent_again_only_as_long_as_its_key_is_remembered(
    studio, inbox, forgetful, days, sent
):
    given_up_in_doubt(studio, inbox, days=days)
    redeliver.redeliver(studio.deliveries()[0])
    studio.make_due()
    work()
    assert len(inbox.arrived) == sent
    assert studio.deliveries()[-1].state == ("delivered" if sent == 2 else "unknown")


@pytest.mark.parametrize("is_there", [True, False])
def test_a_person_who_was_asked_about_what_was_given_up_is_asked_once(
    studio, inbox, forgetful, is_there
):
    given_up_in_doubt(studio, inbox, days=5)
    redeliver.redeliver(studio.deliveries()[0])
    studio.make_due()
    work()
    asked = studio.deliveries()[-1]
    assert asked.reason == "unknown_key_expired"
    redeliver.settle_unknown(asked, is_there=is_there)
    studio.make_due()
    work()
    assert len(inbox.arrived) == (1 if is_there else 2)
    assert studio.deliveries()[-1].state == "delivered"
    assert RemoteRecord.objects.get().content_hash == inbox.arrived[0].item.content_hash
    redeliver.redeliver(studio.deliveries()[-1])
    studio.make_due()
    work()
    assert len(inbox.arrived) == (2 if is_there else 3), "a person wants it written again"


def test_a_repeat_has_the_number_that_its_key_had_before(studio, inbox):
    given_up_in_doubt(studio, inbox, days=0)
    redeliver.redeliver(studio.deliveries()[0])
    studio.make_due()
    work()
    first, again = inbox.arrived
    assert (again.idempotency_key, again.revision) == (first.idempotency_key, first.revision)
    studio.publish(session("tp-1", title="Newer"))
    work()
    assert inbox.arrived[-1].revision > first.revision


def test_where_nobody_can_look_a_person_is_asked_after_the_third_crash_too(inbox):
    """The first two workers died before anything had left."""
    world = build(idempotency_class="none")
    world.agree()
    world.publish()
    for _ in range(2):
        claims.claim("worker that dies")
        Lane.objects.update(due_at=LONG_AGO, lease_until=LONG_AGO)
    dies()
    assert work() == 0
    assert [(d.state, d.reason) for d in world.deliveries()] == [("unknown", "outcome_unknown")]


def test_after_an_unknown_outcome_an_upserting_destination_is_held(inbox):
    world = build(idempotency_class="upsert")
    world.agree()
    inbox.answers.append(UnknownOutcomeError())
    world.publish()
    work()
    lane = world.lane
    assert lane.hold_until > clock.now() + timedelta(seconds=50)
    Lane.objects.update(due_at=clock.now() - timedelta(seconds=1))
    assert work() == 0
    world.make_due()
    work()
    assert world.states() == ["delivered"]


def test_after_an_unknown_outcome_without_any_promise_a_person_decides(inbox):
    world = build(idempotency_class="none")
    world.agree()
    inbox.answers.append(UnknownOutcomeError())
    world.publish()
    work()
    assert world.states() == ["unknown"]
    assert world.lane.state == Lane.State.UNKNOWN
    world.make_due()
    assert work() == 0


def test_what_a_person_saw_there_is_not_made_again_when_something_else_changes(studio, inbox):
    Destination.objects.update(idempotency_class="none")
    inbox.answers.append(UnknownOutcomeError())
    studio.publish(session("tp-1"))
    work()
    redeliver.settle_unknown(studio.deliveries()[0], is_there=True)
    studio.publish(session("tp-1"), session("tp-2"))
    studio.make_due()
    work()
    assert inbox.actions() == [("create", "tp-1"), ("create", "tp-2")]
    assert studio.states() == ["delivered", "delivered"]


def test_what_a_person_saw_to_be_gone_is_not_removed_again(studio, inbox):
    Destination.objects.update(idempotency_class="none")
    studio.publish(session("tp-1"), session("tp-2"))
    work()
    inbox.answers.append(UnknownOutcomeError())
    studio.publish(session("tp-1"))
    work()
    redeliver.settle_unknown(studio.deliveries()[-1], is_there=True)
    studio.publish(session("tp-1", title="Tempo"))
    studio.make_due()
    work()
    assert inbox.actions()[2:] == [("remove", "tp-2"), ("update", "tp-1")]


def test_a_refusal_for_something_newer_there_is_said_and_written_over_by_the_next(studio, inbox):
    Destination.objects.update(idempotency_class="versioned")
    studio.publish(session("tp-1", title="One"))
    work()
    inbox.answers.append(StaleError(http_status=409))
    studio.publish(session("tp-1", title="Two"))
    work()
    (_, refused) = studio.deliveries()
    assert (refused.state, refused.reason) == ("dead", "stale")
    assert [found.kind for found in lanes.dead(clock.now())] == ["delivery_dead"]
    inbox.held["tp-1"] = {"title": "Somebody else's"}
    studio.publish(session("tp-1", title="One"))
    work()
    assert inbox.held["tp-1"]["title"] == "One"
    assert ledger().balanced


def test_a_refusal_for_something_newer_that_is_what_we_meant_is_a_delivery(studio, monkeypatch):
    calendar = readable_destination.install(monkeypatch)
    Destination.objects.update(idempotency_class="versioned")
    studio.publish(session("tp-1", title="One"))
    work()
    for there in ("Two", "Somebody else's"):
        studio.publish(session("tp-1", title="Two" if there == "Two" else "Three"))
        calendar.refuse_writes.append(StaleError(http_status=409))
        calendar.change("tp-1", title=there)
        work()
    assert studio.states() == ["delivered", "delivered", "dead"]


def take_back(studio):
    consents.withdraw(studio.ben, studio.destination, basis=BY_LINK)


def silently(during):
    """A call that is never answered, and what happens meanwhile."""

    def answer(step):
        during()
        raise UnknownOutcomeError

    return answer


@pytest.mark.parametrize("declared", ["keyed", "upsert", "none"])
@pytest.mark.parametrize("when", ["afterwards", "meanwhile", "while its worker dies"])
def test_what_is_applied_late_comes_before_its_removal(studio, inbox, declared, when):
    Destination.objects.update(idempotency_class=declared)
    studio.publish()
    if when == "while its worker dies":
        sending = deliveries.prepare(claims.claim("worker that dies"))
        sending._intend(sending.steps)
        late = sending.steps[0]
        take_back(studio)
        Lane.objects.update(lease_until=LONG_AGO)
    else:
        during = partial(take_back, studio) if when == "meanwhile" else int
        inbox.answers.append(silently(during))
        work()
        (late,) = inbox.arrived
    if when == "afterwards":
        take_back(studio)
    Lane.objects.update(due_at=LONG_AGO)
    assert work() == 0
    assert studio.lane.hold_until > clock.now() + timedelta(seconds=55)
    inbox.held[late.item_key] = late.item.body  # applied, within its window
    Attempt.objects.update(deadline_at=LONG_AGO)
    studio.make_due()
    work()
    assert inbox.held == {"tp-1": None}
    assert [step.action for step in inbox.arrived].count("create") <= 1
    assert studio.states() == ["blocked", "delivered"]
    assert ledger().balanced


def test_a_withdrawal_needs_nobody_who_looks_first(studio, inbox):
    Destination.objects.update(idempotency_class="none")
    inbox.answers.append(UnknownOutcomeError())
    studio.publish()
    work()
    assert (studio.lane.state, studio.states()) == (Lane.State.UNKNOWN, ["unknown"])
    take_back(studio)
    assert studio.lane.hold_until > clock.now()
    (asked, removal) = studio.deliveries()
    assert (asked.state, asked.reason) == ("blocked", "withdrawn")
    studio.make_due()
    work()
    removal.refresh_from_db()
    assert (removal.state, studio.lane.state) == ("delivered", Lane.State.CLOSED)
    assert ledger().balanced


def test_who_compares_versions_is_told_of_a_removal_at_once(studio, inbox):
    Destination.objects.update(idempotency_class="versioned")
    inbox.answers.append(UnknownOutcomeError())
    studio.publish()
    work()
    take_back(studio)
    Lane.objects.update(due_at=LONG_AGO)
    work()
    assert inbox.held == {"tp-1": None}


def test_what_was_acknowledged_is_taken_back_at_once(studio, inbox):
    inbox.answers.append(UnknownOutcomeError())
    studio.publish()
    work()
    studio.make_due()
    work()
    take_back(studio)
    work()
    assert inbox.held == {"tp-1": None}


def test_a_given_up_version_whose_key_nobody_acknowledged_holds_what_comes_after_it(studio, inbox):
    studio.publish(session("tp-1", title="One"))
    dies(3)
    assert not work()
    assert studio.states() == ["dead"]
    studio.publish(session("tp-1", title="Two"))
    assert not work()
    studio.make_due()
    work()
    assert studio.states() == ["dead", "delivered"]


def test_a_withdrawal_after_an_unknown_outcome_never_repeats_the_content(studio, inbox):
    inbox.answers.append(UnknownOutcomeError())
    studio.publish()
    work()
    consents.withdraw(studio.ben, studio.destination, basis=BY_LINK)
    studio.make_due()
    work()
    assert inbox.actions() == [("create", "tp-1"), ("remove", "tp-1")]


def test_a_worker_that_died_during_a_call_leaves_an_unknown_outcome_not_nothing(studio, inbox):
    studio.publish()
    claim = claims.claim("worker that dies")
    sending = deliveries.prepare(claim)
    sending._intend(sending.steps)
    studio.make_due()
    work()
    assert Attempt.objects.filter(outcome="crashed").count() == 1
    assert studio.states() == ["delivered"]
    assert RemoteRecord.objects.get().state == RemoteRecord.State.PRESENT


def test_three_crashes_quarantine_the_version(studio, inbox):
    studio.publish()
    for _ in range(3):
        claim = claims.claim("worker that dies")
        sending = deliveries.prepare(claim)
        sending._intend(sending.steps)
        studio.make_due()
    assert work() == 0
    assert [(d.state, d.reason) for d in studio.deliveries()] == [("dead", "crashes")]


def dies(times=1):
    """A worker dies over the lane, so and so often, after it has said what it is about to do."""
    for _ in range(times):
        sending = deliveries.prepare(claims.claim("worker that dies"))
        sending._intend(sending.steps)
        Lane.objects.update(due_at=LONG_AGO, lease_until=LONG_AGO, hold_until=LONG_AGO)


def test_crashes_over_an_older_version_do_not_count_against_a_newer_one(studio, inbox):
    studio.publish(session("tp-1"))
    dies(2)
    studio.publish(session("tp-1", title="Mended"))
    dies()
    studio.make_due()
    work()
    studio.make_due()  # the older one was given up, and nothing of it comes late any more
    work()
    assert studio.states()[-1] == "delivered"
    assert inbox.held["tp-1"]["title"] == "Mended"


def test_a_worker_that_wakes_late_cannot_write_over_its_successor(studio, inbox):
    studio.publish()
    late = claims.claim("sleeper")
    studio.make_due()
    work()
    outcomes.settle(late.lane, late.attempt, None)
    late.attempt.refresh_from_db()
    assert late.attempt.outcome == "late_success"
    said = [
        entry.action for entry in Entry.objects.order_by("seq") if entry.action[:7] == "attempt"
    ]
    assert said.count("attempt.answered_late") == 1
    assert said.count("attempt.settled") == 2, "the crash, and the successor's own"
    assert studio.states() == ["delivered"]
    assert studio.lane.verify_needed


def test_a_worker_that_wakes_late_says_nothing_about_what_its_successor_held_back(studio, inbox):
    studio.publish()
    late = claims.claim("sleeper")
    studio.make_due()
    work()
    held_back = studio.deliveries()[0].withheld
    deliveries.prepare(replace(late, fields=frozenset()))
    assert studio.deliveries()[0].withheld == held_back


@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [(None, "late_success", ""), (UnavailableError(), "late_failure", "unavailable")],
)
def test_an_answer_that_comes_too_late_is_recorded_as_it_was(studio, inbox, answer, outcome, code):
    def meanwhile(step):
        Lane.objects.update(epoch=F("epoch") + 1)  # another worker has the lane now
        if answer:
            raise answer

    inbox.answers.append(meanwhile)
    studio.publish()
    deliveries.deliver_due("sleeper")
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.error_code) == (outcome, code)
    assert studio.states() == ["waiting"]


def test_a_worker_that_was_taken_for_dead_is_fenced_off_before_anybody_succeeds_it(studio, inbox):
    """At a destination that may apply late, the lane is held first, and free of any lease."""
    Destination.objects.update(idempotency_class="upsert")
    studio.publish()
    late = claims.claim("sleeper")
    sending = deliveries.prepare(late)
    sending._intend(sending.steps)
    Lane.objects.update(lease_until=clock.now())
    assert claims.claim("whoever looks next") is None
    assert studio.lane.hold_until > clock.now()
    with pytest.raises(outcomes.Fenced):
        sending._intend(sending.steps)
    outcomes.settle(late.lane, late.attempt, None)
    late.attempt.refresh_from_db()
    assert late.attempt.outcome == "late_success"
    assert studio.states() == ["waiting"]
    assert studio.lane.verify_needed
    said = list(Entry.objects.values_list("action", flat=True))
    assert said.count("attempt.settled") == 1, "the crash alone"
    studio.make_due()
    work()
    assert studio.states() == ["delivered"]


def test_a_worker_that_lost_its_lease_sends_nothing_more(studio, inbox):
    studio.publish()
    sleeper = claims.claim("sleeper")
    studio.make_due()
    claims.claim("successor")
    assert isinstance(deliveries.send(sleeper), outcomes.Fenced)
    assert inbox.arrived == []


def test_one_lane_is_never_leased_twice(studio):
    studio.publish()
    assert claims.claim("one") is not None
    assert claims.claim("two") is None


def test_a_hanging_destination_fills_only_its_own_slots(studio, inbox):
    slow = make_destination(studio.organisation, studio.ana, slots=1)
    open_second_route(studio, slow)
    studio.publish()
    taken = {claims.claim(f"w{n}").lane.destination_id for n in range(2)}
    assert taken == {studio.destination.pk, slow.pk}


def open_second_route(studio, destination):

    terms = consent.Terms(fields=["title"], purpose="training")
    consents.grant(studio.ben, destination, terms=terms, basis=BY_LINK)
    return routes.open_route(
        studio.organisation,
        destination,
        routes.RouteSettings(name="Second", purpose="training", fields={"title": "training"}),
    )


def test_ten_failures_in_a_row_open_the_breaker_and_spend_nothing_while_it_is_open(studio, inbox):
    studio.publish()
    for _ in range(10):
        inbox.answers.append(UnavailableError())
        studio.make_due()
        deliveries.deliver_due("worker")
    studio.destination.refresh_from_db()
    assert studio.destination.breaker_state == "open"
    studio.make_due()
    assert work() == 0
    Destination.objects.update(breaker_until=clock.now() - timedelta(seconds=1))
    work()
    studio.destination.refresh_from_db()
    assert (studio.destination.breaker_state, studio.states()) == ("closed", ["delivered"])


def test_each_attempt_names_time_version_and_endpoint(studio):
    studio.publish()
    work()
    attempt = Attempt.objects.get()
    assert attempt.plan_version == 1
    assert attempt.endpoint == "fake"
    assert attempt.started_at <= attempt.settled_at
    assert attempt.consent_id is not None


@pytest.mark.parametrize("lacking", [{"plan_version": 0}, {"endpoint": ""}])
def test_the_database_refuses_an_attempt_that_names_no_version_or_endpoint(studio, lacking):
    studio.publish()
    work()
    refused = pytest.raises(IntegrityError, match="an_attempt_names_version_and_endpoint")
    with refused, transaction.atomic():
        Attempt.objects.update(**lacking)


@pytest.mark.parametrize("column", ["started_at", "plan_version", "endpoint"])
def test_the_database_refuses_an_attempt_that_lacks_time_version_or_endpoint(studio, column):
    studio.publish()
    work()
    with pytest.raises(IntegrityError, match=column), transaction.atomic():
        Attempt.objects.update(**{column: None})


def test_a_paused_route_keeps_its_queue(studio, inbox):

    routes.set_state(studio.route, Route.State.PAUSED)
    studio.publish()
    assert work() == 0
    assert studio.states() == ["waiting"]
    routes.set_state(studio.route, Route.State.ACTIVE)
    work()
    assert studio.states() == ["delivered"]


def test_retiring_a_route_takes_back_what_it_wrote(studio, inbox):

    studio.publish()
    work()
    routes.set_state(studio.route, Route.State.RETIRED)
    work()
    assert inbox.held == {"tp-1": None}


def test_everything_accepted_has_a_place(studio, inbox):

    inbox.answers.append(UnavailableError())
    for title in ("One", "Two", "Three"):
        studio.publish(session("tp-1", title=title))
        work()
    counted = ledger(studio.organisation.pk)
    assert counted.accepted == 3
    assert counted.balanced
    assert lanes_with_a_gap() == []
    Delivery.objects.filter(state="superseded").first().delete()
    assert not ledger().balanced
    assert lanes_with_a_gap() == [studio.lane.pk]


def test_an_answer_that_comes_after_the_lease_was_lost_writes_over_nothing(studio, inbox):
    studio.publish(session("tp-1", title="One"))
    sleeper = claims.claim("sleeper")
    sending = deliveries.prepare(sleeper)
    sending._intend(sending.steps)
    studio.make_due()
    studio.publish(session("tp-1", title="Two"))
    work()
    known = RemoteRecord.objects.get().content_hash
    late = {step.item_key: Receipt(remote_id="late") for step in sending.steps}
    assert not records.note(sleeper.lane, sleeper.attempt, sending.steps, late)
    record = RemoteRecord.objects.get()
    assert (record.content_hash, record.remote_id) == (known, "remote-tp-1")
    assert studio.lane.verify_needed


def test_a_doubt_in_a_batch_outweighs_a_refusal_that_comes_before_it(studio, inbox, monkeypatch):
    def half(self, steps):
        refused, silent = (step.item_key for step in steps)
        return {refused: UnavailableError(), silent: UnknownOutcomeError()}

    monkeypatch.setattr(fake_destination.FakeAdapter, "write_batch", half, raising=False)
    capabilities = replace(fake_destination.FakeAdapter.capabilities, batch=10)
    monkeypatch.setattr(fake_destination.FakeAdapter, "capabilities", capabilities)
    studio.publish(session("tp-1"), session("tp-2"))
    deliveries.deliver_due("worker")
    assert Attempt.objects.get().outcome == "unknown"
    assert RemoteRecord.objects.get().state == RemoteRecord.State.UNCERTAIN


def test_a_refused_payload_has_its_own_tries_whatever_came_before(studio, inbox):
    inbox.answers += [UnavailableError(), UnavailableError(), PayloadError("no")]
    studio.publish()
    for _ in range(3):
        studio.make_due()
        deliveries.deliver_due("worker")
    assert studio.states() == ["waiting"]
    inbox.answers += [PayloadError("no"), PayloadError("no")]
    for _ in range(2):
        studio.make_due()
        deliveries.deliver_due("worker")
    assert studio.states() == ["dead"]


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        (lambda: Route.objects.update(state="retired"), "refused"),
        (lambda: Athlete.objects.update(state="detached"), "refused"),
        (lambda: Destination.objects.update(state="disabled"), "refused"),
        (lambda: Route.objects.update(state="paused"), "held"),
        (lambda: Destination.objects.update(state="paused"), "held"),
    ],
    ids=["retired", "detached", "disabled", "route paused", "destination paused"],
)
def test_what_is_stopped_between_two_steps_stops_the_next_one(studio, inbox, changed, outcome):
    studio.publish(session("tp-1"), session("tp-2"))
    claim = claims.claim("worker")
    sending = deliveries.prepare(claim)
    first, second = sending.batches()
    sending.take(first)
    changed()
    with pytest.raises((outcomes.Held, outcomes.Refused)) as ended:
        sending.take(second)
    outcomes.settle(claim.lane, claim.attempt, ended.value)
    assert Attempt.objects.get().outcome == outcome
    assert inbox.actions() == [("create", "tp-1")]


def test_a_late_refusal_does_not_turn_a_destination_that_was_disabled_into_a_paused_one(
    studio, inbox
):
    studio.publish()
    claim = claims.claim("worker")
    Destination.objects.update(state="disabled", paused_reason="gone")
    outcomes.settle(claim.lane, claim.attempt, AuthorizationError())
    there = Destination.objects.get()
    assert (there.state, there.paused_reason) == ("disabled", "gone")


def test_an_item_that_a_batch_does_not_answer_for_is_unknown(studio, inbox, monkeypatch):
    def half(self, steps):
        return {steps[0].item_key: self.write(steps[0], idempotency_key=steps[0].idempotency_key)}

    monkeypatch.setattr(fake_destination.FakeAdapter, "write_batch", half, raising=False)
    capabilities = replace(fake_destination.FakeAdapter.capabilities, batch=10)
    monkeypatch.setattr(fake_destination.FakeAdapter, "capabilities", capabilities)
    studio.publish(session("tp-1"), session("tp-2"))
    deliveries.deliver_due("worker")
    assert studio.states() == ["waiting"]
    assert studio.deliveries()[0].reason == "outcome_unknown"
    monkeypatch.delattr(fake_destination.FakeAdapter, "write_batch")
    studio.make_due()
    work()
    assert studio.states() == ["delivered"]
    assert set(inbox.held) == {"tp-1", "tp-2"}


@pytest.mark.parametrize("where", ["remember_fidelity", "recipient"])
def test_a_database_that_fails_before_a_call_spends_no_try_and_blames_no_plan(
    studio, inbox, monkeypatch, where
):
    studio.publish(session("tp-1"))
    with monkeypatch.context() as trouble:
        trouble.setattr(payloads, where, database_fails)
        assert deliveries.deliver_due("worker")
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.delivery.reason) == ("postponed", "database_failed")
    assert attempt.lane.tries == 0
    assert inbox.arrived == []
    Lane.objects.update(due_at=clock.now())
    work()
    assert studio.states() == ["delivered"]


def test_a_database_that_fails_while_an_intent_is_written_spends_no_try(studio, inbox, monkeypatch):
    studio.publish(session("tp-1"))
    with monkeypatch.context() as trouble:
        trouble.setattr(records, "intend", database_fails)
        assert deliveries.deliver_due("worker")
    assert Attempt.objects.get().outcome == "postponed"
    assert Lane.objects.get().tries == 0
    assert inbox.arrived == []


def database_fails(*_):
    raise OperationalError("the connection is gone")


def test_a_destination_that_is_well_is_not_written_with_every_delivery(studio, inbox):
    def delivered(title):
        studio.publish(session("tp-1", title=title))
        work()
        return Destination.objects.get().last_ok_at

    first = delivered("One")
    assert delivered("Two") == first
    Destination.objects.update(last_ok_at=first - timedelta(seconds=10))
    assert delivered("Three") > first


def test_one_success_closes_a_breaker_that_has_just_been_well(studio, inbox):
    studio.publish(session("tp-1"))
    work()
    Destination.objects.update(failing_since=clock.now(), consecutive_failures=3)
    studio.publish(session("tp-1", title="Two"))
    work()
    there = Destination.objects.get()
    assert (there.failing_since, there.consecutive_failures) == (None, 0)
