"""`manage.py create_coach E-MAIL`: somebody with an organisation of their own."""

from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts.adapter import found_organisation
from accounts.models import User
from audit.log import audited_atomic


class Command(BaseCommand):
    help = "Create a coach with an organisation of their own. The password is asked for."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="")
        parser.add_argument("--organisation", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.filter(email__iexact=options["email"]).exists():
            raise CommandError(f"Somebody signs in with {options['email']} already.")
        password = getpass("Password: ")
        try:
            validate_password(password)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        with audited_atomic() as log:
            user = User.objects.create_user(options["email"], password, name=options["name"])
            organisation = found_organisation(user, options["organisation"])
            log.record("account.opened", organisation=organisation.pk)
        self.stdout.write(f"{user} owns {organisation}.")
