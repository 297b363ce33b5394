"""`manage.py sign_checkpoints`: the one process that has the key of the checkpoints."""

import fcntl
import signal
import threading
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from audit.anchors import AnchorFile
from audit.checkpoints import KeyRing
from audit.keys import NoteError, SigningKey, make_files
from audit.signer import RefusedError, Signer

MAKE = "`python -m audit.keys NAME KEYFILE VKEYSFILE` makes one"


class Command(BaseCommand):
    help = (
        "Sign checkpoints of the log and keep them outside, until SIGTERM or Ctrl-C. It refuses "
        "to sign a log that does not continue what it signed before."
    )
    requires_system_checks = ()  # a release is checked when it migrates, not at each start

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--vkey", action="store_true", help="Say the public key and end.")
        parser.add_argument("--once", action="store_true", help="Sign what there is and end.")

    def handle(self, *args: Any, **options: Any) -> None:
        key = _key()
        if options["vkey"]:
            self.stdout.write(str(key.public))
            return
        with _alone(settings.BATON_CHECKPOINT_MEMORY_FILE):
            self._sign(_signer(key), once=options["once"])

    def _sign(self, signer: Signer, *, once: bool) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        try:
            if once:
                signer.round(at_once=True)
            else:
                self.stdout.write("The signer is running.")
                signer.run(stop)
        except RefusedError as refusal:
            raise CommandError(f"Nothing was signed. {refusal}") from None
        except (Error, OSError) as trouble:
            raise CommandError(f"No checkpoint could be kept: {trouble}") from None


def _signer(key: SigningKey) -> Signer:
    return Signer(
        key=key,
        ring=_published(key),
        life=settings.BATON_INCARNATION,
        memory=settings.BATON_CHECKPOINT_MEMORY_FILE,
        anchor=AnchorFile(settings.BATON_ANCHOR_FILE),
        every=settings.BATON_CHECKPOINT_EVERY,
        entries=settings.BATON_CHECKPOINT_ENTRIES,
    )


def _key() -> SigningKey:
    """From its file; the first run in development makes it."""
    file = settings.BATON_CHECKPOINT_KEY_FILE
    try:
        if not file.exists() and not settings.PRODUCTION:
            address = urlsplit(settings.BATON_PUBLIC_URL).netloc
            return make_files(f"{address}/audit", file, settings.BATON_CHECKPOINT_VKEYS_FILE)
        return SigningKey.read(file.read_text().strip())
    except (OSError, ValueError) as error:
        raise CommandError(f"BATON_CHECKPOINT_KEY_FILE holds no key: {MAKE}. ({error})") from None


def _published(key: SigningKey) -> KeyRing:
    try:
        ring = KeyRing.of_file(settings.BATON_CHECKPOINT_VKEYS_FILE)
    except (OSError, NoteError) as error:
        raise CommandError(f"BATON_CHECKPOINT_VKEYS_FILE: {error}") from None
    if key.public not in ring:
        raise CommandError(f"Nobody could check it: put {key.public} into the file of vkeys first.")
    return ring


@contextmanager
def _alone(memory: Path) -> Iterator[None]:
    """Two signers with one memory would each know only half."""
    with memory.with_name(f"{memory.name}.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError("Another signer runs with the same memory.") from None
        yield
