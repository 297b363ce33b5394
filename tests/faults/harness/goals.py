"""The goals that a full run is measured against: each told with its figure, met or not.

A goal that is missed turns no run red: how soon something happens depends on the machine. What must
never happen is judged by the promises.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.faults.harness.figures import WORSE
from tests.faults.harness.report import Report
from tests.faults.harness.stage import BURST, CROWDED

SEVERAL_TIMES = 10  # deaths at each crash point
LONGEST_RUN = 25 * 60.0  # seconds
Measure = Callable[[Report], float | None]


@dataclass(frozen=True)
class Goal:
    """`measure` gives seconds, or how many; None where the run did not measure it."""

    name: str
    words: str
    measure: Measure
    bound: Callable[[Report], float]
    unit: str = " s"
    at_least: bool = False

    def cell(self, report: Report) -> str:
        figure, bound = self.measure(report), self.bound(report)
        if figure is None:
            return "not measured"
        met = figure >= bound if self.at_least else figure <= bound
        return f"{figure:g}{self.unit}{'' if met else ' – **not met**'}"

    def aim(self, report: Report) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound(report):g}{self.unit}"


def table(reports: Sequence[Report]) -> str:
    """Markdown: a row for each goal, its aim, and a column for each run."""
    heads = [f"{report.database}, seed {report.seed}" for report in reports]
    lines = [_row("", "", "aim", *heads), _row("---", "---", "---:", *["---:"] * len(reports))]
    for goal in GOALS:
        aims = {goal.aim(report): None for report in reports}  # in their order, each once
        cells = [goal.cell(report) for report in reports]
        lines.append(_row(goal.name, goal.words, " / ".join(aims), *cells))
    return "\n".join(lines)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _of(name: str, part: str = "") -> Measure:
    """A figure by its name, or a part of one: p95, max, …"""

    def measure(report: Report) -> float | None:
        found: Any = report.figures.get(name)
        if found is None or not part:
            return found if found is None else float(found)
        return float(found[part])

    return measure


def _most(bound: float) -> Callable[[Report], float]:
    return lambda _: bound


def _rarest_point(report: Report) -> float | None:
    points = report.figures["crash_points"]
    return min(points.values()) if points else None


def _refused_by_the_flood(report: Report) -> float | None:
    flood = report.figures.get("G10_flood_of_webhooks")
    return flood and sum(n for status, n in flood["answers"].items() if status != "202")


def _p99_of_the_flood(report: Report) -> float | None:
    flood = report.figures.get("G10_flood_of_webhooks")
    return flood and float(flood["took"]["p99"])


def _twice_the_usual(report: Report) -> float:
    usual = report.figures.get("G11_edit_to_effect_beside_a_crowd")
    return round(WORSE * usual["p95"], 2) if usual else 0.0


def _too_soon(report: Report) -> float | None:
    pauses = report.figures.get("G12_first_calls_after_a_pause")
    return float(pauses["too_soon"]) if pauses and pauses["n"] else None


def _violations(report: Report) -> float:
    return sum(len(verdict.violations) for verdict in report.verdicts)


GOALS = (
    Goal("G1", "promises broken", _violations, _most(0), unit=""),
    Goal("G1", "the whole run", lambda report: round(report.seconds), _most(LONGEST_RUN)),
    Goal(
        "G3", "deaths at the crash point with the fewest", _rarest_point, _most(SEVERAL_TIMES),
        unit="", at_least=True,
    ),
    Goal(
        "G5", "a lane goes on after its worker died (lease 5 s), slowest",
        _of("G5_lane_moves_on_after_a_kill", "max"), _most(10),
    ),
    Goal(
        "G6", "edit to effect without a broker, p95",
        _of("G6_edit_to_effect_without_a_broker", "p95"), _most(8),
    ),
    Goal(
        "G6", "woken by the broker again after its return",
        _of("G6_consuming_after_its_return"), _most(30),
    ),
    Goal(
        "G7", "first delivery after the database, slowest",
        _of("G7_first_delivery_after_the_database", "max"), _most(10),
    ),
    Goal(
        "G8", "1,000 lanes drained after an outage",
        _of("G8_drained_after_an_outage", "seconds"), _most(120),
    ),
    Goal(
        "G8", "… requests in the busiest second: its rate, and what may come at once",
        _of("G8_drained_after_an_outage", "most_in_a_second"), _most(CROWDED * (1 + BURST)),
        unit="",
    ),
    Goal("G9", "edit to effect in calm, p95", _of("G9_edit_to_effect_in_calm", "p95"), _most(5)),
    Goal("G9", "… p99", _of("G9_edit_to_effect_in_calm", "p99"), _most(10)),
    Goal(
        "G10", "2,000 webhooks as fast as 200 a second: not thanked",
        _refused_by_the_flood, _most(0), unit="",
    ),
    Goal("G10", "… the answer, p99", _p99_of_the_flood, _most(0.25)),
    Goal(
        "G11", "edit to effect beside a destination that hangs, p95 (twice the usual)",
        _of("G11_edit_to_effect_beside_one_that_hangs", "p95"), _twice_the_usual,
    ),
    Goal(
        "G12", "requests that came before the pause was over that a 429 asked for",
        _too_soon, _most(0), unit="",
    ),
    Goal(
        "G13", "edit to effect with every webhook lost, slowest",
        _of("G13_edit_to_effect_without_webhooks", "max"), _most(900),
    ),
)  # fmt: skip
