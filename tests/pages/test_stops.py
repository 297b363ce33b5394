"""Stopping and lifting on the pages: who sees what, and where a held delivery says why it waits."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import assignments, cohorts, links
from accounts.models import Athlete, Membership, User
from sharing import stops
from sharing.models import Stop
from sharing.stops import covering
from tests.pages.conftest import _person

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana(client, world):
    client.force_login(world.ana)
    return world.ana


@pytest.fixture
def owner(client, world):
    world.ana.memberships.update(role="owner")
    client.force_login(world.ana)
    return world.ana


@pytest.fixture
def olga(world):
    """Runs the installation; an auditor in Ana's studio."""
    user = _person(world.organisation, "Olga", Membership.Role.AUDITOR)
    user.is_staff = True
    user.save()
    return user


@pytest.fixture
def squad(world):
    return cohorts.create(world.organisation, "Squad", [world.ben])


def text(answer):
    return answer.content.decode()


def things(world, squad):
    return {
        "organisation": world.organisation,
        "destination": world.destination,
        "route": world.route,
        "cohort": squad,
        "athlete": world.ben,
    }


def form(scope, thing):
    return reverse("stop_new", args=[scope, thing.pk])


WISH = {"mode": "pause", "reason": "Wrong week imported"}


def test_nothing_is_stopped_says_so(client, ana):
    assert "Nothing is stopped" in text(client.get(reverse("stops")))
    assert "No stop was lifted yet" in text(client.get(reverse("stops"), {"lifted": 1}))


@pytest.mark.parametrize("scope", ["organisation", "destination", "route", "cohort", "athlete"])
def test_a_thing_is_stopped_and_lifted_from_its_pages(client, world, owner, squad, scope):
    thing = things(world, squad)[scope]
    assert "It covers 1 plan; 1 delivery waits now." in text(client.get(form(scope, thing)))
    client.post(form(scope, thing), WISH)
    stop = covering.in_force().get()
    assert (stop.scope, stop.mode, stop.stopped_by) == (scope, "pause", owner)
    shown = text(client.get(reverse("stops")))
    for words in (str(thing), "Wrong week imported", "Ana Moreira", "1 delivery"):
        assert words in shown
    client.post(reverse("stop_lift", args=[stop.pk]))
    assert not covering.in_force().exists()
    assert str(thing) in text(client.get(reverse("stops"), {"lifted": 1}))


@pytest.mark.parametrize("scope", ["destination", "route", "cohort", "athlete"])
def test_the_page_of_a_thing_offers_the_stop_and_then_says_it_is_stopped(
    client, world, ana, squad, scope
):
    thing = things(world, squad)[scope]
    page = reverse(scope, args=[thing.pk])
    assert form(scope, thing) in text(client.get(page))
    stop = stops.put(thing, "drain", reason="Holiday", by=ana)
    shown = text(client.get(page))
    assert "Draining since" in shown
    assert "“Holiday”" in shown
    answer = client.post(reverse("stop_lift", args=[stop.pk]), {"next": page})
    assert answer["Location"] == page
    assert "Draining since" not in text(client.get(page))


def test_a_stop_without_a_reason_is_asked_for_it(client, world, ana):
    answer = client.post(form("athlete", world.ben), {"mode": "pause", "reason": ""})
    assert answer.status_code == 422
    assert not Stop.objects.exists()


def test_what_is_stopped_already_says_that_another_choice_takes_its_place(client, world, ana):
    stops.put(world.ben, "pause", reason="Holiday", by=ana)
    assert "It is stopped already" in text(client.get(form("athlete", world.ben)))
    client.post(form("athlete", world.ben), WISH | {"mode": "kill"})
    assert covering.in_force().get().mode == "kill"


