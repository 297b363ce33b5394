"""Many workers at once: each lane has one holder, each version one effect, and the log no gap."""

import contextlib
import threading
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from accounts import cohorts, consent
from accounts.models import Athlete
from audit import verify
from sharing import clock, deliveries, periodic, routes, stops
from sharing.ledger import lanes_with_a_gap, ledger
from sharing.models import Attempt, Delivery, PeriodicJob, Plan, Route, Stop
from sharing.stops import putting
from tests.sharing.world import FIELDS, build, publish, session

pytestmark = pytest.mark.django_db(transaction=True)

WORKERS = 6
ATHLETES = 12


@pytest.fixture
def club(inbox):
    """A studio with a dozen athletes who all agreed, on a route for everyone."""
    world = build(slots=WORKERS)
    world.agree()
    for number in range(ATHLETES - 1):
        athlete = Athlete.objects.create(
            organisation=world.organisation,
            name=f"Athlete {number}",
            time_zone="Europe/Paris",
            source_id=100 + number,
        )
        terms = consent.Terms(fields=FIELDS, purpose="training")
        consent.decide(athlete, world.destination.pk, "granted", consent.Basis(), terms)
        Plan.objects.create(athlete=athlete, name="Training plan")
    return world


def together(work, times=WORKERS):
    """Run the same thing in several threads, and raise what any of them raised."""
    raised = []

    def run(number):
        try:
            work(number)
        except Exception as error:  # noqa: BLE001 - raised again by the caller
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if raised:
        raise raised[0]


def deliver_until_quiet(number):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if not deliveries.deliver_due(f"worker-{number}"):
            if not Delivery.objects.filter(state="waiting").exists():
                return
            time.sleep(0.01)


def test_many_workers_deliver_everything_once(club, inbox):
    for plan in Plan.objects.all():
        publish(plan, [session("tp-1"), session("tp-2")])
    together(deliver_until_quiet)
    effects = Counter((step.plan_id, step.item_key, step.version) for step in inbox.arrived)
    assert len(effects) == ATHLETES * 2
    assert set(effects.values()) == {1}
    assert Delivery.objects.filter(state="delivered").count() == ATHLETES
    assert Attempt.objects.filter(settled_at=None).count() == 0


def test_versions_keep_their_order_while_workers_and_changes_race(club, inbox):
    plans = list(Plan.objects.all())

    def change_and_deliver(number):
        for round_ in range(4):
            plan = plans[(number + round_) % len(plans)]
            publish(plan, [session("tp-1", title=f"Round {number}-{round_}")])
            deliveries.deliver_due(f"worker-{number}")

    together(change_and_deliver)
    together(deliver_until_quiet)
    last = {}
    for step in inbox.arrived:
        held = last.get((step.plan_id, step.item_key), 0)
        assert step.revision > held, "an older revision came after a newer one"
        last[step.plan_id, step.item_key] = step.revision
    assert ledger().balanced
    assert lanes_with_a_gap() == []
    assert verify.verify().good


def test_a_periodic_job_runs_once_per_period_however_many_schedulers_ask(monkeypatch):
    ran = []
    job = periodic.Job("count", lambda: timedelta(hours=1), lambda: ran.append(1))
    monkeypatch.setattr(periodic, "_jobs", {"count": job})
    together(lambda _: periodic.run_due())
    assert len(ran) == 1


def test_a_periodic_job_that_fails_says_so_and_comes_round_again(monkeypatch):
    def fail():
        raise ValueError("no")

    job = periodic.Job("fails", lambda: timedelta(hours=1), fail)
    monkeypatch.setattr(periodic, "_jobs", {"fails": job})
    assert periodic.run_due()
    row = PeriodicJob.objects.get(name="fails")
    assert (row.last_error, row.last_ok_at) == ("ValueError", None)
    assert row.next_run_at > clock.now()


def test_a_periodic_job_that_outlasts_its_lease_is_not_run_beside_itself(monkeypatch, settings):
    settings.BATON_LEASE = timedelta(seconds=0.6)
    ran, over = [], threading.Event()

    def take_long():
        ran.append(1)
        over.wait(10)

    monkeypatch.setattr(periodic, "_jobs", {"long": periodic.Job("long", timedelta, take_long)})

    def look(number):
        if number == 0:
            assert periodic.run_due()
            return
        until = time.monotonic() + 2.0  # three leases
        while not ran or time.monotonic() < until:
            assert not (ran and periodic.run_due())
            time.sleep(0.05)
        over.set()

    together(look, times=2)
    assert ran == [1]


