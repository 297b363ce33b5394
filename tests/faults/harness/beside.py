"""Runs beside each other, each a process of its own: a run leaves half of two cores idle."""

import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from devtools.environment import PYTHON, ROOT
from devtools.processes import dying_with_parent
from tests.faults.harness import kept
from tests.faults.harness.report import Report

Options = Callable[[str], list[str]]


def each_other(
    databases: Sequence[str], options: Options, folder: Path, say: Callable[[str], None]
) -> list[Report]:
    """A run on each database; what it said is told when it has ended.

    Raises RuntimeError when one broke down, once the others have ended.
    """

    def one(database: str) -> Report:
        kept.make_room(folder / database, say)
        say(_output(options(database)))
        report = folder / database / kept.REPORT
        if not report.exists():
            raise RuntimeError(f"The run on {database} broke down.")
        return Report.read(report)

    with ThreadPoolExecutor() as runs:
        return list(runs.map(one, databases))


def _output(options: list[str]) -> str:
    done = subprocess.run(
        [str(PYTHON), "-m", "tests.faults.harness", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        preexec_fn=dying_with_parent(),
    )
    return done.stdout
