"""I8: what one destination that hangs may cost the others; and how seconds become figures."""

import pytest

from tests.faults.harness.figures import i8_a_bad_one_hurts_only_itself, measured, spread
from tests.faults.small_run import call, names_it, say

USUAL, BESIDE = "beside_a_crowd", "beside_one_that_hangs"
BEGINS = {USUAL: 500.0, BESIDE: 600.0}


@pytest.fixture
def touch(run):
    """`touch(phase, took, …)`: edits of a phase and how soon each came; None: it never came."""

    def touched(phase, *took):
        begun = BEGINS[phase]
        say(run, "phase_begun", begun, phase=phase)
        for number, seconds in enumerate(took):
            title, at = f"s-{phase}-{number}", begun + number
            say(run, "touched", at, phase=phase, title=title)
            if seconds is not None:
                call(run, at + seconds, "ben-keyed", int(at), [title], lasts=0.0)
        say(run, "phase_over", begun + 50.0, phase=phase)

    return touched


@pytest.fixture
def hangs(run):
    call(run, BEGINS[BESIDE] + 1.0, "ben-upsert", 3, ["s-4"], status=None, lasts=1.5)


def test_the_others_may_be_twice_as_slow(run, touch, hangs):
    touch(USUAL, *[1.0] * 20)
    touch(BESIDE, *[2.0] * 20)
    verdict = i8_a_bad_one_hurts_only_itself(run)
    assert (verdict.violations, verdict.looked_at) == ([], 20)


def test_others_that_are_slower_than_that_are_seen(run, touch, hangs):
    touch(USUAL, *[1.0] * 20)
    touch(BESIDE, *[0.5] * 18, 2.1, 2.1)
    assert names_it(i8_a_bad_one_hurts_only_itself, run, "p95 was 1.0 s, and 2.1 s")


@pytest.mark.parametrize("came", [0, 19])
def test_an_edit_that_never_came_is_not_left_out(came, run, touch, hangs):
    touch(USUAL, *[1.0] * 20)
    touch(BESIDE, *[1.0] * came, *[None] * (20 - came))
    assert names_it(i8_a_bad_one_hurts_only_itself, run, f"of 20 edits {came} came")


@pytest.mark.parametrize("phases", [[], [USUAL], [BESIDE]], ids=["none", "usual", "beside"])
def test_what_was_not_measured_is_not_held(phases, run, touch, hangs):
    for phase in phases:
        touch(phase, 1.0, 1.0)
    assert not i8_a_bad_one_hurts_only_itself(run).held


def test_where_nothing_hung_nothing_was_shown(run, touch):
    touch(USUAL, 1.0, 1.0)
    touch(BESIDE, 1.0, 1.0)
    verdict = i8_a_bad_one_hurts_only_itself(run)
    assert (verdict.violations, verdict.held) == ([], False)


def test_what_came_too_soon_after_a_pause_is_counted(run):
    assert measured(run)["G12_first_calls_after_a_pause"] == {"n": 1, "too_soon": 0}
    row = next(line for line in run.requests if line["at"] == 21.1)
    row["at"] = 20.9
    del run.calls
    assert measured(run)["G12_first_calls_after_a_pause"] == {"n": 1, "too_soon": 1}


def test_a_spread_tells_the_middle_and_the_slowest():
    assert spread([]) is None
    assert spread([2.0]) == {"n": 1, "p50": 2.0, "p95": 2.0, "p99": 2.0, "max": 2.0}
    assert spread([float(n) for n in range(101)]) == {
        "n": 101, "p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0,
    }  # fmt: skip
