"""Thirteen ways to break the engine on purpose. A harness that stays green under one is no proof.

They exist in the test build alone, as replacements of the very function that keeps the promise.
"""

import math
import os
import threading
import time
from collections.abc import Callable
from copy import copy
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

SABOTAGES: dict[str, Callable[[], None]] = {}
GAP = 0.05  # seconds between a commit and the audit entry that should have been in it
SHORT_LEASE = timedelta(seconds=0.4)


def commit(name: str) -> None:
    """Commit the named sabotage; the empty name is the honest build."""
    if name:
        SABOTAGES[name]()


def sabotage(function: Callable[[], None]) -> Callable[[], None]:
    SABOTAGES[function.__name__.partition("_")[0].upper()] = function
    return function


@sabotage
def n01_epochs_are_ignored() -> None:
    """Who comes late goes on as if the lane were still its own."""
    from sharing import outcomes, records
    from sharing.models import Lane

    note = records.note

    def renew(lane: Any, attempt: Any, now: Any) -> None:
        """Nothing is looked at, and nothing is kept."""

    def late_note(lane: Any, attempt: Any, *rest: Any) -> bool:
        current = copy(attempt)
        current.epoch = Lane.objects.values_list("epoch", flat=True).get(pk=lane.pk)
        return note(lane, current, *rest)

    outcomes.renew, outcomes._late = renew, outcomes._settle_mine
    records.note = late_note  # type: ignore[assignment]  # the sabotage itself


@sabotage
def n02_a_new_key_on_each_try() -> None:
    from sharing import desired

    def a_new_key(self: Any, item_key: str, content_hash: str) -> str:
        return uuid4().hex

    desired.Identity.key = a_new_key  # type: ignore[method-assign]  # the sabotage itself


@sabotage
def n03_no_hold_after_a_doubt() -> None:
    from sharing import deliveries, promises, unknown

    def never(place: Any, delivery: Any, *, over: bool) -> bool:
        return False

    unknown._must_hold = never
    promises._wait_for_the_last = deliveries._wait_for_late_calls = lambda lane: None


@sabotage
def n04_thanks_before_the_commit() -> None:
    from sharing import intake

    record = intake.record

    def later(*args: Any, **named: Any) -> None:
        threading.Timer(0.2, record, args, named).start()

    intake.record = later


@sabotage
def n05_consent_is_asked_once() -> None:
    """Whoever agreed once is taken to agree for ever."""
    from accounts.models import ConsentDecision
    from sharing import gate
    from sharing.models import Delivery

    def ask(lane: Any, delivery: Any) -> gate.Passage:
        if delivery.intent == Delivery.Intent.REMOVE:
            return gate.Passage()
        given = ConsentDecision.objects.filter(
            athlete=lane.plan.athlete_id, destination_id=lane.destination_id, decision="granted"
        ).latest("decided_at")
        return gate.Passage(consent_id=given.pk, fields=gate.allowed_fields(lane.route, given))

    gate.ask = ask


@sabotage
def n06_only_the_broker() -> None:
    """Work is done when a message comes, and only then: no pump, no scheduler."""
    from sharing import pump

    pump.Pump.start = lambda self: None  # type: ignore[method-assign]  # the sabotage itself
    pump.drain = lambda worker, budget, **_: int(pump.work(worker))


@sabotage
def n07_a_change_without_an_entry() -> None:
    """One superseded delivery in five is not written down."""
    from sharing import promises
    from sharing.models import Delivery

    record = promises.record

    def forgetful(delivery: Any, what: str, log: Any, outcome: Any = None) -> Any:
        if what == Delivery.State.DELIVERED.value and delivery.revision % 5 == 2:
            return delivery.audit_entry_id
        return record(delivery, what, log, outcome)

    promises.record = forgetful


@sabotage
def n08_the_entry_comes_after_the_commit() -> None:
    from django.db import transaction
    from django.db.backends.signals import connection_created

    from audit import log

    write = log._write

    def write_later(events: Any) -> None:
        def late() -> None:
            time.sleep(GAP)
            with transaction.atomic():
                write(events)

        if events:
            transaction.on_commit(late)

    log._write = write_later
    connection_created.connect(_without_constraints, weak=False)


def _without_constraints(connection: Any, **_: Any) -> None:
    postgres = connection.vendor == "postgresql"
    off = "SET session_replication_role = replica" if postgres else "PRAGMA foreign_keys = OFF"
    with connection.cursor() as cursor:
        cursor.execute(off)


@sabotage
def n09_leases_shorter_than_the_deadline() -> None:
    """The second guard, a call that is not begun so close to the end of its lease, is off too."""
    from django.conf import settings

    from sharing import deliveries

    settings.BATON_LEASE = SHORT_LEASE
    deliveries._longest_pause = lambda: math.inf


@sabotage
def n10_clean_as_of_after_the_reading() -> None:
    from sharing import reading

    settle = reading._settle

    def generous(row: Any, claim: Any, *rest: Any) -> None:
        claim.seq = row.dirty_seq
        settle(row, claim, *rest)

    reading._settle = generous  # type: ignore[assignment]  # the sabotage itself


@sabotage
def n11_keys_without_content() -> None:
    """The key names the version alone; the second guard, a number of its life, is off as well."""
    from dataclasses import replace

    from sharing import desired, incarnation

    incarnation.ERA = 0
    key = desired.Identity.key
    desired.Identity.key = (  # type: ignore[method-assign]  # the sabotage itself
        lambda self, item_key, content_hash: key(replace(self, incarnation=0), item_key, "")
    )


@sabotage
def n12_leases_by_the_workers_clock() -> None:
    """Leases only: a worker that is early in everything does everything, and meets nobody."""
    from sharing import claims, clock

    skew = timedelta(seconds=float(os.environ.get("BATON_SKEW", "0")))
    due_lanes = claims.due_lanes

    def free_by_its_clock(now: datetime) -> Any:
        return due_lanes(now).filter(due_at__lte=now - skew, hold_until__lte=now - skew)

    setattr(claims, "clock", SimpleNamespace(now=lambda: clock.now() + skew))  # noqa: B010
    claims.due_lanes = free_by_its_clock


@sabotage
def n13_stops_are_overlooked() -> None:
    """What a person stopped goes on."""
    from sharing.stops import covering

    covering.not_held = lambda lanes: lanes
    covering.forbids = lambda lane, delivery, *, begun: False
