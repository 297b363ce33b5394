"""I1 to I4, I9, I13 and I14 judge a small run: kept as it is, and broken in each way they name."""

import pytest

from tests.faults.harness.promises import (
    MOST_ATTEMPTS,
    SCHEDULE,
    i1_nothing_lost,
    i2_no_duplicate_effect,
    i3_order_kept,
    i4_consent_respected,
    i9_bounded,
    i13_recovers_alone,
    i14_says_so,
)
from tests.faults.small_run import (
    BEN,
    ERASED,
    OVER,
    SETTLED,
    WITHDREW,
    attempt,
    begun,
    call,
    names_it,
    row,
    say,
    spoiled,
)

RATE, BURST, LEEWAY = 20, 10, 2  # of each destination of the small run
CHECKS = [
    i1_nothing_lost, i2_no_duplicate_effect, i3_order_kept, i4_consent_respected, i9_bounded,
    i13_recovers_alone, i14_says_so,
]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS)
def test_what_was_kept_is_found_kept_by_looking_at_something(check, run):
    verdict = check(run)
    assert (verdict.violations, verdict.held) == ([], True)


@spoiled(
    ("a promise without a delivery",
     lambda run: row(run.lanes, "ben-keyed").update(desired=3), "3 promises, 2 deliveries"),
    ("one revision promised twice",
     lambda run: row(run.deliveries, "ben-keyed-2").update(revision=1), "2 promises"),
    ("a delivery that still waits",
     lambda run: row(run.deliveries, "ben-keyed-2").update(state="waiting"), "still waiting"),
    ("given up, and no worker died over it",
     lambda run: row(run.deliveries, "ben-upsert-1").update(reason="unavailable"), "given up"),
    ("given up before enough workers died",
     lambda run: row(run.attempts, "died-0").update(outcome="transient"), "given up"),
    ("a calendar that changed and was not read",
     lambda run: row(run.sources, "ben-source").update(dirty_seq=4), "never read again"),
    ("a session that did not come",
     lambda run: run.titles[BEN].add("s-9"), "keyed plan ben: lacks ['s-9']"),
    ("a session that should have gone",
     lambda run: run.titles[BEN].discard("s-4"), "keyed plan ben: lacks [], has ['s-4']"),
    ("what was withdrawn and is still there",
     lambda run: run.effects.remove(removal_of(run, "eva")), "has ['s-2'] (agrees: False)"),
    ("what nobody has received",
     lambda run: run.effects.clear(), "lacks ['s-4']"),
)  # fmt: skip
def test_what_was_lost_is_seen(spoil, words, run):
    spoil(run)
    assert names_it(i1_nothing_lost, run, words)


def removal_of(run, plan):
    (found,) = (one for one in run.effects if one["gone"] and one["body"]["plan"] == plan)
    return found


def test_a_calendar_that_nobody_may_read_owes_nothing(run):
    row(run.sources, "ben-source").update(dirty_seq=4, state="suspended")
    assert i1_nothing_lost(run).held


def test_two_destinations_of_one_class_answer_each_for_itself(run):
    beside(run, "twin")
    assert not [check(run).violations for check in CHECKS if check(run).violations]
    run.effects.pop()
    del run.effects_of
    assert names_it(i1_nothing_lost, run, "twin plan ben: lacks")


def beside(run, name):
    """Another destination of the class of `upsert`, which has Ben's newest plan as well."""
    run.destinations.append({**run.destination_named["upsert"], "name": name, "id": f"{name}-id"})
    del run.destination_named
    lane, delivery = row(run.lanes, "ben-upsert"), row(run.deliveries, "ben-upsert-2")
    here = {"id": f"ben-{name}", "destination_id": f"{name}-id", "desired": 1, "settled": 1}
    run.lanes.append({**lane, **here})
    run.deliveries.append({**delivery, "id": "first", "lane_id": here["id"], "revision": 1})
    run.decisions.append({**run.decisions[0], "destination_id": f"{name}-id"})
    call(run, 200.0, here["id"], 1, ["s-4", "Long run"])


@spoiled(
    ("the same key", {}, "key ben-keyed-2 took effect 2 times"),
    ("another key", {"key": "another"}, "one promise took effect 2 times"),
)
def test_an_effect_that_happened_twice_is_seen(spoil, words, run):
    call(run, 25.0, "ben-keyed", 2, ["s-4"], **spoil)
    assert names_it(i2_no_duplicate_effect, run, words)


def test_what_is_older_and_comes_after_what_is_newer_is_seen(run):
    call(run, 25.0, "ben-keyed", 1, ["s-1"], key="late")
    assert names_it(i3_order_kept, run, "revision 1 (request 10) after 2 (request 6)")


