"""What a run says about its goals: met, not met, not measured."""

import pytest

from tests.faults.harness import goals, table
from tests.faults.harness.report import Report
from tests.faults.harness.verdict import Verdict

CALM = "G9_edit_to_effect_in_calm"
USUAL = "G11_edit_to_effect_beside_a_crowd"
BESIDE = "G11_edit_to_effect_beside_one_that_hangs"


def report(**figures):
    known = {
        "changes": 10, "promises": {"delivered": 8}, "kills": {"worker_kill": 2},
        "crash_points": {"P01": 12, "P02": 9}, CALM: {"p95": 1.5, "p99": 2.0},
    }  # fmt: skip
    held = Verdict("I1", "nothing lost", looked_at=8)
    return Report("full", 3, "sqlite", "", [held], known | figures, seconds=1149.4)


@pytest.fixture
def told():
    """The cells of each goal's row, by its words."""

    def rows(one):
        cells = [line.strip("| ").split(" | ") for line in goals.table([one]).splitlines()[2:]]
        return {words: (aim, cell) for _, words, aim, cell in cells}

    return rows


def test_a_goal_that_is_reached_is_told_with_its_figure_and_its_aim(told):
    assert told(report())["edit to effect in calm, p95"] == ("≤ 5 s", "1.5 s")


def test_a_goal_that_is_missed_says_so(told):
    words = "deaths at the crash point with the fewest"
    assert told(report())[words] == ("≥ 10", "9 – **not met**")


def test_what_a_run_did_not_measure_is_no_goal_met(told):
    assert told(report())["woken by the broker again after its return"][1] == "not measured"


def test_beside_a_destination_that_hangs_twice_the_usual_is_allowed(told):
    words = "edit to effect beside a destination that hangs, p95 (twice the usual)"
    usual = {USUAL: {"p95": 1.5}}
    assert told(report(**usual, **{BESIDE: {"p95": 3.0}}))[words] == ("≤ 3 s", "3 s")
    assert told(report(**usual, **{BESIDE: {"p95": 3.1}}))[words] == (
        "≤ 3 s",
        "3.1 s – **not met**",
    )


PAUSES = "G12_first_calls_after_a_pause"


@pytest.mark.parametrize(
    ("pauses", "cell"),
    [
        ({"n": 40, "too_soon": 0}, "0"),
        ({"n": 40, "too_soon": 1}, "1 – **not met**"),
        ({"n": 0, "too_soon": 0}, "not measured"),
        (None, "not measured"),  # as in reports from before there was this figure
    ],
)
def test_a_pause_is_obeyed_only_where_one_was_asked_for(pauses, cell, told):
    words = "requests that came before the pause was over that a 429 asked for"
    assert told(report(**{PAUSES: pauses}))[words] == ("≤ 0", cell)


def test_a_report_reads_as_it_was_written(tmp_path):
    broken = report()
    broken.verdicts[0].violations = [f"lane {number}" for number in range(12)]
    broken.write(tmp_path / "report.json")
    again = Report.read(tmp_path / "report.json")
    assert again.text() == broken.text()
    assert table.runs([again]) == table.runs([broken])
    assert "**red**" in table.runs([again])
