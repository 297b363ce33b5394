"""The tables of the README: what was done to the engine, and what became of its promises.

python -m tests.faults.harness.table var/faults/*/*/report.json tells of runs that have ended.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.faults.harness import goals
from tests.faults.harness.report import Report

Cell = Callable[[dict[str, Any]], Any]


def table(reports: Sequence[Report]) -> str:
    """Markdown, a column for each run."""
    heads = [f"{report.database}, seed {report.seed}" for report in reports]
    lines = [_row("", heads), _row("---", ["---:"] * len(reports))]
    for words, cell in ROWS.items():
        found = [cell(report.figures) for report in reports]
        if any(value is not None for value in found):
            lines.append(_row(words, ["–" if value is None else f"{value}" for value in found]))
    for number, verdict in enumerate(reports[0].verdicts):
        broken = [len(report.verdicts[number].violations) for report in reports]
        looked = [report.verdicts[number].looked_at for report in reports]
        cells = [f"{bad} of {all_of:,}" for bad, all_of in zip(broken, looked, strict=True)]
        lines.append(_row(f"Broken: {verdict.invariant} {verdict.words}", cells))
    return "\n".join([*lines, _row("Seconds", [f"{report.seconds:.0f}" for report in reports])])


def runs(reports: Sequence[Report]) -> str:
    """Markdown, a row for each run: was it green, how long did it take, how much was there?"""
    lines = [_row("run", RUN.keys()), _row("---", ["---:"] * len(RUN))]
    for report in reports:
        name = f"{report.profile}, {report.database}, seed {report.seed}{report.sabotage}"
        lines.append(_row(name, [f"{cell(report)}" for cell in RUN.values()]))
    return "\n".join(lines)


def _row(first: str, cells: Iterable[str]) -> str:
    return f"| {' | '.join([first, *cells])} |"


def _seconds(name: str) -> Cell:
    """The middle, the slowest twentieth and the slowest, as far as it was measured."""

    def cell(figures: dict[str, Any]) -> str | None:
        spread = figures.get(name)
        return f"{spread['p50']} / {spread['p95']} / {spread['max']} s" if spread else None

    return cell


def _there(figures: dict[str, Any]) -> str | None:
    took = figures.get("in_the_storm")
    return took and f"{took['destinations']}, of {took['athletes']:,}"


def _fenced(figures: dict[str, Any]) -> str | None:
    held = figures.get("slept_over")
    return held and f"{figures['slept_over_and_fenced']} of {held}"


def _drained(figures: dict[str, Any]) -> str | None:
    drained = figures.get("G8_drained_after_an_outage")
    return drained and (
        f"{drained['lanes']:,} in {drained['seconds']} s by {drained['requests']:,} requests"
    )


def _flood(figures: dict[str, Any]) -> str | None:
    flood = figures.get("G10_flood_of_webhooks")
    return flood and f"{flood['posts']:,} in {flood['seconds']} s, p99 {flood['took']['p99']} s"


ROWS: dict[str, Cell] = {
    "Changes": lambda figures: f"{figures['changes']:,}",
    "Deliveries promised": lambda figures: f"{sum(figures['promises'].values()):,}",
    "Destinations that took something meanwhile, of so many athletes": _there,
    "Workers killed": lambda figures: (
        figures["kills"]["worker_kill"] + figures["kills"]["worker_crash"]
    ),
    "Requests under way when a worker died": lambda figures: figures["mid_delivery"],
    "Web processes killed": lambda figures: figures["kills"]["web_kill"],
    "Pumps killed": lambda figures: figures["kills"]["pump_kill"],
    "Broker emptied": lambda figures: figures["done"]["wipe"],
    "Database restarted or locked": lambda figures: figures["done"]["restart"],
    "Workers asleep past their lease": lambda figures: figures["done"]["stop"],
    "… of what they held, fenced off": _fenced,
    "Withdrawals": lambda figures: figures["withdrawals"],
    "Stopped by a person and let go on": lambda figures: figures.get("halts"),
    "Erasures": lambda figures: figures.get("erasures"),
    "Settled after the last fault": lambda figures: f"{figures['settled_after_the_storm']} s",
    "Edit to effect in calm (middle / p95 / slowest)": _seconds("G9_edit_to_effect_in_calm"),
    "… without a broker": _seconds("G6_edit_to_effect_without_a_broker"),
    "… while another destination has much to take": _seconds("G11_edit_to_effect_beside_a_crowd"),
    "… while that destination hangs": _seconds("G11_edit_to_effect_beside_one_that_hangs"),
    "… without webhooks": _seconds("G13_edit_to_effect_without_webhooks"),
    "A lane goes on after its worker died": _seconds("G5_lane_moves_on_after_a_kill"),
    "Lanes drained after an outage at 20 a second": _drained,
    "Flood of webhooks": _flood,
}

RUN: dict[str, Callable[[Report], Any]] = {
    "came out": lambda report: "green" if report.green else "**red**",
    "seconds": lambda report: f"{report.seconds:.0f}",
    "changes": lambda report: f"{report.figures['changes']:,}",
    "deliveries": lambda report: f"{sum(report.figures['promises'].values()):,}",
    "processes killed": lambda report: sum(report.figures["kills"].values()),
    "looked at": lambda report: f"{sum(one.looked_at for one in report.verdicts):,}",
    "broken": lambda report: sum(len(one.violations) for one in report.verdicts),
}


def main(paths: Sequence[str]) -> None:
    """All of them in one table; and for the runs with figures, the goals."""
    reports = [Report.read(Path(path)) for path in paths]
    sys.stdout.write(f"{runs(reports)}\n")
    if full := [one for one in reports if one.profile == "full"]:
        sys.stdout.write(f"\n{goals.table(full)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
