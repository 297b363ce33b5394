"""F35: a destination is down for long while many lanes owe it something. In one process."""

from bisect import bisect_right
from datetime import timedelta
from itertools import pairwise

import pytest
import time_machine
from django.db import connection  # noqa: F401 - a condition below names it
from django.utils import timezone

from accounts import consent
from accounts.models import Athlete
from destinations.errors import UnavailableError
from destinations.models import Destination
from sharing import clock, deliveries
from sharing.models import Delivery, Lane, Limiter, Plan
from tests.faults.edges.faults import gives
from tests.sharing import fake_destination, world

LANES = 30
TEN_MINUTES = 600.0  # seconds
RATE, BURST = 2, 4  # calls per second, and how many at once
DOWN_STEP, STEP = 2.0, 0.5  # seconds between two looks while it is down, and when it is back
OPENS_AFTER = 10  # attempts
PROBES = 5


@pytest.fixture
def club(open_road):
    """A road to a keyed inbox with many plans, one version of each waiting."""
    road = open_road("keyed", slots=1)
    others_agree(road.world)
    return road


def others_agree(made):
    for number in range(LANES - 1):
        athlete = Athlete.objects.create(
            organisation=made.organisation, name=f"Athlete {number}", source_id=100 + number
        )
        terms = consent.Terms(fields=world.FIELDS, purpose="training")
        consent.decide(athlete, made.destination.pk, "granted", consent.Basis(), terms)
        Plan.objects.create(athlete=athlete, name="Training plan")


def publish(number):
    for plan in Plan.objects.all():
        world.publish(plan, [world.session("tp-1", title=f"{plan.pk} v{number}")])


def work():
    """Everything that may be tried now, as often as it may."""
    for _ in range(3 * LANES):
        Limiter.objects.all().delete()
        if not deliveries.deliver_due("worker"):
            return


def test_F35_down_for_long_the_breaker_spares_tries_and_the_newest_alone_goes_out(club):
    earlier = set(Delivery.objects.values_list("pk", flat=True))
    publish(2)
    club.receiver.will(*[gives(500)] * (OPENS_AFTER + PROBES))
    Lane.objects.update(due_at=clock.now())
    work()
    assert club.destination.breaker_state == "open"
    assert len(club.receiver.requests) == OPENS_AFTER  # the other lanes spent nothing
    for _ in range(PROBES):  # the outage goes on: one lane tries for all of them
        before = len(club.receiver.requests)
        Destination.objects.update(breaker_until=clock.now())
        Lane.objects.update(due_at=clock.now(), hold_until=clock.now())
        work()
        assert len(club.receiver.requests) == before + 1
    publish(3)
    Destination.objects.update(breaker_until=clock.now())
    for _ in range(2):  # the probe, and then everybody
        club.world.make_due()
        work()
    newest = {f"{plan.pk} v3" for plan in Plan.objects.all()}
    assert newest <= set(club.receiver.effects)
    assert len(club.receiver.effects) == len(set(club.receiver.effects))
    assert club.destination.breaker_state == "closed"
    tried = {attempt.delivery_id for attempt in club.attempts}
    never = Delivery.objects.exclude(pk__in=tried | earlier)
    assert never.count() >= LANES - OPENS_AFTER - PROBES
    assert not never.exclude(state=Delivery.State.SUPERSEDED).exists()


class Inbox:
    """It is down for ten minutes; `came` says when it was called, `took` what it took, in order."""

    def __init__(self, monkeypatch):
        fake_destination.install(monkeypatch)
        self.up_at = timezone.now() + timedelta(seconds=TEN_MINUTES)
        self.came, self.took = [], []
        write = fake_destination.FakeAdapter.write

        def answer(adapter, step, *, idempotency_key):
            self.came.append(clock.now())
            if clock.now() < self.up_at:
                raise UnavailableError
            self.took.append(step.plan_id)
            return write(adapter, step, idempotency_key=idempotency_key)

        monkeypatch.setattr(fake_destination.FakeAdapter, "write", answer)

    def most_within(self, seconds):
        """The most calls within any such time."""
        ends = (bisect_right(self.came, at + timedelta(seconds=seconds)) for at in self.came)
        return max(end - begin for begin, end in enumerate(ends))


def look():
    """Whatever may go, goes."""
    while deliveries.deliver_due("worker"):
        pass


@pytest.mark.django_db
@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL has its own clock.")
def test_F35_ten_minutes_down_are_probed_at_doubling_pauses_and_drained_in_turn(monkeypatch):
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        inbox = Inbox(monkeypatch)
        made = world.build(rate_per_second=RATE, burst=BURST)
        made.agree()
        others_agree(made)
        publish(1)
        while clock.now() < inbox.up_at:
            look()
            traveller.shift(DOWN_STEP)
        probes = inbox.came[OPENS_AFTER - 1 :]  # the first of these opened the breaker
        pauses = [(later - sooner).total_seconds() for sooner, later in pairwise(probes)]
        assert pauses == pytest.approx([30, 60, 120, 240], abs=DOWN_STEP)
        assert inbox.took == []
        traveller.move_to(probes[-1] + timedelta(seconds=480 - STEP))
        look()
        assert inbox.took == []  # the pause before the last probe is not over yet
        in_turn = [
            str(plan) for plan in Lane.objects.order_by("due_at").values_list("plan", flat=True)
        ]
        traveller.shift(STEP)
        back = clock.now()
        while len(inbox.took) < LANES:
            look()
            assert clock.now() - back < timedelta(seconds=LANES / RATE)
            traveller.shift(STEP)
        assert inbox.took == in_turn  # each once, the oldest first
        assert inbox.most_within(1.0) <= BURST + RATE
        assert {each.state for each in Delivery.objects.all()} == {Delivery.State.DELIVERED}
