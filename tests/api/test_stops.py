"""Stops and cohorts through the API: what the pages do, for other software; and the walls."""

import pytest
from rest_framework.test import APIClient

from accounts import assignments, cohorts
from accounts.models import Athlete, Cohort, Membership, User
from sharing import deliveries, stops
from sharing.models import Stop
from sharing.stops import covering
from tests.api.conftest import client_of

pytestmark = pytest.mark.django_db(transaction=True)

SCOPES = ["organisation", "destination", "route", "cohort", "athlete"]


@pytest.fixture
def squad(studio):
    return cohorts.create(studio.organisation, "Squad", [studio.ben])


@pytest.fixture
def owner(studio, ana):
    studio.ana.memberships.update(role="owner")
    return ana


def member(studio, role, **extra):
    user = User.objects.create_user(f"{role}@example.com", None, **extra)
    Membership.objects.create(user=user, organisation=studio.organisation, role=role)
    return user


def key(studio, squad, scope):
    things = {
        "organisation": studio.organisation,
        "destination": studio.destination,
        "route": studio.route,
        "cohort": squad,
        "athlete": studio.ben,
    }
    return str(things[scope].pk)


def put(client, mode="pause", reason="Wrong week", **what):
    return client.post(
        "/api/v1/stops/", {"mode": mode, "reason": reason, **what}, format="json"
    )  # fmt: skip


@pytest.mark.parametrize("scope", SCOPES)
def test_a_thing_is_stopped_and_lifted(studio, owner, squad, inbox, scope):
    studio.agree()
    studio.publish()
    answer = put(owner, **{scope: key(studio, squad, scope)})
    assert answer.status_code == 201
    shown = answer.json()
    assert (shown["scope"], shown["mode"], shown["waiting"]) == (scope, "pause", 1)
    assert shown[scope] == key(studio, squad, scope)
    assert not deliveries.deliver_due("worker")
    listed = owner.get("/api/v1/stops/", {"inForce": "true"}).json()["results"]
    assert [row["id"] for row in listed] == [shown["id"]]
    lifted = owner.post(f"/api/v1/stops/{shown['id']}/lift/").json()
    assert (lifted["liftedBy"], lifted["waiting"]) == (str(studio.ana), 0)
    assert owner.get("/api/v1/stops/", {"inForce": "true"}).json()["results"] == []
    assert deliveries.deliver_due("worker")


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({}, "nonFieldErrors"),
        ({"reason": " "}, "reason"),
        ({"mode": "halt"}, "mode"),
        ({"everything": True}, "nonFieldErrors"),
    ],
)
def test_a_stop_names_one_thing_a_mode_and_a_reason(studio, ana, squad, wish, field):
    what = {"route": str(studio.route.pk)} if wish else {}
    answer = put(ana, **{**what, **wish})
    assert answer.status_code == 400
    assert {name.replace("_", "").lower() for name in answer.json()} == {field.lower()}
    assert not Stop.objects.exists()


def test_two_things_at_once_are_refused(studio, ana):
    answer = put(ana, route=str(studio.route.pk), athlete=str(studio.ben.pk))
    assert answer.status_code == 400


def test_a_coach_stops_no_organisation_and_nobody_but_the_operator_everything(studio, ana, owner):
    studio.ana.memberships.update(role="coach")
    assert put(ana, organisation=str(studio.organisation.pk)).status_code == 403
    studio.ana.memberships.update(role="owner")
    assert put(owner, everything=True).status_code == 403
    operator = client_of(User.objects.create_user("olga@example.com", None, is_staff=True))
    shown = put(operator, mode="kill", everything=True).json()
    assert shown["scope"] == "everything"
    assert owner.post(f"/api/v1/stops/{shown['id']}/lift/").status_code == 403
    assert owner.get(f"/api/v1/stops/{shown['id']}/").json()["stoppedBy"] != "olga@example.com"
    assert operator.post(f"/api/v1/stops/{shown['id']}/lift/").status_code == 200


def test_who_only_looks_may_not_stop(studio, squad):
    for role in ("assistant", "auditor"):
        client = client_of(member(studio, role))
        assert client.get("/api/v1/stops/").status_code == 200
        assert put(client, route=str(studio.route.pk)).status_code == 403


def test_dan_neither_stops_nor_sees_nor_lifts_what_is_anas(studio, dan, squad):
    stop = stops.put(studio.organisation, "kill", reason="Wrong week", by=studio.ana)
    for scope in SCOPES:
        assert put(dan, **{scope: key(studio, squad, scope)}).status_code == 400, scope
    assert dan.get("/api/v1/stops/").json()["results"] == []
    assert dan.get(f"/api/v1/stops/{stop.pk}/").status_code == 404
    assert dan.post(f"/api/v1/stops/{stop.pk}/lift/").status_code == 404
    assert list(covering.in_force()) == [stop]


@pytest.mark.parametrize("name", ["stops", "cohorts"])
def test_nothing_is_told_to_nobody(name):
    assert APIClient().get(f"/api/v1/{name}/").status_code == 401


# --- cohorts ----------------------------------------------------------------------------------


def test_a_cohort_is_made_changed_and_deleted(studio, ana):
    made = ana.post(
        "/api/v1/cohorts/", {"name": "Squad", "athletes": [str(studio.ben.pk)]}, format="json"
    ).json()
    assert made["athletes"] == [str(studio.ben.pk)]
    path = f"/api/v1/cohorts/{made['id']}/"
    assert ana.put(path, {"name": "Juniors"}, format="json").json() == made | {"name": "Juniors"}
    assert (
        ana.put(path, {"name": "Juniors", "athletes": []}, format="json").json()["athletes"] == []
    )
    assert ana.delete(path).status_code == 204
    assert not Cohort.objects.exists()


def test_a_name_that_is_taken_and_a_stop_in_force_are_said(studio, ana, squad):
    taken = ana.post("/api/v1/cohorts/", {"name": "Squad"}, format="json")
    assert (taken.status_code, list(taken.json())) == (400, ["name"])
    stops.put(squad, "pause", reason="Camp")
    refused = ana.delete(f"/api/v1/cohorts/{squad.pk}/")
    assert refused.status_code == 400
    assert "Lift its stop first" in str(refused.json())
    assert Cohort.objects.filter(pk=squad.pk).exists()


def test_dan_neither_sees_nor_fills_anas_cohort(studio, dan, squad):
    path = f"/api/v1/cohorts/{squad.pk}/"
    assert dan.get("/api/v1/cohorts/").json()["results"] == []
    assert dan.get(path).status_code == 404
    assert dan.put(path, {"name": "Mine"}, format="json").status_code == 404
    assert dan.delete(path).status_code == 404
    stolen = {"name": "Stolen", "athletes": [str(studio.ben.pk)]}
    assert dan.post("/api/v1/cohorts/", stolen, format="json").status_code == 400


def test_an_assistant_is_shown_whom_she_assists(studio, squad):
    eve = Athlete.objects.create(organisation=studio.organisation, name="Eve")
    squad.athletes.add(eve)
    cara = member(studio, "assistant")
    assignments.assign(cara, eve)
    (shown,) = client_of(cara).get("/api/v1/cohorts/").json()["results"]
    assert shown["athletes"] == [str(eve.pk)]
    assert client_of(cara).delete(f"/api/v1/cohorts/{squad.pk}/").status_code == 403
