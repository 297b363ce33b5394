"""`manage.py demo`: a studio, a coach who changes plans, and a verdict as JSON on the last line."""

import json
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from insight.demo import story, studio, verdict
from insight.demo.road import road
from insight.demo.sandbox import Sandbox
from sharing import clock
from sharing.ledger import ledger
from sharing.models import Plan, PlanVersion

PATIENCE = 120.0  # seconds for everything to settle
LOOK_EVERY = 0.25


class Command(BaseCommand):
    help = "Show Baton at work in the sandbox, and fail if anything was lost, doubled or unproved."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sandbox-url", required=True)
        parser.add_argument("--stay", action="store_true", help="Print logins at the end.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.BATON_ALLOW_LOOPBACK_DESTINATIONS:
            raise CommandError("The demo is for development: start it with `make demo`.")
        sandbox = Sandbox(options["sandbox_url"])
        self._began = time.monotonic()
        self._say("Ana connects TrainingPeaks; 40 athletes come in, with their consents …")
        stage = studio.set_up(sandbox)
        self._say(f"{len(stage.athletes)} athletes, 3 destinations. Reading calendars …")
        self._settle(lambda: Plan.objects.filter(newest__gt=0).count() >= len(stage.athletes))
        self._report()
        changes = []
        for change in story.tell(sandbox, stage.athletes, clock.now().date()):
            self._say(f"Ana {change.what} for {change.athlete.name}.")
            changes.append(change)
        self._settle(lambda: not verdict.unanswered(changes))
        for change in changes:
            self._say(road(change))
        self._report()
        self._conclude(sandbox, stage, changes, logins=options["stay"])

    def _settle(self, reached: Any) -> None:
        """Wait until the condition holds and nothing is owed any more."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if reached() and verdict.quiet():
                return
            time.sleep(LOOK_EVERY)
        self._say("Some of it is not settled yet; the verdict says what.")

    def _report(self) -> None:
        states = {s: n for s, n in ledger().ended.items() if n}
        words = ", ".join(f"{count} {state}" for state, count in states.items())
        self._say(f"Versions: {PlanVersion.objects.count()}. Deliveries: {words}.")

    def _conclude(
        self, sandbox: Sandbox, stage: studio.Studio, changes: list[Any], *, logins: bool
    ) -> None:
        found = verdict.reach(sandbox, stage, changes)
        for fault in [*found.lost, *found.doubled, *found.unconsented]:
            self._say(f"FAULT: {fault}")
        word = "verified" if found.audit_verified else "NOT as it was written"
        self._say(f"Audit log: {found.audit_entries} entries, {word}.")
        self._say(f"Change to delivered: p50 {found.p50} s, p95 {found.p95} s.")
        if logins:
            self._say(f"Sign in as {stage.coach.email} or {stage.assistant.email}")
            self._say(f"with the password {stage.password}")
        self.stdout.write(json.dumps(found.document()))
        if not found.ok:
            sys.exit(1)

    def _say(self, words: str) -> None:
        self.stderr.write(f"{time.monotonic() - self._began:6.1f} s  {words}")
