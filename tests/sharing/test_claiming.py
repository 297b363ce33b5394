"""What one look for work may cost, however much there is that may not go."""

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import consent
from accounts.models import Athlete
from destinations.models import Destination
from sharing import claims, clock, routes
from sharing.models import Delivery, Lane, Plan
from tests.sharing import fake_destination
from tests.sharing.world import FIELDS, build, make_destination, publish, session

pytestmark = pytest.mark.django_db

ATHLETES = 5


@pytest.fixture
def club(monkeypatch):
    """Some athletes' plans are due, and then all of them think better of it."""
    fake_destination.install(monkeypatch)
    world = build(slots=ATHLETES)
    world.agree()
    world.publish()
    for number in range(ATHLETES - 1):
        athlete = Athlete.objects.create(
            organisation=world.organisation, name=f"Athlete {number}", source_id=100 + number
        )
        terms = consent.Terms(fields=FIELDS, purpose="training")
        consent.decide(athlete, world.destination.pk, "granted", consent.Basis(), terms)
        publish(Plan.objects.create(athlete=athlete, name="Training plan"), [session("tp-1")])
    return world


def test_a_look_settles_only_so_many_lanes_that_may_not_go(club, monkeypatch):
    monkeypatch.setattr(claims, "MOST_SETTLED", 2)
    for athlete in Athlete.objects.all():
        consent.decide(athlete, club.destination.pk, "withdrawn", consent.Basis())
    left = []
    while Delivery.objects.filter(state="waiting").exists():
        assert claims.claim("worker") is None
        left.append(Delivery.objects.filter(state="waiting").count())
    assert left == [3, 1, 0]


def test_what_a_look_asks_does_not_grow_with_the_destinations(club):
    asked = []
    for _ in range(3):
        with CaptureQueriesContext(connection) as captured:
            turns = list(claims._destinations_in_turn())
        asked.append((len(turns), len(captured)))
        _one_more(club)
    assert [many for many, _ in asked] == [1, 2, 3]
    assert len({questions for _, questions in asked}) == 1


def _one_more(club):
    """Another destination of the same athletes, to which a plan is due."""
    beside = replace(club, destination=make_destination(club.organisation, club.ana))
    settings = routes.RouteSettings(
        name=beside.destination.name, purpose="training", fields=dict.fromkeys(FIELDS, "training")
    )
    beside.route = routes.open_route(club.organisation, beside.destination, settings)
    beside.agree()
    beside.publish()


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="plans of PostgreSQL")
def test_busy_lanes_and_due_ones_of_a_destination_are_found_by_an_index(club):
    """Asked with sequential scans switched off: on a handful of rows they are always cheaper."""
    now = clock.now()
    busy = Lane.objects.filter(lease_until__gt=now)
    due = claims.due_lanes(now).filter(destination=Destination.objects.get()).order_by("due_at")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
    assert "lanes_by_lease" in busy.explain()
    assert "work_of_a_destination" in due.explain()
