"""`manage.py audit verify | fsck | export F | check F`. 0 good, 1 tampering, 2 cannot tell."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from audit import bundle, export, fsck, patience, verify
from audit.checking import Report
from audit.models import Head


class Command(BaseCommand):
    help = "Verify the log, compare it with the rows, export it, or check an export on its own."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["verify", "fsck", "export", "check"])
        parser.add_argument("file", nargs="?", type=Path)
        parser.add_argument("--json", action="store_true", help="Say it for a program.")

    def handle(self, *args: Any, **options: Any) -> None:
        what, file = options["what"], options["file"]
        if what in {"export", "check"} and file is None:
            raise CommandError("Name a file.", returncode=2)
        if what == "export":
            self.stdout.write(f"{_export(file)} entries in {file}.")
            return
        report = _report(what, file)
        self.stdout.write(report.as_json() if options["json"] else report.as_text())
        if report.exit_code:
            sys.exit(report.exit_code)


def _report(what: str, file: Path) -> Report:
    if what == "check":
        return bundle.check(file)
    try:
        patience.unhurried()
    except DatabaseError as error:
        return Report(unreadable=f"The database cannot be reached ({type(error).__name__}).")
    return verify.verify() if what == "verify" else fsck.fsck()


def _export(file: Path) -> int:
    try:
        patience.unhurried()
        return export.export(file)
    except (OSError, ValueError, DatabaseError, Head.DoesNotExist) as error:
        raise CommandError(f"The log could not be exported: {error}", returncode=2) from None
