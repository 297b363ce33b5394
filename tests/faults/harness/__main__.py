"""`make faults`: a run on each database, and what it came to. Exit 0 only if all are green."""

import argparse
import sys
from functools import partial
from pathlib import Path

from devtools.environment import VAR
from tests.faults.harness import beside, goals, table
from tests.faults.harness.profile import PROFILES
from tests.faults.harness.report import Report
from tests.faults.harness.run import run
from tests.faults.servers import PrivatePostgres

DATABASES = ("sqlite", "postgresql")


def main() -> int:
    told = _arguments()
    folder = told.folder or VAR / "faults" / f"{told.profile}-{told.seed}{told.sabotage}"
    databases = _databases(told.database)
    if told.at_once and len(databases) > 1:
        reports = beside.each_other(databases, partial(_again, told, folder), folder, say)
    else:
        reports = [_one(told, database, folder / database) for database in databases]
    if len(reports) > 1 or told.profile == "full":
        say(table.table(reports))
    if told.profile == "full":
        say(f"\n{goals.table(reports)}")
    return 0 if all(report.green for report in reports) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--profile", choices=sorted(PROFILES), default="short")
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


def _one(told: argparse.Namespace, database: str, folder: Path) -> Report:
    say(f"\n=== {told.profile}, seed {told.seed}, {database}")
    report = run(
        PROFILES[told.profile], told.seed, database=database, folder=folder,
        sabotage=told.sabotage, say=say,
    )  # fmt: skip
    say(report.text())
    say(f"Evidence and report: {folder}")
    return report


def say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
