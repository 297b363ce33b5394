"""Alerts, conservation and health on real pages: they fit a phone, and are handled by keyboard."""

from datetime import timedelta

import pytest
from django.urls import reverse

from accounts.models import Connection, Membership, Organisation, User
from destinations.models import Destination
from insight import alerts, watchdogs
from insight.alerts import Finding
from insight.catalogue import KINDS
from insight.models import Alert
from sharing import clock
from sharing.models import Heartbeat, Lane, PeriodicJob
from tests.browser.looking import look_at

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LONG = "Maximiliane Featherstonehaugh-Wolkensteinhausen von und zu Oberammergau"
UNBROKEN = "Trainingsgruppenkalendervereinbarungsuebersichtsseite" * 2


@pytest.fixture
def owner(world):
    world.ana.memberships.update(role="owner")
    return world.ana


@pytest.fixture
def troubled(world, owner):
    """One alert of each kind, long names, a gap, and a job that fails."""
    world.ben.name = world.plan.name = LONG
    world.ben.save()
    world.plan.save()
    Destination.objects.filter(pk=world.destination.pk).update(name=UNBROKEN)
    connection = Connection.objects.create(
        organisation=world.organisation, user=owner, name=UNBROKEN
    )
    for kind in KINDS:
        alerts.raise_(
            Finding(
                kind, "it", organisation=world.organisation.pk, destination=world.destination.pk,
                athlete=world.ben.pk, connection=connection.pk, count=12_345,
                facts={"since": 1_800_000_000, "reason": "unavailable", "job": "poll-sources"},
            )
        )  # fmt: skip
    Lane.objects.filter(pk=world.deliveries()[0].lane_id).update(desired=30)
    watchdogs.look_at_the_ledger()
    PeriodicJob.objects.create(name="poll-sources", last_error="SourceUnavailableError" * 3)
    alerts.acknowledge(
        Alert.objects.get(kind="breaker_open"), owner, note=f"Waiting for {UNBROKEN}",
        assigned_to=owner,
    )  # fmt: skip


def addresses():
    pages = {name: reverse(name) for name in ("home", "alerts", "conservation", "health")}
    for kind in ("breaker_open", "conservation_gap"):
        if found := Alert.objects.filter(kind=kind).order_by("first_at").last():
            pages[kind] = reverse("alert", args=[found.pk])
    return pages | {"over": f"{reverse('alerts')}?state=resolved"}


@pytest.mark.usefixtures("troubled")
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_every_page_fits_while_everything_is_wrong(surf, owner, width, scheme):
    look_at(surf(owner, width=width, scheme=scheme), addresses())


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (360, "light")])
def test_every_page_fits_before_anything_has_happened(surf, width, scheme):
    user = User.objects.create_user("new@example.com", None, name="New")
    empty = Organisation.objects.create(name=UNBROKEN, slug="new")
    Membership.objects.create(user=user, organisation=empty, role="owner")
    look_at(surf(user, width=width, scheme=scheme), addresses())


def test_an_alert_is_acknowledged_and_given_to_somebody_with_the_keyboard_alone(surf, world, owner):
    cleo = User.objects.create_user("cleo@example.com", None, name="Cleo")
    Membership.objects.create(user=cleo, organisation=world.organisation, role="admin")
    alert = alerts.raise_(
        Finding(
            "breaker_open", "it", organisation=world.organisation.pk,
            destination=world.destination.pk,
        )
    )  # fmt: skip
    page = surf(owner)
    page.goto(reverse("alerts"))
    page.get_by_role("link", name="A destination fails").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Who takes care of it").focus()
    page.keyboard.type("cleo")
    page.keyboard.press("Tab")
    page.keyboard.type("On the phone with them")
    page.keyboard.press("Enter")
    page.get_by_text("Acknowledged. It goes away by itself").wait_for()
    alert.refresh_from_db()
    assert (alert.state, alert.assigned_to) == ("acknowledged", cleo)
    assert page.get_by_text("with Cleo").is_visible()
    assert page.get_by_text("On the phone with them").is_visible()


def test_a_gap_is_named_on_the_page_and_goes_away_with_its_cause(surf, world, owner):
    Heartbeat.objects.create(worker="one", beat_at=clock.now() + timedelta(minutes=5))
    lane = Lane.objects.get(pk=world.deliveries()[0].lane_id)
    Lane.objects.filter(pk=lane.pk).update(desired=lane.desired + 1)
    watchdogs.look_at_the_ledger()
    page = surf(owner)
    page.goto(reverse("alerts"))
    page.get_by_role("link", name="See the conservation page").click()
    page.get_by_role("heading", name="Where promises have no place").wait_for()
    assert page.get_by_text(f"Promise {lane.desired + 1} of {lane.desired + 1}").is_visible()
    Lane.objects.filter(pk=lane.pk).update(desired=lane.desired)
    watchdogs.look_at_the_ledger()
    page.goto(reverse("alerts"))
    page.get_by_role("heading", name="No alert stands").wait_for()
