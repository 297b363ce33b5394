"""Each page for each person: what is there, what is not, and what does not exist for strangers."""

import pytest
from django.urls import reverse

from accounts import assignments

pytestmark = pytest.mark.django_db


def pages(world):
    delivery = world.deliveries()[0]
    return {
        "home": reverse("home"),
        "roster": reverse("roster"),
        "athlete": reverse("athlete", args=[world.ben.pk]),
        "plan": reverse("plan", args=[world.plan.pk]),
        "plan_status": reverse("plan_status", args=[world.plan.pk]),
        "plan_version": reverse("plan_version", args=[world.plan.pk, 2]),
        "deliveries": reverse("deliveries"),
        "delivery": reverse("delivery", args=[delivery.pk]),
        "routes": reverse("routes"),
        "route": reverse("route", args=[world.route.pk]),
        "route_new": reverse("route_new", args=[world.destination.pk]),
        "route_edit": reverse("route_edit", args=[world.route.pk]),
        "destinations": reverse("destinations"),
        "destination_kinds": reverse("destination_kinds"),
        "destination_new": reverse("destination_new", args=["webhook"]),
        "destination": reverse("destination", args=[world.destination.pk]),
        "destination_edit": reverse("destination_edit", args=[world.destination.pk]),
        "quarantine": reverse("quarantine"),
        "drift": reverse("drift"),
        "drift_checks": reverse("drift_checks"),
        "stops": reverse("stops"),
        "stop_new": reverse("stop_new", args=["route", world.route.pk]),
        "cohorts": reverse("cohorts"),
        "cohort_new": reverse("cohort_new"),
        "alerts": reverse("alerts"),
        "conservation": reverse("conservation"),
        "audit": reverse("audit"),
        "audit_verify": reverse("audit_verify"),
        "health": reverse("health"),
        "connections": reverse("connections"),
        "calendar_new": reverse("calendar_new"),
        "api_docs": reverse("api_docs"),
    }


FOREIGN = [
    "athlete", "plan", "plan_status", "plan_version", "delivery", "route", "route_new",
    "route_edit", "destination", "destination_edit", "stop_new",
]  # fmt: skip


LOG = {"audit", "audit_verify"}
MANAGING = {
    "calendar_new", "route_new", "route_edit", "destination_kinds", "destination_new",
    "destination_edit", "stop_new", "cohort_new",
}  # fmt: skip


def statuses(client, world, user):
    client.force_login(user)
    return {name: client.get(url).status_code for name, url in pages(world).items()}


def closed(answers):
    return {name for name, status in answers.items() if status == 403}


def test_ana_sees_every_page_but_the_log(client, world):
    answers = statuses(client, world, world.ana)
    assert set(answers.values()) == {200, 403}, answers
    assert closed(answers) == LOG


def test_an_owner_sees_every_page(client, world):
    world.ana.memberships.update(role="owner")
    assert set(statuses(client, world, world.ana).values()) == {200}


def test_cara_sees_the_athletes_she_assists_and_manages_nothing(client, world, cara):
    assignments.assign(cara, world.ben)
    answers = statuses(client, world, cara)
    assert closed(answers) == LOG | MANAGING | {"quarantine"}
    assert set(answers.values()) == {200, 403}, answers


def test_for_cara_an_athlete_she_does_not_assist_does_not_exist(client, world, cara):
    answers = statuses(client, world, cara)
    hidden = {name for name, status in answers.items() if status == 404}
    assert hidden == {"athlete", "plan", "plan_status", "plan_version", "delivery"}


def test_nobody_sees_a_page_without_signing_in(client, world):
    for url in pages(world).values():
        answer = client.get(url)
        assert answer.status_code == 302
        assert answer["Location"].startswith(reverse("account_login"))


def test_for_dan_the_pages_of_anas_studio_do_not_exist(client, world, dan):
    client.force_login(dan)
    for name in FOREIGN:
        assert client.get(pages(world)[name]).status_code == 404, name


def test_dan_finds_nothing_of_anas_studio_in_his_lists(client, world, dan):
    client.force_login(dan)
    for name in sorted(set(pages(world)) - set(FOREIGN)):
        text = client.get(pages(world)[name]).content.decode()
        assert "Squad calendar" not in text, name
        assert ">Ben" not in text, name
