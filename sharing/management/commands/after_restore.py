"""`manage.py after_restore`: once a backup was put back, and before anything is sent."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import erasure_list
from accounts.erasure_list import ErasureListError
from audit import patience
from sharing import aftermath
from sharing.aftermath import Inventory

LOST = (
    "What was done after that is lost, and Baton cannot find it out: consent given or withdrawn, "
    "addresses and tokens renewed or revoked, people and routes added. Record every withdrawal "
    "again before the workers start; revoke again what was revoked."
)


class Command(BaseCommand):
    help = (
        "Run once after a backup of the database was put back, while the workers are stopped. "
        "Doubts what is recorded, reads every calendar again and lets nothing old be sent."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Say what it would do.")
        parser.add_argument(
            "--erasures-lost",
            action="store_true",
            help="Go on although the list of erasures is lost, and begin a new one.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        patience.unhurried()
        dry = bool(options["dry_run"])
        try:
            found = aftermath.inventory() if dry else _begun(options)
        except ErasureListError as refusal:
            raise CommandError(str(refusal)) from refusal
        for line in _words(found, dry=dry):
            self.stdout.write(line)


def _erased(found: Inventory) -> str:
    place = erasure_list.path()
    if not place.exists():
        return (
            f"There is no list of erasures at {place}. If somebody was ever erased, stop here: put "
            "the list back, or name its place in BATON_ERASURES_FILE."
        )
    return f"Athletes erased since the backup, by {place}, who are erased again: {found.erasures}."


def _begun(options: dict[str, Any]) -> Inventory:
    return aftermath.begin(erasures_lost=bool(options["erasures_lost"]))


def _words(found: Inventory, *, dry: bool) -> list[str]:
    until = f"{found.written_until:%d %B %Y, %H:%M:%S} UTC" if found.written_until else "nothing"
    people = (
        f"{found.for_a_person} of these lanes lead to destinations that cannot be asked: there a "
        "person says whether the plan is there."
    )
    return [
        f"The audit log of this database ends at {until}.",
        LOST,
        _erased(found),
        f"Calendars that are read again as a whole: {found.calendars}.",
        f"Lanes that wait for that, and are then compared or written again: {found.lanes}.",
        *([people] if found.for_a_person else []),
        *([f"Tries whose end is not known: {found.unsettled}."] if found.unsettled else []),
        "Everybody signs in again.",
        "This was a dry run: nothing was changed."
        if dry
        else f"Done. Set BATON_INCARNATION={found.life} for every process, then start them.",
    ]
