"""What looking at the ledger costs. Small by default; the figures of docs/faults.md come from

BENCH_PROMISES=100000 python -m pytest -q -s -n 0 tests/benchmarks/test_ledger.py
"""

import os
import random
import time
from datetime import date

import pytest
from django.db import connection

from audit.log import audited_atomic
from insight import watchdogs
from insight.models import Alert
from insight.selectors.conservation import conservation
from sharing import clock
from sharing.models import Delivery, Lane, Plan, PlanVersion
from tests.sharing.world import build, fill, session

pytestmark = pytest.mark.django_db(transaction=True)

PROMISES = int(os.environ.get("BENCH_PROMISES", "1000"))
EACH = 50  # versions of a plan that were promised: a year of weekly changes
LOST = 5
AT_ONCE = 2000  # rows in one statement


def promised(count):
    """Plans with a lane each, and so many promises that are over, but for the newest."""
    world, now = build(), clock.now()
    with audited_atomic() as log:
        entry = log.record("plan.version.recorded")
    plans = [
        Plan(
            athlete=world.ben, name=f"Block {n}", kind="block", starts_on=date(2026, 1, 1),
            ends_on=date(2027, 12, 31),
        )
        for n in range(max(1, count // EACH))
    ]  # fmt: skip
    versions = [
        PlanVersion(plan=plan, version=1, urgent=False, audit_entry_id=entry) for plan in plans
    ]
    for version, plan in zip(versions, plans, strict=True):
        fill(version, plan, [session("tp-1")], now)
    lanes = [
        Lane(
            plan=plan, route=world.route, destination=world.destination, desired=EACH,
            settled=EACH, audit_entry_id=entry,
        )
        for plan in plans
    ]  # fmt: skip
    for rows in (plans, versions, lanes):
        type(rows[0]).objects.bulk_create(rows, batch_size=AT_ONCE)
    for lane, version in zip(lanes, versions, strict=True):
        Delivery.objects.bulk_create(
            Delivery(
                lane=lane, revision=revision, keyed_as=revision, version=version, due_at=now,
                state="delivered" if revision == EACH else "superseded", accepted_at=now,
                settled_at=now, audit_entry_id=entry,
            )
            for revision in range(1, EACH + 1)
        )  # fmt: skip
    return world


def timed(what, call, figures):
    started = time.monotonic()
    found = call()
    figures[what] = time.monotonic() - started
    return found


def told(figures):
    parts = ", ".join(f"{what} {1000 * seconds:.0f} ms" for what, seconds in figures.items())
    print(f"\n{PROMISES} promises on {connection.vendor}: {parts}")  # noqa: T201 - the figure is what this is for


def test_a_promise_that_vanished_is_named_by_the_next_look():
    world, figures = promised(PROMISES), {}
    timed("a look without a gap", watchdogs.look_at_the_ledger, figures)
    assert not Alert.objects.exists()
    lost = random.Random(7).sample(
        list(Delivery.objects.values_list("pk", "lane", "revision")), LOST
    )
    Delivery.objects.filter(pk__in=[promise for promise, *_ in lost]).delete()
    timed("a look with one", watchdogs.look_at_the_ledger, figures)
    timed("the page", lambda: conservation(world.ana), figures)
    told(figures)
    named = Alert.objects.get(kind="conservation_gap").facts["promises"]
    assert {(lane, odd) for lane in named for odd in named[lane]} == {
        (str(lane), revision) for _, lane, revision in lost
    }
