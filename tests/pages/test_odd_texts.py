"""Texts that no database can keep: nothing is found by them, and nothing breaks."""

import json

import pytest
from django.urls import reverse

from accounts import cohorts
from audit.log import audited_atomic
from sharing import quarantine
from sharing.models import Source
from sharing.source.errors import BadAnswerError

pytestmark = pytest.mark.django_db

NUL = "Ben\0"


@pytest.fixture
def ana(client, world):
    client.force_login(world.ana)
    return client


@pytest.fixture
def pages(world):
    squad = cohorts.create(world.organisation, "Squad", [world.ben])
    return {
        "remote": reverse("deliveries"),
        "q": reverse("roster"),
        "q of a cohort": reverse("cohort", args=[squad.pk]),
    }


@pytest.mark.parametrize("name", ["remote", "q", "q of a cohort"])
def test_nobody_is_called_a_text_with_a_nul(ana, pages, name):
    answer = ana.get(pages[name], {name.split()[0]: NUL})
    assert answer.status_code == 200
    assert not answer.context.get("found")
    if name != "remote":
        assert list(answer.context["page"]) == []


@pytest.mark.parametrize("name", ["remote", "q", "q of a cohort"])
def test_a_very_long_search_finds_nothing(ana, pages, name):
    assert ana.get(pages[name], {name.split()[0]: "x" * 5000}).status_code == 200


@pytest.mark.parametrize("note", [NUL, "x" * 301])
def test_a_note_that_cannot_be_kept_dismisses_nothing(ana, world, note):
    source = Source.objects.create(athlete=world.ben)
    with audited_atomic() as log:
        answer = json.dumps([{"Id": 1}]).encode()
        row = quarantine.keep(source, BadAnswerError("workouts", "[0]", "not a day", answer), log)
    ana.post(reverse("quarantine_dismiss", args=[row.pk]), {"note": note})
    row.refresh_from_db()
    assert (row.state, row.note) == ("open", "")


@pytest.mark.parametrize("name", ["page", "state", "show", "destination", "athlete", "area", "day"])
@pytest.mark.parametrize(
    "page", ["deliveries", "dead_letters", "drift", "alerts", "stops", "quarantine", "audit"]
)
def test_no_filter_breaks_a_page(ana, world, page, name):
    world.ana.memberships.update(role="owner")
    assert ana.get(reverse(page), {name: NUL}).status_code == 200
