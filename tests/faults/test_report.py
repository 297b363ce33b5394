"""When a run is green: every promise held, all of them judged, and enough happened to prove it."""

from dataclasses import replace

import pytest

from tests.faults.harness.doubts import MANY, TROUBLES, doubts_of
from tests.faults.harness.figures import measured
from tests.faults.harness.measures import PHASES
from tests.faults.harness.profile import FULL, PROFILES, RESTORE, SHORT, TINY
from tests.faults.harness.report import Report
from tests.faults.harness.run import CHECKS, _judged
from tests.faults.harness.stage import PLACES
from tests.faults.harness.verdict import SHOWN, Verdict
from tests.faults.small_run import BEN, attempt, call, say

ASKS_FOR_NOTHING = replace(
    TINY, changes=0, worker_kills=0, mid_delivery=0, web_kills=0, pump_kills=0, wipes=0, restarts=0,
    stops=0, withdrawals=0, destinations=0, halts=0, erasures=0, per_point=0, trouble=0.0,
    repeated=0.0, forged=0.0, lost=0, rolls=0, points=(),
)  # fmt: skip


def died(times, *, came=10.1):
    """So many workers that died, and a request that came to the destination, perhaps by a later
    try only.
    """

    def told(run):
        key = f"came-{came}"
        run.attempts.extend(
            attempt(f"{key}-{n}", "ben-keyed-1", "ben-keyed", 10.0, "crashed", idempotency_key=key)
            for n in range(times)
        )
        call(run, came, "ben-keyed", 3, key=key, status=None)

    return told


def died_before(run):
    """One with the request at its destination, and one before anything had left."""
    died(1)(run)
    died(1, came=300.0)(run)


def halted(run, since=199.0):
    """By default, while something was promised."""
    say(run, "put_stop", since, begun=since - 0.1, scope="", target="", mode="kill")
    say(run, "lift_stop", since + 5.1, begun=since + 5, stop="1")


def notes(what, *lines):
    def noted(run):
        for number, line in enumerate(lines):
            say(run, what, 100.0 + number, **line)

    return noted


def overslept(run, since=300.2, *, woke=306.7, ended=306.8, outcome="late_failure", held=None):
    """A worker that fell asleep over an attempt, and how that one ended."""
    slept = attempt(f"slept-{len(run.attempts)}", "ben-keyed-1", "ben-keyed", 300.0, outcome)
    run.attempts.append({**slept, "settled_at": ended})
    held = [slept["id"]] if held is None else held
    say(run, "stop", woke, times=1, since=since, woke=woke, attempts=held)


# What a profile asks for, how much, what does not count as that, and what does.
ASKED = [
    ("changes", 300, notes("edited", {"edits": 299}), notes("edited", {"edits": 1})),
    ("worker_kills", 3, notes("worker_kill", {"times": 2}, {"times": 0}),
     notes("worker_crash", {"times": 1, "point": "P14"})),
    ("mid_delivery", 2, died_before, died(1)),
    ("web_kills", 2, notes("web_kill", {"times": 1, "point": "P01"}),
     notes("web_kill", {"times": 1, "point": "P02"})),
    ("pump_kills", 1, notes("worker_kill", {"times": 1}), notes("pump_kill", {"times": 1})),
    ("rolls", 2, notes("roll", {"times": 1}), notes("roll", {"times": 1})),
    ("wipes", 2, notes("wipe", {"times": 1}), notes("wipe", {"times": 1})),
    ("restarts", 1, notes("database_down", {}), notes("restart", {"times": 1})),
    ("withdrawals", 2, notes("withdraw_crash", {"times": 1, "point": "P19"}),
     notes("withdraw", {})),  # the small run has one of its own
    ("halts", 2, halted, lambda run: halted(run, since=300.0)),
    ("erasures", 2, notes("erase_crash", {"times": 1, "point": "P21"}), notes("erase", {}, {})),
]  # fmt: skip
WORDS = {
    "worker_kills": "worker kills", "mid_delivery": "kills in the middle of a delivery",
    "web_kills": "web kills", "pump_kills": "pump kills", "wipes": "broker wipes",
    "restarts": "database restarts", "rolls": "releases",
}  # fmt: skip
FAULTS = {**WORDS, "stops": "stops past the lease"}


def test_a_run_that_was_asked_for_nothing_is_in_no_doubt(run):
    assert doubts_of(ASKS_FOR_NOTHING, run) == []


