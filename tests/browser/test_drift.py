"""Drift in a real browser: seen on a phone, put back by keyboard, kept by a tap."""

import pytest
from django.urls import reverse

from sharing.deliveries import deliver_due
from sharing.drift import asking, checks
from tests.browser.looking import look_at
from tests.sharing import readable_destination
from tests.sharing import world as worlds

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WORDS = "Unbroken" * 30


@pytest.fixture
def calendar(monkeypatch):
    return readable_destination.install(monkeypatch)


@pytest.fixture
def world(calendar):
    """Ben moved one session and gave the other a very long name."""
    world = worlds.build(name="Squad calendar", idempotency_class="upsert")
    world.agree()
    world.publish(
        worlds.session("tp-1", title="Tempo run"), worlds.session("tp-2", title="Long run")
    )
    deliver_all()
    calendar.change("tp-1", date="2030-01-01")
    calendar.change("tp-2", startTime="06:15:00", title=WORDS)
    worlds.Route.objects.update(drift_policy={"title": "ask"})
    asking.ask(world.destination)
    while checks.run_due():
        pass
    return world


def deliver_all():
    while deliver_due("test"):
        pass


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "light"), (360, "dark")])
def test_everything_about_drift_fits_and_is_refused_by_nobody(surf, world, width, scheme):
    page = surf(world.ana, width=width, scheme=scheme)
    pages = {
        "drift": reverse("drift"),
        "drift-checks": reverse("drift_checks"),
        "drift-of-plan": reverse("plan", args=[world.plan.pk]),
        "drift-at-destination": reverse("destination", args=[world.destination.pk]),
        "drift-policy": reverse("route_edit", args=[world.route.pk]),
    }
    look_at(page, pages)


def test_a_difference_is_put_back_by_keyboard_and_kept_by_a_tap(surf, world, calendar):
    page = surf(world.ana, width=360)
    page.goto(reverse("drift"))
    page.get_by_role("button", name="Put back: Day of Tempo run").press("Enter")
    page.get_by_text("it is on its way").wait_for()
    deliver_all()
    assert calendar.said("tp-1")["date"] != "2030-01-01"
    page.get_by_role("button", name="Keep: Time of day of Long run").click()
    page.get_by_text("Kept as it is there.").wait_for()
    page.get_by_role("link", name="Kept").click()
    page.get_by_text("Stays as the athlete changed it until you change").wait_for()