def test_the_kill_switch_for_everything_says_what_it_does_and_wants_a_tick(client, olga):
    client.force_login(olga)
    url = reverse("stop_everything")
    shown = text(client.get(url))
    assert "Nothing leaves this installation for anybody" in shown
    assert re.search(r'<input[^>]*value="kill"[^>]*checked', shown)
    assert client.post(url, {"mode": "kill", "reason": "Leak"}).status_code == 422
    assert not Stop.objects.exists()
    client.post(url, {"mode": "kill", "reason": "Leak", "sure": "on"})
    assert covering.in_force().get().scope == "everything"


def test_only_who_runs_the_installation_stops_or_lifts_everything(client, world, owner):
    assert client.get(reverse("stop_everything")).status_code == 403
    stop = stops.put(None, "kill", reason="Leak")
    assert client.post(reverse("stop_lift", args=[stop.pk])).status_code == 403
    shown = text(client.get(reverse("stops")))
    assert "Only whoever runs this installation can lift it." in shown
    assert covering.in_force().exists()


def test_the_installations_own_people_are_not_named_in_its_studios(client, ana, olga):
    stops.put(None, "kill", reason="Leak", by=olga)
    shown = text(client.get(reverse("stops")))
    assert "whoever runs this installation" in shown
    assert "Olga" not in shown


def test_somebody_who_runs_the_installation_needs_no_studio_to_stop_it(client, db):
    root = User.objects.create_user("root@example.com", "a long enough password", is_staff=True)
    client.force_login(root)
    assert client.get(reverse("stops")).status_code == 200
    client.post(reverse("stop_everything"), {"mode": "kill", "reason": "Leak", "sure": "on"})
    assert client.post(reverse("stop_lift", args=[Stop.objects.get().pk])).status_code == 302


def test_whoever_may_not_roll_back_is_not_led_there(client, world, owner):
    stops.put(world.destination, "pause", reason="8 new versions", guardrail="volume")
    assert "Roll back" in text(client.get(reverse("stops")))
    vic = _person(world.organisation, "Vic", Membership.Role.DESTINATION_OWNER)
    client.force_login(vic)
    shown = text(client.get(reverse("stops")))
    assert "Lift" in shown
    assert "Roll back" not in shown


# --- where it is met --------------------------------------------------------------------------


def test_every_page_says_what_is_stopped(client, world, ana):
    stops.put(world.destination, "pause", reason="Wrong week", by=ana)
    for name in ("home", "roster", "deliveries", "destinations", "routes", "alerts", "health"):
        shown = text(client.get(reverse(name)))
        assert 'aria-label="Stopped"' in shown, name
        assert "Squad calendar" in shown, name


def test_the_banner_asks_once_however_much_is_stopped(client, world, ana):
    with CaptureQueriesContext(connection) as before:
        client.get(reverse("health"))
    for number in range(6):
        athlete = Athlete.objects.create(organisation=world.organisation, name=f"Athlete {number}")
        stops.put(athlete, "pause", reason="Camp", by=ana)
    with CaptureQueriesContext(connection) as after:
        shown = text(client.get(reverse("health")))
    assert "and 3 more" in shown
    assert len(after) == len(before)


def test_a_held_delivery_says_by_whom_since_when_and_why_with_one_action(client, world, ana):
    stop = stops.put(world.route, "pause", reason="Wrong week", by=ana)
    waiting = world.deliveries()[1]
    for url in (
        reverse("delivery", args=[waiting.pk]),
        reverse("plan", args=[world.plan.pk]),
        reverse("plan_status", args=[world.plan.pk]),
        reverse("athlete", args=[world.ben.pk]),
    ):
        shown = " ".join(text(client.get(url)).split())
        assert "<strong>Held</strong> by Ana Moreira, since" in shown, url
        assert "because “Wrong week”" in shown, url
        assert reverse("stop_lift", args=[stop.pk]) in shown, url
    shown = text(client.get(reverse("delivery", args=[waiting.pk])))
    assert "Waiting for a stop to be lifted" in shown
    assert "· next try" not in shown
    assert "Waits for a stop to be lifted" in text(client.get(reverse("deliveries")))


