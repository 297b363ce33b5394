"""How long bulk actions take. Small by default; the figures of docs/faults.md come from

BENCH_LETTERS=10000 python -m pytest -q -s -n 0 tests/benchmarks/test_bulk.py
"""

import multiprocessing
import os
import time
from contextlib import contextmanager
from datetime import date

import pytest
from django.db import connection

from accounts import consent
from accounts.models import Athlete
from audit.log import audited_atomic
from sharing import clock, deliveries, routes
from sharing.bulk import asking, running
from sharing.bulk.criteria import Criteria, To
from sharing.ledger import ledger
from sharing.models import BulkAction, Delivery, Lane, Plan, PlanVersion, Step
from tests.sharing import fake_destination
from tests.sharing.world import FIELDS, build, fill, make_destination, publish, session

pytestmark = pytest.mark.django_db(transaction=True)

LETTERS = int(os.environ.get("BENCH_LETTERS", "60"))
PLANS_EACH = 20  # one rolling plan and some blocks
SESSIONS = 1  # as a webhook has it: the plan as a whole
TURN, LOOK = 2.0, 0.05  # seconds: how often the periodic job and an idle worker look
WORKERS = 2  # processes that deliver, beside the one that carries the action out
PROCESSES = multiprocessing.get_context("fork")
MINUTES = 60.0
REDELIVERY = 10 * MINUTES  # for 10,000 dead letters
ROLL_BACK = 5 * MINUTES  # for 40 athletes


@pytest.fixture
def inbox(monkeypatch):
    return fake_destination.install(monkeypatch)


@contextmanager
def measured(what, figures):
    started = time.monotonic()
    yield
    figures[what] = time.monotonic() - started


def told(title, figures):
    parts = ", ".join(f"{what} {seconds:.1f} s" for what, seconds in figures.items())
    load = f"load {os.getloadavg()[1]:.1f} on {os.cpu_count()} cores"
    print(f"\n{title} on {connection.vendor}: {parts} ({load})")  # noqa: T201 - the figure is what this is for


def agree(athlete, destination):
    terms = consent.Terms(fields=FIELDS, purpose="training")
    consent.decide(athlete, destination.pk, "granted", consent.Basis(), terms)


def studio(count):
    """So many athletes who agreed, with a rolling plan each."""
    world = build(slots=WORKERS + 1, rate_per_second=100_000, burst=30_000)
    world.agree()
    for number in range(count - 1):
        athlete = Athlete.objects.create(
            organisation=world.organisation,
            name=f"Athlete {number:03}",
            time_zone="Europe/Paris",
            source_id=100 + number,
        )
        agree(athlete, world.destination)
        Plan.objects.create(athlete=athlete, name="Training plan")
    world.ana.memberships.update(role="owner")
    return world


def blocks(world):
    """The other plans of each athlete, and a route for them."""
    place = make_destination(
        world.organisation, world.ana, slots=WORKERS + 1, rate_per_second=100_000, burst=30_000
    )
    wish = routes.RouteSettings(
        name="Blocks", purpose="training", plan_kind="block",
        fields=dict.fromkeys(FIELDS, "training"),
    )  # fmt: skip
    route = routes.open_route(world.organisation, place, wish)
    for athlete in Athlete.objects.all():
        agree(athlete, place)
        Plan.objects.bulk_create(
            Plan(
                athlete=athlete, name=f"Block {number}", kind="block",
                starts_on=date(2026, 1, 1), ends_on=date(2027, 12, 31),
            )
            for number in range(PLANS_EACH - 1)
        )  # fmt: skip
    return route


def dead_letters(count):
    """Lanes whose first version was given up, written as rows: their making is not measured."""
    world = studio(max(1, count // PLANS_EACH))
    on = {"rolling": world.route, "block": blocks(world)}
    now = clock.now()
    sessions = [session(f"tp-{n}") for n in range(SESSIONS)]
    with audited_atomic() as log:
        entry = log.record("plan.version.recorded")
        versions, lanes, letters = [], [], []
        for plan in Plan.objects.select_related("athlete"):
            version = PlanVersion(plan=plan, version=1, urgent=True, audit_entry_id=entry)
            fill(version, plan, sessions, now)
            lane = Lane(
                plan=plan, route=on[plan.kind], destination_id=on[plan.kind].destination_id,
                state="dead", desired=1, settled=1, audit_entry_id=entry,
            )  # fmt: skip
            letter = Delivery(
                lane=lane, revision=1, keyed_as=1, version=version, state="dead",
                reason="unavailable", due_at=now, accepted_at=now, settled_at=now,
                audit_entry_id=entry,
            )  # fmt: skip
            versions.append(version)
            lanes.append(lane)
            letters.append(letter)
        for rows in (versions, lanes, letters):
            type(rows[0]).objects.bulk_create(rows, batch_size=500)
        Plan.objects.update(newest=1)
    return world


def previewed(world, kind, **wish):
    action = asking.ask(world.ana, world.organisation, kind, Criteria(**wish))
    while running.run_due():
        pass
    action.refresh_from_db()
    return action


def carried_out(action, owner):
    """Carried out here, delivered by processes beside, as by the workers of an installation."""
    connection.close()  # a socket is not shared with a child
    over = PROCESSES.Event()
    workers = [PROCESSES.Process(target=_deliver, args=(n, over)) for n in range(WORKERS)]
    for worker in workers:
        worker.start()
    asking.start(action, owner)
    while BulkAction.objects.filter(pk=action.pk, state="running").exists():
        running.run_due()
        time.sleep(TURN)
    over.set()
    for worker in workers:
        worker.join()
    action.refresh_from_db()


def _deliver(number, over):
    while True:
        ending = over.is_set()
        if deliveries.deliver_due(f"worker-{number}"):
            continue
        if ending and not Delivery.objects.filter(state="waiting").exists():
            connection.close()
            os._exit(0)  # no tidying up of what is the parent's
        time.sleep(LOOK)


def written():
    """How many sessions the destination acknowledged since the first version of each plan."""
    return Step.objects.filter(state="done", attempt__delivery__revision__gt=1)


def test_dead_letters_are_all_delivered_again_in_time(inbox):
    figures = {}
    world = dead_letters(LETTERS)
    count = Delivery.objects.count()
    with measured("preview", figures):
        action = previewed(world, BulkAction.Kind.REDELIVER, cause="unavailable")
    assert action.forecast == {"lanes": count, "create": SESSIONS * count}
    with measured("promised and delivered", figures):
        carried_out(action, world.ana)
    told(f"{count} dead letters", figures)
    assert Delivery.objects.filter(state="delivered").count() == count
    assert written().count() == SESSIONS * count
    assert ledger().balanced
    assert sum(figures.values()) < max(30.0, REDELIVERY * count / 10_000)


def test_forty_athletes_are_rolled_back_in_time(inbox):
    world, figures = studio(40), {}
    for title in ("Right", "Wrong"):
        for plan in Plan.objects.all():
            publish(plan, [session(f"tp-{n}", title=title) for n in range(SESSIONS)])
        while deliveries.deliver_due("worker"):
            pass
    with measured("preview", figures):
        action = previewed(world, BulkAction.Kind.ROLL_BACK, route=world.route.pk, to=To.PREVIOUS)
    with measured("promised and delivered", figures):
        carried_out(action, world.ana)
    told("40 athletes rolled back", figures)
    again = written().filter(attempt__delivery__revision=3)
    assert again.count() == action.forecast["update"] == 40 * SESSIONS
    assert set(again.values_list("attempt__plan_version", flat=True)) == {1}
    assert sum(figures.values()) < ROLL_BACK
