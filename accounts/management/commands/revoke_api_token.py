"""`manage.py revoke_api_token PREFIX`: end a key for other software, at once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import api_tokens
from accounts.models import ApiToken


class Command(BaseCommand):
    help = "Revoke the API token that begins like this. It opens nothing from this moment on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prefix", help=f"Its first {api_tokens.SHOWN} characters.")

    def handle(self, *args: Any, **options: Any) -> None:
        prefix = options["prefix"][: api_tokens.SHOWN]  # the rest is secret and not needed
        tokens = ApiToken.objects.filter(prefix=prefix, revoked_at=None)
        if not tokens:
            raise CommandError(f"No live token begins with {prefix}.")
        for token in tokens:
            api_tokens.revoke(token)
            self.stdout.write(f"“{token}” of {token.user} is revoked.")
