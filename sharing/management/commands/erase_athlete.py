"""`manage.py erase_athlete <athlete id>`: what the button on the athlete's page does."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from accounts import erasures
from accounts.erasure_list import ErasureListError
from accounts.models import Athlete
from sharing.erasure import asking


class Command(BaseCommand):
    help = (
        "Erase an athlete: take back what was shared, then destroy everything that can be read "
        "about them. It cannot be undone."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        words = "The athlete's id, as in the address of their page."
        parser.add_argument("athlete", type=_identity, help=words)
        parser.add_argument("--yes", action="store_true", help="Do not ask for confirmation.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would be taken back.")

    def handle(self, *args: Any, **options: Any) -> None:
        athlete = Athlete.objects.filter(pk=options["athlete"]).first()
        if athlete is None:
            raise CommandError("There is no such athlete: copy the id from their page's address.")
        if erasures.begun(athlete.pk):
            self.stdout.write("The erasure of this athlete was asked for before.")
            return
        for line in _words(asking.extent(athlete), athlete):
            self.stdout.write(line)
        if options["dry_run"]:
            self.stdout.write("This was a dry run: nothing was changed.")
        elif options["yes"] or input("Type the athlete's name to erase them: ") == athlete.name:
            self._ask(athlete)
        else:
            raise CommandError("That is not their name: nothing was changed.")

    def _ask(self, athlete: Athlete) -> None:
        try:
            asking.ask(athlete)
        except ErasureListError as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write("Asked for. The workers take back what was shared; then it is done.")


def _identity(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        words = f"“{text[:80]}” is not an id: copy it from the address of the athlete's page."
        raise CommandError(words) from None


def _words(found: asking.Extent, athlete: Athlete) -> list[str]:
    there = ", ".join(found.destinations) or "nowhere"
    return [
        f"{athlete.name}: something may be at {there}; it is taken back.",
        f"Consents that end: {found.consents}.",
        f"Plans and versions that can never be read again: {found.plans} and {found.versions}.",
    ]
