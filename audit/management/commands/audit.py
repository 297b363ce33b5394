"""`manage.py audit verify | fsck | export F | check F`. 0 good, 1 tampering, 2 cannot tell."""

import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from audit import bundle, export, fsck, patience, verify
from audit.checking import Report
from audit.checkpoints import KeyRing
from audit.models import Head


class Command(BaseCommand):
    help = "Verify the log, compare it with the rows, export it, or check an export on its own."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["verify", "fsck", "export", "check"])
        parser.add_argument("file", nargs="?", type=Path)
        parser.add_argument("--anchors", type=Path, help="Checkpoints that were kept outside.")
        parser.add_argument(
            "--key", action="append", default=[], help="A vkey that may have signed."
        )
        parser.add_argument("--json", action="store_true", help="Say it for a program.")

    def handle(self, *args: Any, **options: Any) -> None:
        what, file = options["what"], options["file"]
        if what in {"export", "check"} and file is None:
            raise CommandError("Name a file.", returncode=2)
        if what == "export":
            self.stdout.write(f"{_export(file)} entries in {file}.")
            return
        report = _report(what, file, options)
        self.stdout.write(report.as_json() if options["json"] else report.as_text())
        if report.exit_code:
            sys.exit(report.exit_code)


def _report(what: str, file: Path, options: Mapping[str, Any]) -> Report:
    if what == "check":
        return _checked(file, options["key"])
    try:
        patience.unhurried()
    except DatabaseError as error:
        return Report(unreadable=f"The database cannot be reached ({type(error).__name__}).")
    if what == "fsck":
        return fsck.fsck()
    return verify.verify(options["anchors"], options["key"])


def _checked(file: Path, vkeys: list[str]) -> Report:
    """With the keys that are named, or else with those that are published here."""
    try:
        published = KeyRing.read(vkeys) or KeyRing.of_file(settings.BATON_CHECKPOINT_VKEYS_FILE)
    except (OSError, ValueError) as error:
        return Report(unreadable=f"The keys cannot be read ({error}).")
    return bundle.check(file, published)


def _export(file: Path) -> int:
    try:
        patience.unhurried()
        return export.export(file)
    except (OSError, ValueError, DatabaseError, Head.DoesNotExist) as error:
        raise CommandError(f"The log could not be exported: {error}", returncode=2) from None