def test_a_periodic_job_whose_process_died_runs_again_after_a_lease(monkeypatch, settings):
    settings.BATON_LEASE = timedelta(seconds=0.3)
    ran = []

    def die():
        ran.append(1)
        raise SystemExit

    monkeypatch.setattr(periodic, "_jobs", {"dies": periodic.Job("dies", timedelta, die)})
    with pytest.raises(SystemExit):
        periodic.run_due()
    assert not periodic.run_due()
    PeriodicJob.objects.update(lease_until=clock.now() - timedelta(microseconds=1))
    with pytest.raises(SystemExit):
        periodic.run_due()
    assert ran == [1, 1]


def test_a_route_opened_while_versions_are_made_misses_none_of_them(club, inbox):
    """Either the route's opener sees the version, or the version's maker sees the route."""
    plans = list(Plan.objects.order_by("pk"))
    routes.set_state(club.route, Route.State.RETIRED)
    wish = routes.RouteSettings(name="Second", purpose="training", fields={"title": "training"})

    def race(number):
        if number == 0:
            routes.open_route(club.organisation, club.destination, wish)
        else:
            for plan in plans[number::WORKERS]:
                publish(plan, [session("tp-1")])

    together(race)
    for plan in plans[0::WORKERS]:
        publish(plan, [session("tp-1")])
    together(deliver_until_quiet)
    assert Delivery.objects.filter(state="delivered").count() == ATHLETES


def at_once(monkeypatch, place, name):
    """Whoever comes here waits until the others are here too, or for long enough."""
    gate, real = threading.Barrier(WORKERS), getattr(place, name)

    def meet(*args, **kwargs):
        with contextlib.suppress(threading.BrokenBarrierError):
            gate.wait(1)
        return real(*args, **kwargs)

    monkeypatch.setattr(place, name, meet)


def test_a_route_that_is_opened_by_a_double_click_is_opened_once(club, monkeypatch):
    routes.set_state(club.route, Route.State.RETIRED)
    wish = routes.RouteSettings(name="Second", purpose="training", fields={"title": "training"})
    at_once(monkeypatch, routes, "audited_atomic")
    refused = []

    def click(_):
        try:
            routes.open_route(club.organisation, club.destination, wish)
        except ValidationError as refusal:
            refused.append(refusal)

    together(click)
    assert Route.objects.exclude(state=Route.State.RETIRED).count() == 1
    assert len(refused) == WORKERS - 1


def test_two_routes_that_are_changed_at_once_do_not_come_to_carry_the_same_athlete(
    club, monkeypatch
):
    routes.set_state(club.route, Route.State.RETIRED)
    first, second, third = Athlete.objects.order_by("pk")[:3]

    def wish(*athletes):
        return routes.RouteSettings(
            name="Chosen", purpose="training", fields={"title": "training"},
            audience=Route.Audience.CHOSEN, athletes=[athlete.pk for athlete in athletes],
        )  # fmt: skip

    pair = [
        routes.open_route(club.organisation, club.destination, wish(athlete))
        for athlete in (first, second)
    ]
    at_once(monkeypatch, routes, "audited_atomic")

    def take_the_third_too(number):
        with contextlib.suppress(ValidationError):
            routes.change(pair[number], wish((first, second)[number], third))

    together(take_the_third_too, times=2)
    assert Route.objects.filter(athletes=third).count() == 1


@pytest.mark.parametrize(
    "scope", ["everything", "organisation", "destination", "route", "cohort", "athlete"]
)
def test_a_thing_that_is_stopped_by_many_at_once_has_one_stop(club, monkeypatch, scope):
    targets = {
        "everything": None, "organisation": club.organisation, "destination": club.destination,
        "route": club.route, "athlete": club.ben,
        "cohort": cohorts.create(club.organisation, "Squad", [club.ben]),
    }  # fmt: skip
    at_once(monkeypatch, putting, "audited_atomic")
    together(lambda _: stops.put(targets[scope], Stop.Mode.PAUSE, reason="wrong week"))
    assert Stop.objects.filter(lifted_at=None).count() == 1
