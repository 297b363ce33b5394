"""`manage.py audit verify | export FILE | check FILE`. Exits 0 good, 1 tampering, 2 cannot tell."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from audit import bundle, verify
from audit.checking import Report

LIMITS = (
    "This shows that the log is as it was written. It does not show that what was recorded is "
    "true, and entries newer than the last checkpoint kept elsewhere could be cut unseen."
)


class Command(BaseCommand):
    help = "Verify the audit log, export it, or check an export without the database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["verify", "export", "check"])
        parser.add_argument("file", nargs="?", type=Path)
        parser.add_argument("--json", action="store_true", help="Say it for a program.")

    def handle(self, *args: Any, **options: Any) -> None:
        what, file = options["what"], options["file"]
        if what != "verify" and file is None:
            self.stderr.write("Name a file.")
            sys.exit(2)
        if what == "export":
            self.stdout.write(f"{bundle.export(file)} entries in {file}.")
            return
        report = verify.verify() if what == "verify" else bundle.check(file)
        self._say(report, as_json=options["json"])
        sys.exit(report.exit_code)

    def _say(self, report: Report, *, as_json: bool) -> None:
        if as_json:
            findings = [{"seq": f.seq, "words": f.words} for f in report.findings]
            said = {"good": report.good, "size": report.size, "root": report.root}
            self.stdout.write(json.dumps(said | {"findings": findings}))
            return
        for finding in report.findings:
            self.stdout.write(finding.words)
        if report.unreadable:
            self.stdout.write(report.unreadable)
        verdict = "good" if report.good else "NOT as it was written"
        self.stdout.write(f"{report.size} entries, root {report.root[:16]}…: {verdict}.")
        self.stdout.write(LIMITS)