def test_a_delivered_one_is_held_by_nothing(client, world, ana):
    stops.put(world.route, "kill", reason="Wrong week", by=ana)
    delivered = world.deliveries()[0]
    shown = text(client.get(reverse("delivery", args=[delivered.pk])))
    assert "<strong>Held</strong>" not in shown


def test_who_may_not_lift_is_offered_no_button(client, world, cara):
    assignments.assign(cara, world.ben)
    stop = stops.put(world.route, "pause", reason="Wrong week", by=world.ana)
    client.force_login(cara)
    waiting = world.deliveries()[1]
    shown = text(client.get(reverse("delivery", args=[waiting.pk])))
    assert "<strong>Held</strong>" in shown
    assert reverse("stop_lift", args=[stop.pk]) not in shown
    assert client.post(reverse("stop_lift", args=[stop.pk])).status_code == 403
    assert client.get(form("athlete", world.ben)).status_code == 403


# --- walls ------------------------------------------------------------------------------------


def test_dan_neither_stops_nor_lifts_nor_sees_what_is_anas(client, world, dan, squad):
    stop = stops.put(world.organisation, "kill", reason="Wrong week", by=world.ana)
    client.force_login(dan)
    for scope, thing in things(world, squad).items():
        assert client.post(form(scope, thing), WISH).status_code == 404, scope
    assert client.post(reverse("stop_lift", args=[stop.pk])).status_code == 404
    for url in (reverse("stops"), reverse("home"), reverse("health")):
        shown = text(client.get(url))
        assert "Keller" not in shown
        assert 'aria-label="Stopped"' not in shown
    assert covering.in_force().count() == 1


def test_a_stop_of_everything_is_told_to_everybody(client, dan):
    stops.put(None, "kill", reason="Leak")
    client.force_login(dan)
    assert "<strong>Everything</strong>: kill switch on" in text(client.get(reverse("health")))


def test_cara_sees_no_stop_of_an_athlete_she_does_not_assist(client, world, cara):
    stops.put(world.ben, "pause", reason="Injured", by=world.ana)
    client.force_login(cara)
    assert "Injured" not in text(client.get(reverse("stops")))
    assignments.assign(cara, world.ben)
    assert "Injured" in text(client.get(reverse("stops")))


def test_who_answers_for_destinations_is_told_of_no_athlete(client, world, squad):
    user = _person(world.organisation, "Dora", Membership.Role.DESTINATION_OWNER)
    stops.put(world.ben, "pause", reason="Injured", by=world.ana)
    stops.put(squad, "pause", reason="Camp", by=world.ana)
    stops.put(world.destination, "pause", reason="Moving house", by=world.ana)
    client.force_login(user)
    shown = text(client.get(reverse("stops")))
    assert "Moving house" in shown
    assert "Injured" not in shown
    assert "Camp" not in shown
    client.post(reverse("stop_lift", args=[Stop.objects.get(destination=world.destination).pk]))
    assert covering.in_force().count() == 2


def test_a_link_to_somewhere_else_is_not_followed_after_lifting(client, world, ana):
    stop = stops.put(world.ben, "pause", reason="Holiday", by=ana)
    answer = client.post(reverse("stop_lift", args=[stop.pk]), {"next": "https://evil.example/"})
    assert answer["Location"] == reverse("stops")


def test_a_scope_that_does_not_exist_is_not_found(client, world, ana):
    assert client.get(f"/stops/new/planet/{world.ben.pk}/").status_code == 404


def test_the_athlete_is_told_that_the_newest_changes_have_not_gone_out(client, world):
    page = reverse("athlete_page", args=[links.athlete_link_token(world.ben)])
    assert "Sending is stopped for now" not in text(client.get(page))
    stop = stops.put(world.route, "pause", reason="Wrong week", by=world.ana)
    shown = text(client.get(page))
    assert "Sending is stopped for now" in shown
    assert "Wrong week" not in shown
    stops.lift(stop)
    assert "Sending is stopped for now" not in text(client.get(page))
