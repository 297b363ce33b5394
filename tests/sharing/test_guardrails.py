"""Guardrails: what breaks one is paused at once, says its figures, and goes on when it was seen."""

from datetime import timedelta

import pytest
from django.urls import reverse

from accounts import consent
from accounts.models import Athlete
from audit import stored
from destinations.errors import UnsupportedPlanError
from insight import watchdogs
from insight.models import Alert
from sharing import clock, deliveries, guardrails, stops
from sharing.bulk import asking, running
from sharing.bulk.criteria import Criteria, To
from sharing.models import BulkAction, Delivery, HourlyVolume, Lane, Plan, Stop
from tests.sharing.world import FIELDS, build, publish, session

pytestmark = pytest.mark.django_db

PLANS = 8
HOUR = timedelta(hours=1)


@pytest.fixture
def club(inbox, settings):
    """Some athletes whose first version is delivered; the limits are low."""
    settings.BATON_GUARD_FLOOR, settings.BATON_GUARD_FACTOR = 5, 2
    settings.BATON_GUARD_LEAST, settings.BATON_GUARD_FAILED_PERCENT = 4, 50
    world = build()
    world.agree()
    for number in range(PLANS - 1):
        join(world, number)
    publish_all("First")
    work()
    inbox.arrived.clear()
    return world


def join(world, number):
    athlete = Athlete.objects.create(
        organisation=world.organisation, name=f"Athlete {number}", source_id=100 + number
    )
    terms = consent.Terms(fields=FIELDS, purpose="training")
    consent.decide(athlete, world.destination.pk, "granted", consent.Basis(), terms)
    Plan.objects.create(athlete=athlete, name="Training plan")


def publish_all(title):
    for plan in Plan.objects.all():
        publish(plan, [session("tp-1", title=title)])


def work():
    Lane.objects.update(due_at=clock.now(), hold_until=clock.now())
    while deliveries.deliver_due("worker"):
        pass


def known(world, busiest, *, days=5):
    """What was usual in the last days."""
    for day in range(1, days + 1):
        hour = clock.now() - timedelta(days=day)
        HourlyVolume.objects.create(destination=world.destination, hour=hour, versions=busiest)


def look():
    guardrails.hold_breaches()
    watchdogs.look()
    return list(Stop.objects.filter(lifted_at=None))


# --- unusual volume --------------------------------------------------------------------------


def test_a_burst_over_the_baseline_is_held_and_said_within_one_look(club, inbox):
    known(club, busiest=3)
    publish_all("Burst")
    (stop,) = look()
    assert (stop.destination, stop.mode, stop.guardrail) == (club.destination, "pause", "volume")
    assert stop.reason.startswith("8 new versions within an hour; the busiest hour")
    assert stop.reason.endswith("had 3.")
    work()
    assert inbox.arrived == []
    alert = Alert.objects.get(kind="unusual_volume")
    assert (alert.severity, alert.destination_id) == ("critical", club.destination.pk)
    (entry,) = (line for line in stored.lines() if line["action"] == "stop.put")
    assert entry["extra"]["guardrail"] == "volume"


@pytest.mark.parametrize(("busiest", "floor"), [(4, 5), (3, 8)])
def test_what_is_under_the_limit_goes_out(club, inbox, settings, busiest, floor):
    settings.BATON_GUARD_FLOOR = floor
    known(club, busiest=busiest)
    publish_all("Usual")
    assert look() == []
    work()
    assert len(inbox.arrived) == PLANS


def test_nothing_is_unusual_before_anybody_knows_what_is_usual(club):
    known(club, busiest=1, days=2)
    publish_all("Burst")
    assert look() == []


def test_the_first_versions_of_a_new_roster_are_no_burst(club):
    known(club, busiest=1)
    for number in range(PLANS, 3 * PLANS):
        join(club, number)
    for plan in Plan.objects.filter(newest=0):
        publish(plan, [session("tp-1")])
    assert look() == []


def test_what_a_person_asked_for_in_bulk_is_no_burst(club):
    known(club, busiest=1)
    carry_out(club, BulkAction.Kind.REDELIVER, state="delivered")
    assert Delivery.objects.filter(revision__gt=1).count() == PLANS
    assert look() == []


