"""Nothing that hangs holds every thread: not the source, and not a destination."""

import threading
from datetime import timedelta

import pytest

from accounts import consent
from accounts.models import Athlete
from destinations.models import Destination
from sharing import deliveries, limiter, periodic, reading, routes, tasks, upkeep
from sharing import pump as pump_module
from sharing.crew import Crew
from sharing.models import Delivery, Heartbeat, PeriodicJob, Plan
from sharing.pump import Pump
from sharing.source import quota
from sharing.source.errors import SourceDownError
from tests.sharing.world import FIELDS, build, make_destination, publish, session

pytestmark = pytest.mark.django_db(transaction=True)

SOON = 20.0  # seconds, on a busy machine
QUIET = 0.5  # seconds in which nobody else comes


@pytest.fixture
def studio(inbox, monkeypatch):
    """Ben agreed to one destination; no regular job is in the way."""
    monkeypatch.setattr(periodic, "_jobs", {})
    world = build(slots=50)
    world.agree()
    return world


class Hanging:
    """Holds whoever comes until the test is over, and says that somebody came."""

    def __init__(self):
        self.over, self.came = threading.Event(), threading.Semaphore(0)

    def __call__(self, *_, **__):
        self.came.release()
        self.over.wait(SOON)
        return True

    def holds(self, times=1):
        """So many are held at least, and whoever else may be on the way is held, too."""
        assert all(self.came.acquire(timeout=SOON) for _ in range(times))
        while self.came.acquire(timeout=QUIET):
            pass


@pytest.fixture
def hanging():
    made = Hanging()
    yield made
    made.over.set()


@pytest.fixture
def pump(hanging):
    """Starts pumps; at the end they are let go and waited for."""
    started = []

    def start(threads):
        made = Pump("pump", threads=threads, interval=0.02)
        made.start()
        started.append(made)

    yield start
    hanging.over.set()
    for each in started:
        each.stop()


def until_delivered(monkeypatch):
    """An event that is set when a delivery was settled."""
    settled, real = threading.Event(), deliveries.outcomes.settle

    def settle(*about):
        real(*about)
        settled.set()

    monkeypatch.setattr(deliveries.outcomes, "settle", settle)
    return settled


