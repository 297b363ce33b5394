"""What is stopped, on real pages: it fits a phone, and is stopped and lifted with the keyboard."""

import pytest
from django.urls import reverse

from accounts import cohorts
from accounts.models import Athlete
from sharing import stops
from sharing.stops import covering
from tests.browser.looking import look_at

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LONG = "Maximiliane Featherstonehaugh-Wolkensteinhausen von und zu Oberammergau"


@pytest.fixture
def owner(world):
    world.ana.memberships.update(role="owner")
    return world.ana


@pytest.fixture
def squad(world):
    many = Athlete.objects.bulk_create(
        Athlete(organisation=world.organisation, name=f"Athlete {n:03}", data_key="x")
        for n in range(500)
    )
    return cohorts.create(world.organisation, LONG, [world.ben, *many[:120]])


@pytest.fixture
def stopped(world, squad):
    world.ben.name = LONG
    world.ben.save()
    why = "The wrong week was imported for everybody, waiting for the head coach " * 3
    for target, mode in (
        (world.organisation, "drain"), (world.destination, "kill"), (world.route, "pause"),
        (squad, "pause"), (world.ben, "pause"), (None, "kill"),
    ):  # fmt: skip
        stops.put(target, mode, reason=why, by=world.ana)


def addresses(world, squad):
    return {
        "home": reverse("home"),
        "stops": reverse("stops"),
        "stop_new": reverse("stop_new", args=["destination", world.destination.pk]),
        "destination": reverse("destination", args=[world.destination.pk]),
        "route": reverse("route", args=[world.route.pk]),
        "athlete": reverse("athlete", args=[world.ben.pk]),
        "plan": reverse("plan", args=[world.plan.pk]),
        "delivery": reverse("delivery", args=[world.deliveries()[1].pk]),
        "deliveries": reverse("deliveries"),
        "cohorts": reverse("cohorts"),
        "cohort": reverse("cohort", args=[squad.pk]),
        "cohort_edit": reverse("cohort_edit", args=[squad.pk]),
    }


@pytest.mark.usefixtures("stopped")
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_every_page_fits_while_everything_is_stopped(surf, world, owner, squad, width, scheme):
    page = surf(owner, width=width, scheme=scheme)
    for name, url in addresses(world, squad).items():
        look_at(page, {name: url})
        assert page.get_by_role("complementary", name="Stopped").is_visible(), name


def test_a_destination_is_stopped_and_lifted_with_the_keyboard_alone(surf, world, owner):
    page = surf(owner)
    page.goto(reverse("destination", args=[world.destination.pk]))
    page.get_by_role("link", name="Stop…").focus()
    page.keyboard.press("Enter")
    page.get_by_role("radio", name="Pause").focus()
    page.keyboard.press("ArrowDown")
    page.get_by_label("Why").focus()
    page.keyboard.type("Holiday")
    page.keyboard.press("Enter")
    page.get_by_text("Stopped. Nothing is lost").wait_for()
    assert covering.in_force().get().mode == "drain"
    page.get_by_role("button", name="Lift").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Nothing is stopped").wait_for()
    assert not covering.in_force().exists()


def test_athletes_are_found_among_five_hundred_while_typing(surf, owner, squad):
    page = surf(owner, width=360)
    page.goto(reverse("cohort_new"))
    page.get_by_label("Filter this list").fill("athlete 321")
    assert page.locator(".check:visible").count() == 1
    page.get_by_text("Athlete 321").click()
    page.get_by_label("Name").fill("Camp")
    page.get_by_role("button", name="Make the cohort").click()
    page.get_by_text("The cohort Camp is made.").wait_for()
    assert page.get_by_role("link", name="Athlete 321").is_visible()
