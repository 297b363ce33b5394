"""`make faults`: a run on each database, and what it came to. Exit 0 only if all are green."""

import argparse
import sys
from functools import partial
from pathlib import Path

from devtools.environment import VAR
from tests.faults.harness import beside, goals, regressions, table
from tests.faults.harness.profile import PROFILES
from tests.faults.harness.report import Report
from tests.faults.harness.run import run
from tests.faults.servers import PrivatePostgres

DATABASES = ("sqlite", "postgresql")
REGRESSIONS = "regressions"  # a profile for all that were red once
RED = """\
This run is red. Its evidence stays there, also when the seed is run again. Once you know why, mend
it, and add profile, seed and database to tests/faults/harness/regressions.py."""


def main() -> int:
    told = _arguments()
    if told.profile == REGRESSIONS:
        return _again_those_that_were_red(told)
    folder = told.folder or VAR / "faults" / f"{told.profile}-{told.seed}{told.sabotage}"
    databases = _databases(told.database)
    if told.at_once and len(databases) > 1:
        reports = beside.each_other(databases, partial(_again, told, folder), folder, say)
    else:
        reports = [
            _one(told.profile, told.seed, database, folder / database, told.sabotage)
            for database in databases
        ]
    if len(reports) > 1 or told.profile == "full":
        say(table.table(reports))
    if told.profile == "full":
        say(f"\n{goals.table(reports)}")
    return 0 if all(report.green for report in reports) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--profile", choices=[*sorted(PROFILES), REGRESSIONS], default="short")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=[*DATABASES, "both", "either"], default="both")
    parser.add_argument("--sabotage", default="", help="N01 …: break the engine on purpose")
    parser.add_argument("--folder", type=Path, help="where evidence and reports stay")
    parser.add_argument(
        "--at-once",
        action="store_true",
        help="both databases beside each other: sooner done, with figures that nobody should quote",
    )
    return parser.parse_args()


def _again(told: argparse.Namespace, folder: Path, database: str) -> list[str]:
    """The options of a run on one of the databases."""
    options = ["--profile", told.profile, "--seed", f"{told.seed}", "--database", database]
    return [*options, "--sabotage", told.sabotage, "--folder", str(folder)]


def _databases(wanted: str) -> list[str]:
    """Those that were asked for: PostgreSQL only where its server is installed, unless it is asked
    for by name.
    """
    if wanted in DATABASES:
        return [wanted]
    if PrivatePostgres.available():
        return list(DATABASES) if wanted == "both" else ["postgresql"]
    say("PostgreSQL did not run: its server is not installed on this machine.")
    return ["sqlite"]


def _one(profile: str, seed: int, database: str, folder: Path, sabotage: str = "") -> Report:
    say(f"\n=== {profile}, seed {seed}, {database}")
    report = run(
        PROFILES[profile], seed, database=database, folder=folder, sabotage=sabotage, say=say
    )
    say(report.text())
    say(f"Evidence and report: {folder}")
    if not (report.green or sabotage):
        say(RED)
    return report


def _again_those_that_were_red(told: argparse.Namespace) -> int:
    """Each in a folder of its own; what was found then is said once more."""
    databases = _databases(told.database)
    reports = []
    for one in (one for one in regressions.REGRESSIONS if one.database in databases):
        say(f"\nRed once: {one.found}")
        name = f"{one.profile}-{one.seed}"
        folder = (told.folder or VAR / "faults" / REGRESSIONS) / name / one.database
        reports.append(_one(one.profile, one.seed, one.database, folder))
    green = sum(report.green for report in reports)
    say(f"{green} of {len(reports)} runs that were red once are green.")
    return 0 if green == len(reports) else 1


def say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