@pytest.mark.parametrize("threads", [2, 3, 4, 7])
def test_a_source_that_hangs_delays_no_delivery(studio, hanging, pump, monkeypatch, threads):
    monkeypatch.setattr(reading, "read_due", hanging)
    settled = until_delivered(monkeypatch)
    pump(threads)
    hanging.holds(threads // 2)
    studio.publish()
    assert settled.wait(SOON / 2)
    assert studio.states() == ["delivered"]


@pytest.mark.parametrize("name", sorted(upkeep.ASK_THE_SOURCE))
def test_a_job_that_waits_for_the_source_delays_no_other_job(
    studio, hanging, pump, monkeypatch, name
):
    ran = threading.Event()
    monkeypatch.setattr(
        periodic,
        "_jobs",
        {
            name: periodic.Job(name, lambda: timedelta(hours=1), hanging),
            "ours": periodic.Job("ours", lambda: timedelta(hours=1), ran.set),
        },
    )
    monkeypatch.setattr(reading, "read_due", hanging)
    later = deliveries.clock.now() + timedelta(hours=1)
    PeriodicJob.objects.create(name="ours", next_run_at=later)
    pump(2)
    hanging.holds()
    PeriodicJob.objects.filter(name="ours").update(next_run_at=deliveries.clock.now())
    assert ran.wait(SOON / 2)


def test_every_job_that_asks_the_source_is_one_of_ours():
    assert {name for name, _, _ in upkeep.JOBS} >= upkeep.ASK_THE_SOURCE


def test_the_task_of_celery_reads_no_source(studio, monkeypatch):
    monkeypatch.setattr(reading, "read_due", pytest.fail)
    studio.publish()
    tasks.drain()
    assert studio.states() == ["delivered"]


@pytest.mark.parametrize("threads", [3, 4])
def test_two_destinations_that_hang_delay_no_third(
    studio, inbox, hanging, pump, monkeypatch, threads
):
    """Each has more due lanes and more slots than there are threads."""
    slow = {studio.destination.pk, another(studio).pk}
    third = another(studio)
    for _ in range(3):
        more_athletes(studio, 2)
    settled = until_delivered(monkeypatch)
    write(monkeypatch, lambda lane: hanging() if lane.destination_id in slow else None)
    Destination.objects.filter(pk=third.pk).update(state=Destination.State.PAUSED)
    publish_all()
    pump(threads)
    hanging.holds(2)
    Destination.objects.filter(pk=third.pk).update(state=Destination.State.ACTIVE)
    assert settled.wait(SOON / 2)
    assert Delivery.objects.filter(lane__destination=third, state="delivered").exists()


def write(monkeypatch, before):
    real = deliveries.Sending._made

    def made(sending, steps):
        before(sending.claim.lane)
        return real(sending, steps)

    monkeypatch.setattr(deliveries.Sending, "_made", made)


def another(studio):
    destination = make_destination(studio.organisation, studio.ana, slots=50)
    wish = routes.RouteSettings(
        name=f"To {destination.name}", purpose="training", fields=dict.fromkeys(FIELDS, "training")
    )
    routes.open_route(studio.organisation, destination, wish)
    agree(studio.ben, destination)
    return destination


def agree(athlete, destination):
    terms = consent.Terms(fields=FIELDS, purpose="training")
    consent.decide(athlete, destination.pk, "granted", consent.Basis(), terms)


def more_athletes(studio, count):
    for _ in range(count):
        athlete = Athlete.objects.create(
            organisation=studio.organisation,
            name="Another",
            time_zone="Europe/Paris",
            source_id=100 + Athlete.objects.count(),
        )
        Plan.objects.create(athlete=athlete, name="Training plan")
        for destination in Destination.objects.all():
            agree(athlete, destination)


def publish_all():
    for plan in Plan.objects.all():
        publish(plan, [session("tp-1")])


def test_a_destination_has_several_threads_while_half_stay_free_and_then_one():
    crew = Crew(4)
    assert [crew.begins(name) for name in "aaabbcc"] == [
        True, True, False, True, False, True, False,
    ]  # fmt: skip
    crew.ends("b")
    crew.ends("c")
    with crew.elsewhere():
        assert not crew.begins("a")
    crew.ends("a")
    assert crew.begins("a")


def test_a_pump_in_a_long_turn_still_shows_that_it_lives(studio, hanging, pump, monkeypatch):
    beaten, real = threading.Semaphore(0), pump_module.beat
    monkeypatch.setattr(pump_module, "BETWEEN_BEATS", 0.02)
    monkeypatch.setattr(reading, "read_due", hanging)
    pump(1)
    hanging.holds()

    def beat(worker):
        real(worker)
        beaten.release()

    monkeypatch.setattr(pump_module, "beat", beat)
    assert all(beaten.acquire(timeout=SOON / 2) for _ in range(3))
    assert Heartbeat.objects.count() == 1


def test_a_pump_whose_turn_does_not_end_is_taken_for_lost(studio, hanging, pump, monkeypatch):
    monkeypatch.setattr(pump_module, "BETWEEN_BEATS", 0.02)
    monkeypatch.setattr(pump_module, "LONGEST_TURN", 0.0)
    monkeypatch.setattr(reading, "read_due", hanging)
    pump(1)
    hanging.holds()
    monkeypatch.setattr(pump_module, "beat", pytest.fail)
    assert not hanging.over.wait(0.3)


def test_a_source_that_kept_somebody_waiting_is_left_alone_for_a_while(monkeypatch):
    monkeypatch.setattr(quota, "LONG", 0.0)
    assert not quota.held()
    with pytest.raises(SourceDownError), quota.spared():
        raise SourceDownError("TrainingPeaks did not answer.")
    assert quota.held()
    rate = quota.settings.TRAININGPEAKS_RATE_PER_SECOND
    assert limiter.wait(quota.KEY, rate=rate, burst=quota.BURST) <= quota.SILENCE


def test_a_source_that_refuses_at_once_holds_nobody():
    with pytest.raises(SourceDownError), quota.spared():
        raise SourceDownError("TrainingPeaks did not answer.")
    assert not quota.held()