@pytest.mark.parametrize(("what", "asked", "too_little", "rest"), ASKED, ids=[a[0] for a in ASKED])
def test_less_than_was_asked_for_is_named_and_enough_is_not(what, asked, too_little, rest, run):
    profile = replace(ASKS_FOR_NOTHING, **{what: asked})
    too_little(run)
    (doubt,) = doubts_of(profile, run)
    assert doubt.startswith(f"{WORDS.get(what, what)}: ")
    assert doubt.endswith(f" of {asked}")
    rest(run)
    assert doubts_of(profile, run) == []


def test_a_stop_behind_which_nothing_was_promised_shows_nothing(run):
    halted(run, since=300.0)
    (doubt,) = doubts_of(replace(ASKS_FOR_NOTHING, halts=1), run)
    assert doubt == "promises that a stop held back: 0 of 1"


@pytest.mark.parametrize(
    "how",
    [
        {"held": []},
        {"held": ["never-there"]},
        {"ended": 300.1},
        {"since": 299.9},
        {"woke": 305.1},
    ],
    ids=["nothing", "what was never there", "ended by then", "not begun", "awake in time"],
)
def test_who_did_not_sleep_over_what_it_held_was_not_stopped_past_its_lease(how, run):
    overslept(run, **how)
    doubts = doubts_of(replace(ASKS_FOR_NOTHING, stops=1), run)
    assert doubts[0] == "stops past the lease: 0 of 1"
    overslept(run)
    assert doubts_of(replace(ASKS_FOR_NOTHING, stops=1), run) == []


def test_a_run_in_which_no_sleeper_was_fenced_off_is_in_doubt(run):
    profile = replace(ASKS_FOR_NOTHING, stops=1)
    overslept(run, outcome="success")
    assert doubts_of(profile, run) == ["attempts of sleepers that were fenced off: 0 of 1"]
    overslept(run, since=300.3, outcome="late_success")
    assert doubts_of(profile, run) == []
    told = measured(run)
    assert (told["done"]["stop"], told["slept_over"], told["slept_over_and_fenced"]) == (2, 2, 1)


def test_a_web_that_was_armed_and_did_not_die_counts_nowhere(run):
    profile = replace(ASKS_FOR_NOTHING, web_kills=1, per_point=1, points=("P01",))
    notes("web_kill", *[{"times": 0, "point": "P01"}] * 10)(run)
    assert doubts_of(profile, run) == [
        "web kills: 0 of 1",
        "crash points at which somebody died: 0 of 1",
        "too few died at P01",
    ]
    notes("web_kill", {"times": 1, "point": "P01"})(run)
    assert doubts_of(profile, run) == []


def test_a_destination_that_took_nothing_in_the_storm_is_missed(run):
    profile = replace(ASKS_FOR_NOTHING, destinations=2)
    assert doubts_of(profile, run) == []
    say(run, "healed", 100.0)  # one of the two is delivered to only then
    assert doubts_of(profile, run) == ["destinations that took something in the storm: 1 of 2"]
    assert measured(run)["in_the_storm"] == {"calls": 8, "destinations": 1, "athletes": 3}


def test_a_full_run_wants_every_destination_that_there_is():
    assert FULL.destinations == len(PLACES) >= 5
    assert len({place.kind for place in PLACES}) == 4


def test_points_at_which_too_few_died_are_named(run):
    profile = replace(ASKS_FOR_NOTHING, per_point=2, points=("P01", "P14", "P22", "P24"))
    notes("web_kill", {"times": 2, "point": "P01"})(run)
    notes("worker_crash", {"times": 1, "point": "P14"})(run)
    notes("signer_crash", {"times": 1, "point": "P22"}, {"times": 1, "point": "P22"})(run)
    assert doubts_of(profile, run) == ["too few died at P14, P24"]


def test_weather_that_never_came_is_a_doubt(run):
    for line in run.requests:
        if line.get("status") == 429:
            line["status"] = None  # a worker that died has no answer either
    assert doubts_of(replace(ASKS_FOR_NOTHING, trouble=0.1), run) == [
        "answers that were trouble: 0 of 1"
    ]


def test_weather_that_came_is_none(run):
    assert doubts_of(replace(ASKS_FOR_NOTHING, trouble=0.1), run) == []


