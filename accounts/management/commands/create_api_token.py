"""`manage.py create_api_token E-MAIL NAME`: a key for other software, shown once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import api_tokens
from accounts.models import User


class Command(BaseCommand):
    help = "Make an API token for somebody. It is shown once and can do what they may do."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("name", help="What it is for, for example “portal”.")
        parser.add_argument(
            "--days", type=int, help="How long it works. Without it: until revoked."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email__iexact=options["email"]).first()
        if user is None:
            raise CommandError(f"Nobody signs in with {options['email']}.")
        until = timezone.now() + timedelta(days=options["days"]) if options["days"] else None
        self.stdout.write(api_tokens.make(user, options["name"], until))
