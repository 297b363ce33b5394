"""The pages in a real browser: nothing refused, nothing cut off, all reachable by keyboard."""

from datetime import timedelta

import pytest
from django.urls import reverse

from accounts import links
from destinations.models import Destination
from sharing import clock, remarks
from sharing.models import Delivery
from tests.browser.looking import look_at
from tests.pages.test_pages import pages
from tests.pages.test_states import quarantined

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PARTS = {"plan_status", "audit_verify"}  # answers to HTMX, not pages
LONG = "Maximiliane Featherstonehaugh-Wolkensteinhausen von und zu Oberammergau"


def addresses(world):
    return {name: url for name, url in pages(world).items() if name not in PARTS}


@pytest.fixture
def owner(world):
    world.ana.memberships.update(role="owner")
    return world.ana


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "light"), (360, "dark")])
def test_every_page_fits_and_the_browser_refuses_nothing(surf, world, owner, width, scheme):
    world.ben.name = LONG
    world.ben.save()
    look_at(surf(owner, width=width, scheme=scheme), addresses(world))


def test_what_waits_fits_a_phone_with_what_it_waits_for(surf, world, owner):
    row, later = quarantined(world), clock.now() + timedelta(hours=3)
    remarks.write(row, "Asked about " + "W" * 80, owner)
    remarks.assign(row, owner)
    Destination.objects.update(
        held_until=later, breaker_state="open", breaker_opened_at=later, breaker_until=later
    )
    look_at(
        surf(owner, width=360),
        {
            "quarantine-with-notes": reverse("quarantine"),
            "quarantined": reverse("quarantined", args=[row.pk]),
            "destination-that-waits": reverse("destination", args=[world.destination.pk]),
            "deliveries-that-wait": reverse("deliveries"),
            "delivery-that-waits": reverse("delivery", args=[world.deliveries()[-1].pk]),
        },
    )


def test_the_athletes_page_fits_a_phone_and_needs_no_account(surf, world):
    page = surf(width=360)
    look_at(page, {"athletes-page": _page_of(world)})
    assert page.context.cookies() == []


def test_the_athlete_withdraws_with_one_tap(surf, world):
    page = surf(width=360)
    page.goto(_page_of(world))
    page.get_by_role("button", name="Stop sharing").click()
    page.get_by_text("Sharing has stopped").wait_for()
    assert page.get_by_text("Stopped by you").is_visible()


def test_the_first_key_leads_past_the_navigation(surf, owner):
    page = surf(owner)
    page.goto("/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_delivery_is_redelivered_with_the_keyboard_alone(surf, world, owner):
    world.make_due()
    before = world.deliveries()
    delivery = before[-1]
    Delivery.objects.filter(pk=delivery.pk).update(state="dead", settled_at=clock.now())
    page = surf(owner)
    page.goto(reverse("delivery", args=[delivery.pk]))
    page.get_by_role("button", name="Redeliver").first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Redeliver").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Promised once more").wait_for()
    assert len(world.deliveries()) == len(before) + 1


def test_light_and_dark_are_remembered(surf, owner):
    page = surf(owner, scheme="light")
    page.goto("/")
    before = _background(page)
    page.get_by_role("button", name="Light or dark").first.click()
    after = _background(page)
    page.reload()
    assert before != after == _background(page)


def test_the_roster_is_searched_while_typing(surf, world, owner):
    page = surf(owner)
    page.goto(reverse("roster"))
    page.get_by_label("Find an athlete").press_sequentially("nobody of that name")
    page.get_by_text("Nobody is called").wait_for()
    page.get_by_label("Find an athlete").fill("Be")
    page.get_by_role("link", name="Ben").wait_for()
    assert page.complaints == []


def test_a_waiting_delivery_shows_its_end_by_itself(surf, world, owner):
    from sharing.deliveries import deliver_due

    page = surf(owner)
    page.goto(reverse("delivery", args=[world.deliveries()[1].pk]))
    page.get_by_text("updates by itself").wait_for()
    world.make_due()
    deliver_due("test")
    page.get_by_role("status").get_by_text("Delivered").wait_for()


def _page_of(world):
    return reverse("athlete_page", args=[links.athlete_link_token(world.ben)])


def _background(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")
