"""Erasing an athlete by a button: who may, what the page says, and what is left to see."""

import pytest
from django.urls import reverse

from accounts import assignments
from accounts.models import Athlete, Erasure, Membership
from sharing.deliveries import deliver_due
from sharing.erasure import asking, finishing
from sharing.models import Plan, PlanVersion

pytestmark = pytest.mark.django_db
SURE = {"sure": "on"}


def address(world):
    return reverse("athlete_erase", args=[world.ben.pk])


def become(world, role):
    Membership.objects.filter(user=world.ana).update(role=role)


@pytest.fixture
def owner(client, world):
    become(world, Membership.Role.OWNER)
    client.force_login(world.ana)
    return client


def erased(world):
    asking.ask(world.ben)
    world.make_due()
    while deliver_due("worker"):
        world.make_due()
    assert finishing.finish_due() == 1


def test_the_page_says_plainly_what_happens_and_that_it_cannot_be_undone(owner, world):
    said = owner.get(address(world)).content.decode()
    assert "It cannot be undone" in said
    assert world.destination.name in said
    assert "2 versions of 1 plan" in said


def test_it_is_not_done_without_the_box(owner, world):
    answer = owner.post(address(world), {})
    assert answer.status_code == 422
    assert "Tick the box" in answer.content.decode()
    assert not Erasure.objects.exists()


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_ana_may_as_owner_and_as_admin(client, world, role):
    become(world, role)
    client.force_login(world.ana)
    assert "Erase…" in client.get(reverse("athlete", args=[world.ben.pk])).content.decode()
    assert client.post(address(world), SURE).status_code == 302
    assert Erasure.objects.get().athlete_id == world.ben.pk


@pytest.mark.parametrize("role", ["coach", "auditor", "destination_owner"])
def test_ana_may_not_as_anything_else(client, world, role):
    become(world, role)
    client.force_login(world.ana)
    assert client.get(address(world)).status_code == 403
    assert client.post(address(world), SURE).status_code == 403
    assert not Erasure.objects.exists()


def test_cara_may_not_although_ben_is_assigned_to_her(client, world, cara):
    assignments.assign(cara, world.ben)
    client.force_login(cara)
    assert client.post(address(world), SURE).status_code == 403


def test_dan_finds_nobody(client, world, dan):
    client.force_login(dan)
    assert client.post(address(world), SURE).status_code == 404
    assert not Erasure.objects.exists()


def test_while_it_is_under_way_the_page_says_so_and_offers_nothing(owner, world):
    asking.ask(world.ben)
    said = owner.get(reverse("athlete", args=[world.ben.pk])).content.decode()
    assert "is being erased" in said
    for button in ("Erase…", "Record a decision", "Read the calendar now", "own page"):
        assert button not in said
    assert owner.get(address(world)).status_code == 302


def test_every_page_of_an_erased_athlete_opens_and_shows_nothing(owner, world, api):
    erased(world)
    version = PlanVersion.objects.first()
    delivery = world.deliveries()[0]
    pages = [
        reverse("home"), reverse("roster"), reverse("deliveries"), reverse("drift"),
        reverse("athlete", args=[world.ben.pk]), reverse("plan", args=[world.plan.pk]),
        reverse("plan_version", args=[world.plan.pk, version.version]),
        reverse("delivery", args=[delivery.pk]), reverse("quarantine"), reverse("bulk_actions"),
        reverse("roll_back", args=["athlete", world.ben.pk]), reverse("audit"),
        reverse("stop_new", args=["athlete", world.ben.pk]),
    ]  # fmt: skip
    for page in pages:
        answer = owner.get(page)
        assert answer.status_code == 200, page
        assert "Tempo run" not in answer.content.decode()
    assert "Erased athlete" in owner.get(pages[4]).content.decode()
    assert "gone for good" in owner.get(pages[6]).content.decode()


def test_the_api_says_erased_and_gives_no_content(owner, world, api):
    erased(world)
    athlete = owner.get(f"{api}athletes/{world.ben.pk}/").json()
    assert (athlete["name"], athlete["state"]) == ("Erased athlete", "erased")
    patch = {"data": {"timeZone": "Europe/Paris"}, "content_type": "application/json"}
    assert owner.patch(f"{api}athletes/{world.ben.pk}/", **patch).status_code == 400
    version = PlanVersion.objects.first()
    shown = owner.get(f"{api}versions/{version.pk}/").json()
    assert "gone for good" in shown["summary"][0]
    for path in (f"versions/{version.pk}", f"plans/{Plan.objects.get().pk}"):
        answer = owner.get(f"{api}{path}/document/")
        assert answer.status_code == 404
        assert "gone for good" in answer.json()["detail"]


def test_the_roll_back_of_an_erased_plan_finds_nothing_to_do(owner, world):
    erased(world)
    form = {"to": "version", "version": "1", "reason": "again"}
    answer = owner.post(reverse("roll_back", args=["plan", world.plan.pk]), form, follow=True)
    assert answer.status_code in {200, 422}
    assert Athlete.objects.get(pk=world.ben.pk).is_erased
    assert [d.intent for d in world.deliveries()][-1] == "remove"


@pytest.fixture
def api():
    return "/api/v1/"