def test_a_stranger_who_never_came_is_a_doubt(run):
    profile = replace(ASKS_FOR_NOTHING, forged=0.1)
    assert doubts_of(profile, run) == []
    for line in run.did("repeated", "forged"):
        line["phase"] = "flood"  # that is measured after the storm
    assert doubts_of(profile, run) == ["posts of a stranger: 0 of 1"]


def test_someone_has_died_at_half_of_the_points_that_are_visited(run):
    profile = replace(ASKS_FOR_NOTHING, visits=3, points=("P01", "P14", "P22", "P24"))
    notes("worker_crash", {"times": 9, "point": "P14"}, {"times": 0, "point": "P16"})(run)
    assert doubts_of(profile, run) == ["crash points at which somebody died: 1 of 2"]
    notes("signer_crash", {"times": 1, "point": "P22"})(run)
    assert doubts_of(profile, run) == []


def test_a_backup_that_was_never_put_back_is_a_doubt(run):
    profile = replace(ASKS_FOR_NOTHING, restore=True)
    assert doubts_of(profile, run) == ["backups that were put back: 0 of 1"]
    say(run, "restored", 100.0)
    assert doubts_of(profile, run) == []


def test_a_phase_that_was_not_measured_is_a_doubt(run):
    profile = replace(ASKS_FOR_NOTHING, figures=True)
    several = [{"phase": phase.__name__} for phase in PHASES]
    notes("phase_over", *several[1:], *several[1:])(run)
    assert doubts_of(profile, run) == [f"phases that were measured: 6 of {len(PHASES)}"]
    notes("phase_over", several[0])(run)
    assert doubts_of(profile, run) == []


def healed_before(run):
    """What was lost after the storm was to be lost."""
    say(run, "healed", 90.0)
    lose(run)


def lose(run):
    run.posts.append({"athlete": BEN, "at": 100.0, "outcome": "dropped"})


def answer(run, status, *, lasts=0.1):
    call(run, 300.0, "ben-upsert", 3, status=status, lasts=lasts)


def never_throttled(run):
    for line in run.requests:
        if line.get("status") == 429:
            line["status"] = 503


def throttled(run):
    """And asked again."""
    answer(run, 429)
    call(run, 302.0, "ben-upsert", 3)


def late(run, *, by):
    """Done so long after the caller had gone."""
    answer(run, None, lasts=1.5)
    about = {"name": "upsert", "request": run.requests[-1]["request"], "key": "late"}
    body = {"plan": "ben", "revision": 3, "titles": {}}
    run.effects.append({**about, "at": 301.5 + by, "gone": False, "revision": 3, "body": body})


MUCH = replace(ASKS_FOR_NOTHING, changes=MANY)
TROUBLE = {"trouble": None}  # so much that every kind of it comes, with the calls of this run
SURELY = [
    (TROUBLE, "answers that were failures", lambda run: answer(run, 429),
     lambda run: answer(run, 502)),
    (TROUBLE, "calls that were never answered", lambda run: answer(run, None, lasts=0.9),
     lambda run: answer(run, None, lasts=1.5)),
    (TROUBLE, "effects that came when the caller had gone",
     lambda run: late(run, by=-0.1), lambda run: late(run, by=0.1)),
    (TROUBLE, "calls after a pause that was asked for",
     never_throttled, throttled),
    ({"lost": 100}, "webhooks that were lost", healed_before,
     lambda run: lose(run) or run.did("healed")[0].update(at=110.0)),
    ({"repeated": 1.0}, "webhooks that came twice", lambda run: run.did("repeated")[0].update(
        phase="flood"), notes("repeated", {"athlete": BEN, "status": 202})),
    ({"forged": 1.0}, "forged webhooks", lambda run: run.did("forged")[0].update(phase="flood"),
     notes("forged", {"athlete": BEN, "status": 404})),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "what", "none", "one"), SURELY, ids=[a[1] for a in SURELY])
def test_what_must_have_come_and_never_came_is_a_doubt(asked, what, none, one, run):
    none(run)
    doubt, profile, by_chance = f"{what}: 0 of 1", replace(MUCH, **asked), {"changes": MANY - 1}
    if asked is TROUBLE:
        each = TROUBLES / measured(run)["in_the_storm"]["calls"]
        profile = replace(MUCH, trouble=each * (MANY + 0.5))
        by_chance = {"trouble": each * (MANY - 0.5)}
    assert doubt in doubts_of(profile, run)
    assert doubt not in doubts_of(replace(profile, **by_chance), run)
    one(run)
    del run.calls
    assert doubt not in doubts_of(profile, run)


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_a_run_in_which_nothing_happened_is_in_doubt_whatever_its_profile(name, run):
    run.history[:] = run.did("cast", "settled")
    run.requests.clear()
    doubts = doubts_of(PROFILES[name], run)
    assert any(doubt.startswith("changes: 0 of") for doubt in doubts)
    assert any(doubt.startswith("withdrawals: 0 of") for doubt in doubts)


