"""The athlete's own page: Ben decides with a link and nothing else."""

import pytest
from django.urls import reverse
from django.utils.html import escape

from accounts import consent, links, notices
from audit.models import Entry
from sharing.deliveries import deliver_due
from sharing.models import Acknowledgement, Delivery, Route
from tests.reading import without_chance

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(world):
    return reverse("athlete_page", args=[links.athlete_link_token(world.ben)])


def agreeing(client, page, destination):
    """What the browser sends when Ben taps yes, with what the page shows him."""
    (share,) = client.get(page).context["shares"]
    return {"act": "grant", "destination": destination.pk, "shown": share.shown}


def test_ben_sees_what_is_shared_where_since_when_and_which_version(client, world, page):
    shown = client.get(page).content.decode()
    assert "Squad calendar" in shown
    assert "shared since" in shown
    assert "holds version 1" in shown
    assert "version 2" in shown
    assert " UTC" in shown


def test_the_page_leaves_no_trace_of_its_address(client, page):
    answer = client.get(page)
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]
    assert "noindex" in answer["X-Robots-Tag"]
    assert not answer.cookies


def test_an_altered_link_shows_nothing(client, world, page):
    answer = client.get(page[:-3] + "xx/")
    assert answer.status_code == 404
    assert "Ben" not in without_chance(answer.content.decode())


def test_a_renewed_link_ends_the_old_one(client, world, page):
    links.renew(world.ben)
    assert client.get(page).status_code == 404


def test_ben_withdraws_and_what_is_there_is_taken_back(client, world, page):
    client.post(page, {"act": "withdraw", "destination": world.destination.pk})
    assert consent.current(world.ben.pk, world.destination.pk) is None
    assert world.deliveries()[-1].intent == Delivery.Intent.REMOVE
    world.make_due()
    deliver_due("test")
    assert world.states()[-1] == Delivery.State.DELIVERED


def test_bens_decision_is_recorded_as_his_own(client, world, page):
    client.post(page, {"act": "withdraw", "destination": world.destination.pk})
    entry = Entry.objects.filter(action="consent.withdrawn").get()
    assert b'"actor":"athlete"' in bytes(entry.body)


def test_ben_agrees_to_exactly_what_the_routes_would_share(client, world, page):
    client.post(page, {"act": "withdraw", "destination": world.destination.pk})
    client.post(page, agreeing(client, page, world.destination))
    decision = consent.current(world.ben.pk, world.destination.pk)
    assert set(decision.fields) == set(world.route.fields)
    assert decision.basis == "athlete_link"


def test_ben_has_read_the_text_whose_version_his_decision_keeps(client, world, page):
    shown = client.get(page).content.decode()
    for paragraph in notices.newest().text.split("\n\n"):
        assert escape(paragraph.strip()) in shown


def test_ben_does_not_agree_to_what_his_coach_changed_meanwhile(client, world, page):
    client.post(page, {"act": "withdraw", "destination": world.destination.pk})
    yes = agreeing(client, page, world.destination)
    Route.objects.update(fields={"title": "another purpose"})
    assert "look again" in client.post(page, yes).content.decode()
    assert consent.current(world.ben.pk, world.destination.pk) is None
    client.post(page, agreeing(client, page, world.destination))
    assert consent.current(world.ben.pk, world.destination.pk).fields == ["title"]


def test_ben_acknowledges_once_however_often_he_taps(client, world, page):
    version = world.plan.versions.get(version=2)
    for _ in range(2):
        client.post(page, {"act": "acknowledge", "version": version.pk})
    assert Acknowledgement.objects.filter(version=version).count() == 1
    assert "You have seen this version" in client.get(page).content.decode()


def test_ben_cannot_decide_about_a_destination_of_another_studio(client, world, page, dan):
    from tests.sharing import world as worlds

    other = worlds.make_destination(dan.memberships.get().organisation, dan)
    answer = client.post(page, {"act": "grant", "destination": other.pk})
    assert answer.status_code == 404
    assert consent.current(world.ben.pk, other.pk) is None


def test_nonsense_changes_nothing(client, world, page):
    before = Entry.objects.count()
    assert client.post(page, {"act": "grant", "destination": "x"}).status_code == 404
    assert client.post(page, {"act": "explode"}).status_code == 200
    assert Entry.objects.count() == before
