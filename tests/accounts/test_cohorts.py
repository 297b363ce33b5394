"""Cohorts: made, renamed, filled and deleted, each with its entry, and never over the wall."""

import pytest
from django.core.exceptions import ValidationError

from accounts import cohorts
from accounts.models import Athlete, Cohort
from audit.models import Entry
from sharing import stops

pytestmark = pytest.mark.django_db


@pytest.fixture
def squad(studio):
    return cohorts.create(studio.organisation, "Squad", [studio.ben])


def names(cohort):
    return [athlete.name for athlete in cohort.athletes.order_by("name")]


def said():
    found = Entry.objects.filter(action__startswith="cohort.").order_by("seq")
    return [entry.action for entry in found]


def test_a_cohort_is_made_with_its_athletes(studio, squad):
    assert (squad.name, names(squad)) == ("Squad", ["Ben"])
    assert said() == ["cohort.created", "cohort.joined"]
    joined = Entry.objects.get(action="cohort.joined")
    assert joined.subject == studio.ben.pseudonym
    assert "Squad" not in bytes(joined.body).decode()


def test_filling_says_who_joined_and_who_left(studio, squad):
    cohorts.change(squad, athletes=[studio.eve])
    assert names(squad) == ["Eve"]
    assert said()[2:] == ["cohort.joined", "cohort.left"]
    assert Entry.objects.get(action="cohort.left").subject == studio.ben.pseudonym


def test_filling_with_the_same_says_nothing(studio, squad):
    cohorts.change(squad, name="Squad", athletes=[studio.ben])
    assert said() == ["cohort.created", "cohort.joined"]


def test_renaming_keeps_who_belongs_to_it(squad):
    renamed = cohorts.change(squad, name="  Juniors ")
    assert (renamed.name, names(renamed)) == ("Juniors", ["Ben"])
    assert said()[-1] == "cohort.renamed"


@pytest.mark.parametrize("name", ["", "   ", "x" * 121])
def test_a_cohort_needs_a_name_that_fits(studio, name):
    with pytest.raises(ValidationError) as refusal:
        cohorts.create(studio.organisation, name)
    assert "name" in refusal.value.message_dict
    assert not Cohort.objects.exists()
    assert said() == []


def test_two_cohorts_of_a_studio_are_not_called_the_same(studio, squad):
    with pytest.raises(ValidationError, match="already"):
        cohorts.create(studio.organisation, "Squad")
    other = cohorts.create(studio.organisation, "Camp")
    with pytest.raises(ValidationError, match="already"):
        cohorts.change(other, name="Squad")
    assert cohorts.create(studio.elsewhere, "Squad").name == "Squad"


def test_an_athlete_of_another_studio_does_not_get_in(studio, squad):
    for work in (
        lambda: cohorts.create(studio.organisation, "Camp", [studio.zoe]),
        lambda: cohorts.change(squad, athletes=[studio.ben, studio.zoe]),
    ):
        with pytest.raises(ValidationError, match="this organisation only"):
            work()
    assert names(squad) == ["Ben"]
    assert Cohort.objects.count() == 1


def test_deleting_leaves_the_athletes(studio, squad):
    cohorts.delete(squad)
    assert not Cohort.objects.exists()
    assert Athlete.objects.filter(pk=studio.ben.pk).exists()
    assert said()[-1] == "cohort.deleted"


def test_a_stopped_cohort_cannot_be_deleted_before_its_stop_is_lifted(studio, squad):
    stop = stops.put(squad, "pause", reason="Camp")
    with pytest.raises(ValidationError, match="Lift its stop first"):
        cohorts.delete(squad)
    assert Cohort.objects.exists()
    stops.lift(stop)
    cohorts.delete(squad)
    assert not Cohort.objects.exists()


def test_dan_sees_no_cohort_of_anas(studio, squad):
    assert not Cohort.objects.for_user(studio.dan).exists()
    assert list(Cohort.objects.for_user(studio.ana)) == [squad]


def test_five_hundred_athletes_are_put_in_with_few_questions(studio, django_assert_max_num_queries):
    many = Athlete.objects.bulk_create(
        Athlete(organisation=studio.organisation, name=f"Athlete {n:03}", data_key="x")
        for n in range(500)
    )
    with django_assert_max_num_queries(30):
        cohort = cohorts.create(studio.organisation, "Everybody", many)
    assert cohort.athletes.count() == 500
    assert said().count("cohort.joined") == 500