@pytest.mark.parametrize("lasts", [1.4, 9.0])
def test_two_calls_of_one_lane_at_once_are_seen(lasts, run):
    call(run, 300.0, "ben-upsert", 3, ["s-4"], lasts=lasts, status=None)
    call(run, 301.0, "ben-upsert", 3, ["s-4"])
    assert names_it(i3_order_kept, run, "requests 10 and 11 at once")


def test_who_was_taken_for_dead_does_not_run_beside_its_successor(run):
    call(run, 300.0, "ben-upsert", 3, ["s-4"], lasts=9.0, status=None)
    call(run, 305.1, "ben-upsert", 3, ["s-4"])
    assert i3_order_kept(run).held


def forget(run, action, **about):
    """The log without its entries of this."""
    run.entries[:] = [
        entry
        for entry in run.entries
        if entry["action"] != action or not about.items() <= entry.items()
    ]


def log(run, after, action, **about):
    """An entry more, behind the last one of this time."""
    place = sum(entry["time"] <= after for entry in run.entries)
    run.entries.insert(place, {"action": action, "time": after, "seq": place, **about})


EVA_THERE = {"subject": "eva", "destination": "keyed-id"}


@spoiled(
    ("nobody said yes",
     lambda run: forget(run, "consent.granted", subject="eva"), "attempt eva-keyed-1-a (entry"),
    ("somebody said no",
     lambda run: log(run, 10.0, "consent.declined", **EVA_THERE), "attempt eva-keyed-1-a (entry"),
    ("an attempt after a withdrawal",
     lambda run: log(run, WITHDREW, "attempt.started", attempt="late", delivery="d", **EVA_THERE),
     "attempt late (entry"),
    ("content after a withdrawal",
     lambda run: call(run, 32.7, "eva-keyed", 1, ["s-2"]), "content after the withdrawal"),
    ("content after an erasure",
     lambda run: call(run, 42.7, "zoe-keyed", 1, ["s-3"]), "content after the erasure"),
    ("an erasure that was never done",
     lambda run: run.erasures[0].update(state="asked"), "athlete zoe was never erased"),
    ("what was erased and is still there",
     lambda run: run.effects.remove(removal_of(run, "zoe")), "keyed still holds plan zoe"),
)  # fmt: skip
def test_what_was_shared_without_consent_is_seen(spoil, words, run):
    spoil(run)
    assert names_it(i4_consent_respected, run, words)


@pytest.mark.parametrize(("lane", "since"), [("eva-keyed", WITHDREW), ("zoe-keyed", ERASED)])
def test_a_call_that_was_under_way_may_end(lane, since, run):
    call(run, since + 1.0, lane, 1, ["s-2"], status=None)
    assert i4_consent_respected(run).held


def test_who_agrees_again_is_sent_to_again(run):
    say(run, "grant", 33.0, begun=32.9, athlete="eva", destination="keyed-id")
    call(run, 35.0, "eva-keyed", 3, ["s-2"])
    assert i4_consent_respected(run).held


def crowd(run, calls, within):
    for number in range(calls):
        call(run, 300.0 + number * within / calls, "ben-upsert", number, status=None)


KEYED = {"scope": "destination", "target": "keyed-id"}
BENS = {"scope": "athlete", "target": "ben"}
ALL = {"scope": "", "target": ""}


def stopped(run, what=ALL, *, begun=302.0):
    """A stop stands from 300 to 305; a call to `keyed` for Ben, of a try that was begun then."""
    say(run, "put_stop", 300.0, begun=299.9, mode="pause", **what)
    say(run, "lift_stop", 305.1, begun=305.0, stop="1")
    sent(run, begun)


def switched_off(run, *, begun=302.0):
    say(run, "pause", 300.0, begun=299.9, destination="keyed-id")
    say(run, "resume", 305.1, begun=305.0, destination="keyed-id")
    sent(run, begun)


def claimed_before(run):
    """Nobody asked again before the call."""
    stopped(run, begun=299.0)
    row(run.attempts, "sent")["deadline_at"] = 302.0 + 1.5


def sent(run, begun):
    run.attempts.append(attempt("sent", "ben-keyed-2", "ben-keyed", begun, idempotency_key="sent"))
    call(run, max(begun, 302.1), "ben-keyed", 2, key="sent")