def test_a_lift_is_the_review_and_only_what_comes_later_counts(club, inbox):
    known(club, busiest=3)
    publish_all("Burst")
    (stop,) = look()
    stops.lift(stop, by=club.ana)
    assert look() == []
    watchdogs.look()
    assert Alert.objects.get(kind="unusual_volume").state == "resolved"
    work()
    assert len(inbox.arrived) == PLANS
    publish_all("Another burst")
    assert len(look()) == 1


def test_a_stop_that_a_person_put_is_left_alone(club):
    known(club, busiest=3)
    mine = stops.put(club.destination, "kill", reason="leak", by=club.ana)
    publish_all("Burst")
    assert look() == [mine]


def test_the_hours_are_counted_once_and_forgotten_after_two_weeks(club):
    now = clock.now()
    HourlyVolume.objects.create(
        destination=club.destination, hour=now - timedelta(days=15), versions=900
    )
    publish_all("Second")
    guardrails.hold_breaches()
    guardrails.hold_breaches()
    counted = HourlyVolume.objects.values_list("versions", flat=True)
    assert sum(counted) == PLANS  # in one row, or in two around the full hour


# --- too many failures -----------------------------------------------------------------------


def break_a_route(club, inbox, failures=PLANS):
    inbox.answers.extend([UnsupportedPlanError()] * failures)
    publish_all("Broken")
    work()
    inbox.answers.clear()
    inbox.arrived.clear()


def test_a_route_that_mostly_fails_is_paused_with_its_figures(club, inbox):
    Delivery.objects.all().delete()
    break_a_route(club, inbox, failures=6)
    (stop,) = look()
    assert (stop.route, stop.guardrail) == (club.route, "failures")
    assert stop.reason == "6 of the last 8 deliveries of this route failed for good."
    assert Alert.objects.get(kind="too_many_failures").destination_id == club.destination.pk
    assert look() == [stop]


@pytest.mark.parametrize(("failures", "least"), [(4, 4), (8, 20)])
def test_half_of_them_or_a_few_are_no_breach(club, inbox, settings, failures, least):
    settings.BATON_GUARD_LEAST = least
    Delivery.objects.all().delete()
    break_a_route(club, inbox, failures=failures)
    assert look() == []


def test_what_was_reviewed_does_not_count_again(club, inbox):
    Delivery.objects.all().delete()
    break_a_route(club, inbox)
    (stop,) = look()
    stops.lift(stop, by=club.ana)
    assert look() == []


# --- the drill -------------------------------------------------------------------------------


def carry_out(world, kind, **wish):
    action = asking.ask(world.ana, world.organisation, kind, Criteria(**wish))
    while running.run_due():
        pass
    action.refresh_from_db()
    asking.start(action, world.ana)
    while running.run_due():
        pass
    action.refresh_from_db()
    return action


def test_the_drill_from_the_breach_to_the_version_before(club, inbox, client, settings):
    settings.BATON_GUARD_FAILED_PERCENT = 40  # half of them are the good first versions
    good_until = clock.now()
    break_a_route(club, inbox)
    publish_all("Still broken")
    (stop,) = look()
    work()
    assert inbox.arrived == []  # it is held
    client.force_login(owner(club))
    page = client.get(reverse("stops")).content.decode()
    way_back = reverse("roll_back", args=["route", club.route.pk])
    assert way_back in page
    assert client.get(way_back).status_code == 200
    action = carry_out(
        club, BulkAction.Kind.ROLL_BACK, route=club.route.pk, to=To.MOMENT, moment=good_until
    )
    assert action.state == "done"
    work()
    assert inbox.arrived == []  # until somebody lifts the stop
    stops.lift(stop, by=club.ana)
    work()
    owed = [lane.deliveries.order_by("-revision").first() for lane in Lane.objects.all()]
    assert {delivery.version.version for delivery in owed} == {1}
    assert {delivery.state for delivery in owed} == {"delivered"}


def owner(world):
    world.organisation.memberships.filter(user=world.ana).update(role="owner")
    return world.ana