def untroubled(run):
    """What people did stays as it was; every call is answered well, and no stranger comes."""
    for line in run.requests:
        if line["event"] == "ended":
            line["status"] = 200
    run.history[:] = [line for line in run.history if line["what"] not in {"repeated", "forged"}]


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_a_run_with_all_its_changes_and_without_any_fault_is_in_doubt_over_each(name, run):
    profile = PROFILES[name]
    untroubled(run)
    notes("edited", {"edits": profile.changes})(run)
    asked = {words: getattr(profile, what) for what, words in FAULTS.items()}
    asked |= {"answers that were trouble": int(profile.trouble > 0), "posts of a stranger": 1}
    doubts = doubts_of(profile, run)
    assert {f"{what}: 0 of {times}" for what, times in asked.items() if times} <= set(doubts)
    nobody_died = any(
        doubt.startswith("crash points at which somebody died: 0") for doubt in doubts
    )
    assert nobody_died == bool(profile.points)
    assert not any(doubt.startswith("changes: ") for doubt in doubts)


# --- the verdicts ------------------------------------------------------------------------------


def test_what_looked_at_nothing_has_proved_nothing():
    verdict = Verdict("I1", "nothing lost")
    assert not verdict.held
    assert verdict.line().startswith("RED I1")
    assert "nothing to look at" in verdict.line()


def test_one_violation_is_enough():
    verdict = Verdict("I1", "nothing lost", looked_at=1_000)
    assert verdict.held
    verdict.broken("lane 7")
    assert not verdict.held
    assert "RED" in verdict.line()
    assert "1 violations" in verdict.line()


def test_a_verdict_counts_all_violations_and_quotes_the_first():
    verdict = Verdict("I1", "nothing lost", 9, [f"lane {number}" for number in range(SHOWN + 4)])
    told = verdict.as_json()
    assert (told["held"], told["violations"], len(told["first"])) == (False, SHOWN + 4, SHOWN)


HELD, RED = Verdict("I1", "nothing lost", 5), Verdict("I2", "no effect twice", 5, ["twice"])
EMPTY = Verdict("I8", "a bad destination hurts only itself")


@pytest.mark.parametrize(
    ("verdicts", "doubts", "green", "broken"),
    [
        ([HELD], [], True, []),
        ([HELD, RED], [], False, ["I2"]),
        ([HELD, EMPTY], [], False, []),
        ([HELD], ["changes: 0 of 200"], False, []),
    ],
    ids=["all held", "one broken", "one looked at nothing", "no proof"],
)
def test_a_run_is_green_only_if_all_held_and_nothing_is_doubted(verdicts, doubts, green, broken):
    report = Report("tiny", 1, "sqlite", "", verdicts, {}, 30.0, doubts)
    assert (report.green, report.broken()) == (green, broken)
    assert report.as_json()["green"] is green
    assert all(f"no proof: {doubt}" in report.text() for doubt in doubts)


# --- which promises are judged -----------------------------------------------------------------


def judged(profile, run):
    return [verdict.invariant for verdict in _judged(profile, run)]


EVERY = [f"I{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 11, 12, 13, 14)]


def test_a_full_run_judges_every_promise(run):
    assert judged(FULL, run) == EVERY
    assert len(CHECKS) == len(EVERY)


def test_a_short_run_leaves_out_only_what_needs_a_destination_that_hangs(run):
    assert judged(SHORT, run) == [each for each in EVERY if each != "I8"]


def test_after_a_restore_only_what_the_backup_may_have_lost_is_left_out(run):
    assert judged(RESTORE, run) == ["I1", "I2", "I3", "I5", "I6", "I7", "I10", "I12", "I13"]


def test_a_small_run_that_kept_everything_is_green(run):
    verdicts = _judged(SHORT, run)
    assert Report("short", 1, "sqlite", "", verdicts, {}, 400.0).green