@spoiled(
    ("more tries than the schedule has",
     lambda run: run.attempts.extend(begun("ben-keyed-1", SCHEDULE + 1, "transient")),
     "delivery ben-keyed-1 spent 28 tries of 27"),
    ("doubts count like refusals",
     lambda run: run.attempts.extend(begun("ben-keyed-1", SCHEDULE + 1, "unknown")), "spent 28"),
    ("begun without end",
     lambda run: run.attempts.extend(begun("ben-keyed-1", MOST_ATTEMPTS, "crashed")),
     "delivery ben-keyed-1 was begun 38 times"),
    ("more calls than the rate allows",
     lambda run: crowd(run, RATE + BURST + LEEWAY + 1, 0.9), "upsert: 33 calls in one second"),
    ("a call before the pause is over",
     lambda run: call(run, 21.0, "ben-keyed", 2), "request 10 came before the pause was over"),
    ("a try that was begun though everything is stopped", stopped, "request 10 left what was"),
    ("… though the destination is", lambda run: stopped(run, KEYED), "request 10 left what was"),
    ("… though the athlete is", lambda run: stopped(run, BENS), "request 10 left what was"),
    ("… though the destination is switched off", switched_off, "request 10 left what was"),
    ("a try that was claimed before and meant after it", claimed_before, "request 10 left what"),
    ("a try of which no row tells", lambda run: (stopped(run), run.attempts.pop()),
     "request 10 left what was"),
)  # fmt: skip
def test_what_is_beyond_a_bound_is_seen(spoil, words, run):
    spoil(run)
    run.requests.sort(key=lambda line: line["at"])
    assert names_it(i9_bounded, run, words)


@pytest.mark.parametrize(
    "bear",
    [
        lambda run: run.attempts.extend(begun("ben-keyed-1", SCHEDULE, "transient")),
        lambda run: run.attempts.extend(begun("ben-keyed-1", SCHEDULE + 9, "crashed")),
        lambda run: crowd(run, RATE + BURST + LEEWAY, 0.9),
        lambda run: crowd(run, 3 * RATE, 3.0),
        lambda run: call(run, 20.5, "ben-upsert", 2),  # the pause is told for the record, and …
        lambda run: stopped(run, begun=300.5),
        lambda run: stopped(run, begun=305.2),
        lambda run: stopped(run, {"scope": "destination", "target": "upsert-id"}),
        lambda run: stopped(run, {"scope": "athlete", "target": "eva"}),
    ],
    ids=[
        "the whole schedule",
        "crashes of ours",
        "a burst",
        "the rate",
        "another lane",
        "begun before the stop",
        "begun after it",
        "another destination",
        "another athlete",
    ],
)
def test_what_is_just_within_its_bound_is_none_of_it(bear, run):
    bear(run)
    run.requests.sort(key=lambda line: line["at"])
    assert i9_bounded(run).held


def test_what_is_owed_when_patience_ends_is_seen(run):
    (settled,) = run.did("settled")
    settled.update(settled=False)
    assert names_it(i13_recovers_alone, run, "still owed")


def test_a_run_that_never_waited_for_its_end_has_recovered_from_nothing(run):
    run.history[:] = [line for line in run.history if line["at"] != SETTLED]
    verdict = i13_recovers_alone(run)
    assert (verdict.violations, verdict.held) == ([], False)


@spoiled(
    ("given up in silence",
     lambda run: run.alerts.remove(row(run.alerts, "dead")), "ben-upsert-1 is dead"),
    ("told after more than a minute and a look",
     lambda run: row(run.alerts, "dead").update(first_at=90.5), "ben-upsert-1 is dead"),
    ("told before, and taken back",
     lambda run: row(run.alerts, "dead").update(first_at=2.0, resolved_at=19.0), "is dead"),
    ("told of another destination",
     lambda run: row(run.alerts, "dead").update(destination_id="keyed-id"), "is dead"),
    ("told with the cause of another one",
     lambda run: row(run.alerts, "dead").update(subject="destination:upsert-id:payload"),
     "is dead"),
    ("a person who is not told of being waited for",
     lambda run: row(run.alerts, "asked").update(kind="delivery_dead"), "ben-none-1 is unknown"),
)  # fmt: skip
def test_what_nobody_is_told_of_is_seen(spoil, words, run):
    spoil(run)
    assert names_it(i14_says_so, run, words)


@pytest.mark.parametrize(
    "excuse",
    [
        lambda run: row(run.alerts, "dead").update(first_at=89.5),
        lambda run: row(run.alerts, "dead").update(first_at=2.0),
    ],
    ids=["within a minute and a look", "it stood already"],
)
def test_what_is_told_in_time_is_told(excuse, run):
    excuse(run)
    assert i14_says_so(run).held


def test_a_newer_promise_answers_for_what_was_given_up_before_it(run):
    run.alerts.remove(row(run.alerts, "dead"))
    row(run.deliveries, "ben-upsert-2").update(accepted_at=80.0)
    assert i14_says_so(run).held


def test_what_is_given_up_as_the_run_ends_is_not_judged(run):
    run.alerts.remove(row(run.alerts, "dead"))
    row(run.deliveries, "ben-upsert-1").update(settled_at=OVER - 60.0)
    assert i14_says_so(run).held
