"""`manage.py create_api_token E-MAIL NAME`: a key for other software, shown once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import api_tokens
from accounts.models import User


class Command(BaseCommand):
    help = "Make an API token for somebody. It is shown once and can do what they may do."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("name", help="What it is for, for example “portal”.")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email__iexact=options["email"]).first()
        if user is None:
            raise CommandError(f"Nobody signs in with {options['email']}.")
        self.stdout.write(api_tokens.make(user, options["name"]))
