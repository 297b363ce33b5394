"""`manage.py rotate_keys`: seal again, under the newest key, whatever an older one sealed."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import rotation
from accounts.sealing import newest_key
from audit import patience

MOST_TOLD = 10
ADDRESSES = (
    "Calendar and webhook addresses made under an older key work until that key is taken out: "
    "give out new ones first."
)


class Command(BaseCommand):
    help = (
        "Seal every secret again under the first key of BATON_KEYS. It may be stopped and started "
        "again at any time. Only when it ends well may an older key be taken out."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--batch", type=int, default=rotation.BATCH, help="Rows at a time.")
        parser.add_argument("--check", action="store_true", help="Only count; change nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        patience.unhurried()
        if options["batch"] < 1:
            raise CommandError("A batch has at least one row.")
        if not options["check"]:
            self._rotate(options["batch"])
        old = rotation.under_old_keys()
        for key_id, places in sorted(old.items()):
            for place, count in sorted(places.items()):
                self.stdout.write(f"Key {key_id}: {count} in {place}.")
        if old:
            raise CommandError("Older keys are still in use: keep them, and look at the above.")
        self.stdout.write(f"Everything is sealed under {newest_key()}.")
        self.stdout.write(ADDRESSES)

    def _rotate(self, batch: int) -> None:
        for place in rotation.places():
            done = rotation.rotate(place, batch)
            self.stdout.write(f"{place}: {done.sealed} sealed again.")
            for words in done.failures[:MOST_TOLD]:
                self.stderr.write(words)
            if more := len(done.failures[MOST_TOLD:]):
                self.stderr.write(f"{place}: {more} more did not open.")
