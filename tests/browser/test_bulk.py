"""Dead letters, bulk actions and roll backs on real pages: they fit, and can be finished."""

import pytest
from django.urls import reverse

from accounts.models import Athlete
from destinations.errors import UnsupportedPlanError
from destinations.models import Destination
from sharing.bulk import asking, running
from sharing.bulk.criteria import Criteria
from sharing.deliveries import deliver_due
from sharing.models import BulkAction, Delivery, Plan
from tests.browser.looking import look_at
from tests.sharing import world as worlds

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LONG = "Maximiliane Featherstonehaugh-Wolkensteinhausen von und zu Oberammergau"
UNBROKEN = "Trainingsgruppenkalendervereinbarungsuebersichtsseite" * 2


@pytest.fixture
def owner(world):
    world.ana.memberships.update(role="owner")
    return world.ana


@pytest.fixture
def letter(world, owner, journal):
    """Version 2 died of what it says; everybody has a name that is hard on a page."""
    world.ben.name = world.plan.name = LONG
    world.ben.save()
    world.plan.save()
    Destination.objects.filter(pk=world.destination.pk).update(name=UNBROKEN)
    world.make_due()
    journal.answers.append(UnsupportedPlanError())
    work()
    return world.deliveries()[-1]


def work():
    while deliver_due("test"):
        pass


def go():
    while running.run_due():
        pass


def previewed(world, kind=BulkAction.Kind.REDELIVER, **wish):
    action = asking.ask(world.ana, world.organisation, kind, Criteria(**wish))
    go()
    return action


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_every_page_fits_whatever_the_names_are(surf, world, owner, letter, width, scheme):
    letters = previewed(world, state="dead")
    taken_back = previewed(world, BulkAction.Kind.TAKE_BACK, route=world.route.pk)
    page = surf(owner, width=width, scheme=scheme)
    look_at(page, {"dead-letters": reverse("dead_letters")})
    asking.start(taken_back, owner)
    go()
    pages = {
        "bulk-actions": reverse("bulk_actions"),
        "preview": reverse("bulk_action", args=[letters.pk]),
        "done": reverse("bulk_action", args=[taken_back.pk]),
        "roll-back": reverse("roll_back", args=["plan", world.plan.pk]),
        "roll-back-route": reverse("roll_back", args=["route", world.route.pk]),
    }
    look_at(page, pages)


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (360, "light")])
def test_every_page_fits_before_anything_has_happened(surf, owner, width, scheme):
    pages = {"no-letters": reverse("dead_letters"), "no-actions": reverse("bulk_actions")}
    look_at(surf(owner, width=width, scheme=scheme), pages)


def test_dead_letters_go_out_again_with_the_keyboard_alone(surf, world, owner, letter):
    page = surf(owner)
    page.goto(reverse("dead_letters"))
    page.get_by_role("button", name="Preview delivering all 1 again").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Nothing is sent. This page updates by itself").wait_for()
    go()
    page.get_by_text("A preview: nothing has been done yet.").wait_for()
    page.locator("#bulk-start").focus()
    page.keyboard.press("Enter")
    page.get_by_text("plans handled").wait_for()
    go()
    work()
    page.get_by_text("Every plan has its answer below.").wait_for()
    assert Delivery.objects.order_by("-revision").first().state == "delivered"


def test_a_plan_goes_back_and_the_way_back_is_undone(surf, world, owner, journal):
    world.make_due()
    work()
    page = surf(owner)
    page.goto(reverse("roll_back", args=["plan", world.plan.pk]))
    page.get_by_label("Nothing").check()
    page.get_by_label("Why").fill("Wrong week")
    page.get_by_role("button", name="Preview").click()
    page.wait_for_url("**/bulk/**")
    go()
    page.locator("#bulk-start").click()
    page.get_by_text("plans handled").wait_for()
    go()
    work()
    assert not any(journal.held.values())
    page.get_by_role("button", name="Preview an undo").click()
    page.wait_for_url("**/bulk/**")
    go()
    page.locator("#bulk-start").click()
    page.get_by_text("plans handled").wait_for()
    go()
    work()
    assert sum(item is not None for item in journal.held.values()) == 2


def test_five_hundred_plans_are_turned_page_by_page(surf, world, owner):
    for number in range(500):
        athlete = Athlete.objects.create(
            organisation=world.organisation, name=f"{LONG} {number}", source_id=1_000 + number
        )
        plan = Plan.objects.create(athlete=athlete, name="Training plan")
        worlds.publish(plan, [worlds.session("tp-1")])
    action = previewed(world, BulkAction.Kind.TAKE_BACK, route=world.route.pk)
    page = surf(owner, width=360)
    look_at(page, {"many": reverse("bulk_action", args=[action.pk])})
    assert page.get_by_role("link", name="Next").is_visible()
