"""Making, filling, finding and deleting a cohort on its pages."""

import pytest
from django.urls import reverse

from accounts import assignments, cohorts
from accounts.models import Athlete, Cohort
from sharing import stops

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana(client, world):
    client.force_login(world.ana)
    return world.ana


@pytest.fixture
def squad(world):
    return cohorts.create(world.organisation, "Squad", [world.ben])


def text(answer):
    return answer.content.decode()


def test_the_first_page_says_what_a_cohort_is_for(client, ana):
    shown = text(client.get(reverse("cohorts")))
    assert "No cohort yet" in shown
    assert reverse("cohort_new") in shown


def test_ana_makes_and_fills_a_cohort(client, world, ana):
    answer = client.post(reverse("cohort_new"), {"name": "Squad", "athletes": [world.ben.pk]})
    made = Cohort.objects.get()
    assert answer["Location"] == reverse("cohort", args=[made.pk])
    assert ">Ben<" in text(client.get(reverse("cohort", args=[made.pk])))
    assert "1 athlete<" in text(client.get(reverse("cohorts")))


def test_ana_renames_it_and_says_anew_who_belongs_to_it(client, world, ana, squad):
    eve = Athlete.objects.create(organisation=world.organisation, name="Eve")
    url = reverse("cohort_edit", args=[squad.pk])
    assert f'value="{world.ben.pk}"' in text(client.get(url))
    client.post(url, {"name": "Juniors", "athletes": [eve.pk]})
    squad.refresh_from_db()
    assert (squad.name, list(squad.athletes.all())) == ("Juniors", [eve])


def test_a_name_that_is_taken_is_said_at_its_field(client, ana, squad):
    answer = client.post(reverse("cohort_new"), {"name": "Squad"})
    assert answer.status_code == 422
    assert "There is a cohort called “Squad” already." in text(answer)
    assert Cohort.objects.count() == 1


def test_who_left_the_coach_stays_in_the_list_of_a_cohort_they_are_in(client, world, ana, squad):
    Athlete.objects.filter(pk=world.ben.pk).update(state="detached")
    shown = text(client.get(reverse("cohort_edit", args=[squad.pk])))
    assert str(world.ben.pk) in shown
    assert str(world.ben.pk) not in text(client.get(reverse("cohort_new")))


def test_ana_deletes_it_unless_it_is_stopped(client, ana, squad):
    stop = stops.put(squad, "pause", reason="Camp", by=ana)
    url = reverse("cohort_delete", args=[squad.pk])
    assert "Lift its stop first" in text(client.post(url, follow=True))
    stops.lift(stop)
    assert "is deleted" in text(client.post(url, follow=True))
    assert not Cohort.objects.exists()


def test_five_hundred_athletes_are_searched_and_come_in_pages(client, world, ana, squad):
    many = Athlete.objects.bulk_create(
        Athlete(organisation=world.organisation, name=f"Athlete {n:03}", data_key="x")
        for n in range(500)
    )
    shown = text(client.get(reverse("cohort_edit", args=[squad.pk])))
    assert shown.count('type="checkbox"') == 501
    assert "data-filter" in shown
    squad.athletes.set(many)
    page = reverse("cohort", args=[squad.pk])
    assert "1–50 of 500" in text(client.get(page))
    found = text(client.get(page, {"q": "athlete 123"}))
    assert "Athlete 123" in found
    assert "Athlete 124" not in found
    assert "Nobody in it is called" in text(client.get(page, {"q": "Zoe"}))


def test_cara_sees_only_those_she_assists_and_manages_nothing(client, world, cara, squad):
    eve = Athlete.objects.create(organisation=world.organisation, name="Eve")
    squad.athletes.add(eve)
    assignments.assign(cara, eve)
    client.force_login(cara)
    shown = text(client.get(reverse("cohort", args=[squad.pk])))
    assert "Eve" in shown
    assert ">Ben" not in shown
    assert "1 athlete<" in text(client.get(reverse("cohorts")))
    assert reverse("cohort_edit", args=[squad.pk]) not in shown
    for name in ("cohort_edit", "cohort_delete"):
        assert client.post(reverse(name, args=[squad.pk]), {"name": "x"}).status_code == 403
    assert client.post(reverse("cohort_new"), {"name": "x"}).status_code == 403


def test_for_dan_the_cohort_does_not_exist(client, dan, squad):
    client.force_login(dan)
    assert "Squad" not in text(client.get(reverse("cohorts")))
    for name in ("cohort", "cohort_edit"):
        assert client.get(reverse(name, args=[squad.pk])).status_code == 404
    assert client.post(reverse("cohort_delete", args=[squad.pk])).status_code == 404


def test_dans_athletes_cannot_be_put_in(client, ana, squad, stranger):
    answer = client.post(
        reverse("cohort_edit", args=[squad.pk]), {"name": "Squad", "athletes": [stranger.pk]}
    )
    assert answer.status_code == 422
    assert not squad.athletes.filter(pk=stranger.pk).exists()
