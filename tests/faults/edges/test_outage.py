"""F35: a destination is down for long while many lanes owe it something. In one process."""

import pytest

from accounts import consent
from accounts.models import Athlete
from destinations.models import Destination
from sharing import clock, deliveries
from sharing.models import Delivery, Lane, Limiter, Plan
from tests.faults.edges.faults import gives
from tests.sharing import world

LANES = 30
OPENS_AFTER = 10  # attempts
PROBES = 5


@pytest.fixture
def club(open_road):
    """A road to a keyed inbox with many plans, one version of each waiting."""
    road = open_road("keyed", slots=1)
    made = road.world
    for number in range(LANES - 1):
        athlete = Athlete.objects.create(
            organisation=made.organisation, name=f"Athlete {number}", source_id=100 + number
        )
        terms = consent.Terms(fields=world.FIELDS, purpose="training")
        consent.decide(athlete, made.destination.pk, "granted", consent.Basis(), terms)
        Plan.objects.create(athlete=athlete, name="Training plan")
    return road


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
