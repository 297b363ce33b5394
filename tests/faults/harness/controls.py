"""`python -m tests.faults.harness.controls`: every sabotage must turn the harness red.

Each is run with up to three seeds, until one of the promises that it breaks is reported broken.
The honest build must be green in the same profiles, or the red proves nothing.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults.harness.profile import (
    ASLEEP,
    CONTROL,
    FEW,
    HOOKS_ONLY,
    RESTORE,
    STOPPED,
    UNHEARD,
    Profile,
)
from tests.faults.harness.report import Report
from tests.faults.harness.run import run

SEEDS = 3
HONEST = ""


@dataclass(frozen=True)
class Control:
    """A sabotage, the promises of which it must break one, and a run in which it can."""

    sabotage: str
    breaks: tuple[str, ...]
    profile: Profile = CONTROL

    def answers(self, report: Report) -> bool:
        """Whether the run says what it should: red where it was sabotaged, green if not."""
        return bool(set(report.broken()) & set(self.breaks)) if self.breaks else report.green


CONTROLS = (
    Control(HONEST, ()),
    Control(HONEST, (), ASLEEP),
    Control(HONEST, (), FEW),
    Control(HONEST, (), HOOKS_ONLY),
    Control(HONEST, (), STOPPED),
    Control(HONEST, (), UNHEARD),
    Control(HONEST, (), RESTORE),
    Control("N01", ("I3",), ASLEEP),
    Control("N02", ("I2",)),
    Control("N03", ("I3",), FEW),
    Control("N04", ("I11",)),
    Control("N05", ("I4",)),
    Control("N06", ("I1",), UNHEARD),
    Control("N07", ("I5",)),
    Control("N08", ("I5",)),
    Control("N09", ("I2", "I3")),
    Control("N10", ("I1",), HOOKS_ONLY),
    Control("N11", ("I1",), RESTORE),
    Control("N12", ("I2", "I3")),
    Control("N13", ("I9",), STOPPED),
)


def prove(database: str, folder: Path, wanted: list[str], say: Callable[[str], None]) -> bool:
    """Run them one after the other; True when every one answered as it should."""
    answers = [
        _prove(control, database, folder, say)
        for control in CONTROLS
        if not wanted or control.sabotage in wanted
    ]
    say(f"{sum(answers)} passed, {len(answers) - sum(answers)} failed ({database})")
    return all(answers)


def _prove(control: Control, database: str, folder: Path, say: Callable[[str], None]) -> bool:
    name = control.sabotage or f"honest {control.profile.name}"
    for seed in _seeds(control):
        place = folder / f"{name}-{seed}".replace(" ", "-")
        try:
            report = run(
                control.profile, seed, database=database, folder=place, sabotage=control.sabotage
            )
        except Exception as failure:  # noqa: BLE001 - a run that broke down answers nothing
            say(f"…   {name} seed {seed} broke down: {type(failure).__name__}: {failure}"[:300])
            continue
        broken = ", ".join([*report.broken(), *report.doubts]) or "nothing"
        answered = control.answers(report)
        wanted = " or ".join(control.breaks) or "nothing"
        mark = "ok " if answered else "…  "
        say(f"{mark} {name} seed {seed} breaks {broken}, wanted {wanted} ({report.seconds:.0f} s)")
        if answered:
            return True
    say(f"RED {name}: not shown within {SEEDS} seeds")
    return False


def _seeds(control: Control) -> Iterator[int]:
    """The honest build has one try: a red run is never repeated until it is green."""
    yield from range(1, SEEDS + 1 if control.sabotage else 2)


def main() -> int:
    parser = argparse.ArgumentParser(prog="faults-controls", description=__doc__)
    parser.add_argument("sabotages", nargs="*", help="N01 …; without any, all of them")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--folder", type=Path)
    told = parser.parse_args()
    folder = told.folder or Path(tempfile.mkdtemp(prefix="faults-controls-"))
    return 0 if prove(told.database, folder, told.sabotages, _say) else 1


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
