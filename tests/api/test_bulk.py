"""Dead letters and bulk actions through the API: what the pages do, for other software."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import assignments
from accounts.models import Membership, User
from destinations.errors import UnsupportedPlanError
from sharing import deliveries
from sharing.bulk import limits, running
from sharing.models import BulkAction, Delivery
from tests.api.conftest import client_of
from tests.sharing.world import session

pytestmark = pytest.mark.django_db

ACTIONS = "/api/v1/bulk-actions/"


def work():
    while deliveries.deliver_due("worker"):
        pass


def go():
    while running.run_due():
        pass


@pytest.fixture
def letter(studio, inbox):
    """Version 1 was delivered, version 2 is dead."""
    studio.agree()
    studio.publish(session("tp-1"))
    work()
    inbox.answers.append(UnsupportedPlanError())
    studio.publish(session("tp-1", title="Tempo"), session("tp-2"))
    work()
    inbox.arrived.clear()
    return studio.deliveries()[-1]


def member(studio, role):
    user = User.objects.create_user(f"{role}@example.com", None)
    Membership.objects.create(user=user, organisation=studio.organisation, role=role)
    return user


def ask(client, kind="redeliver", **wish):
    return client.post(ACTIONS, {"kind": kind, **wish}, format="json")


def previewed(client, **wish):
    made = ask(client, **wish)
    assert made.status_code == 201, made.json()
    go()
    return client.get(f"{ACTIONS}{made.json()['id']}/").json()


def act(client, action, what):
    return client.post(f"{ACTIONS}{action['id']}/{what}/")


def test_dead_letters_are_told_by_cause(letter, ana, studio):
    (cause,) = ana.get("/api/v1/dead-letters/").json()
    assert (cause["code"], cause["count"], cause["owner"]) == ("unsupported_plan", 1, "coach")
    assert cause["action"] == "Change that session, or leave its field out of the route."
    athlete = {"athlete": str(studio.ben.pk), "cause": "refused"}
    assert ana.get("/api/v1/dead-letters/", athlete).json() == []
    assert ana.get("/api/v1/dead-letters/", {"since": "soon"}).status_code == 400


def test_redelivering_by_filter_is_previewed_started_and_counted(letter, ana, inbox):
    action = previewed(ana, cause="unsupported_plan", reason="The coach shortened it")
    assert action["forecast"] == {"lanes": 1, "create": 1, "update": 1}
    assert (action["state"], action["needsSecond"]) == ("preview", False)
    assert inbox.arrived == []
    assert act(ana, action, "start").json()["state"] == "running"
    go()
    work()
    done = ana.get(f"{ACTIONS}{action['id']}/").json()
    assert (done["state"], done["items"], done["deliveries"]) == (
        "done", {"done": 1}, {"delivered": 1},
    )  # fmt: skip
    assert sorted(inbox.actions()) == [("create", "tp-2"), ("update", "tp-1")]
    (item,) = ana.get(f"{ACTIONS}{action['id']}/items/").json()["results"]
    assert (item["version"], item["state"]) == (2, "done")
    assert Delivery.objects.get(pk=item["made"]).state == "delivered"
    assert act(ana, action, "start").status_code == 409
    assert act(ana, action, "undo").status_code == 409


def test_a_plan_is_rolled_back_and_that_is_undone(letter, ana, studio, inbox):
    plan = str(studio.plan.pk)
    action = previewed(ana, kind="roll_back", plan=plan, to="version", version=1)
    act(ana, action, "start")
    go()
    work()
    assert studio.deliveries()[-1].version.version == 1
    undo = act(ana, action, "undo")
    assert undo.status_code == 201
    go()
    act(ana, undo.json(), "start")
    go()
    work()
    assert studio.deliveries()[-1].version.version == 2
    assert inbox.held["tp-2"]


@pytest.mark.parametrize(
    "wish",
    [
        {"kind": "roll_back", "to": "previous"},
        {"kind": "roll_back", "to": "version", "version": 1},
        {"kind": "roll_back", "to": "before"},
        {"kind": "take_back"},
        {"kind": "sideways"},
        {"state": "waiting"},
        {"athlete": "00000000-0000-0000-0000-000000000000"},
        {"since": "soon"},
    ],
)
def test_what_cannot_be_meant_is_refused(letter, ana, wish):
    assert ask(ana, **{"kind": "redeliver", **wish}).status_code == 400
    assert not BulkAction.objects.exists()


def test_a_version_that_no_plan_can_have_is_refused_at_its_field(letter, ana, studio):
    wish = {"plan": str(studio.plan.pk), "to": "version", "version": 2**63}
    refused = ask(ana, kind="roll_back", **wish)
    assert refused.status_code == 400
    assert "version" in refused.json()
    assert not BulkAction.objects.exists()


def test_a_cancelled_preview_stays_undone(letter, ana, inbox):
    action = previewed(ana)
    assert act(ana, action, "cancel").json()["state"] == "cancelled"
    assert act(ana, action, "start").status_code == 409


def test_over_the_limit_an_admin_agrees_to_what_a_coach_asked(letter, ana, studio, monkeypatch):
    monkeypatch.setitem(limits.ALONE, "coach", 0)
    action = previewed(ana)
    assert action["needsSecond"]
    assert act(ana, action, "start").json()["state"] == "second"
    assert act(ana, action, "agree").status_code == 409
    admin = client_of(member(studio, "admin"))
    agreed = act(admin, action, "agree").json()
    assert (agreed["state"], agreed["approvedBy"]) == ("running", "admin@example.com")


def test_over_the_limit_a_route_is_not_retired_at_once(letter, ana, studio, monkeypatch):
    monkeypatch.setitem(limits.ALONE, "coach", 0)
    refused = ana.post(f"/api/v1/routes/{studio.route.pk}/retire/")
    assert refused.status_code == 409
    assert "more than you may alone" in refused.json()["detail"]
    assert Delivery.objects.filter(intent="remove").count() == 0


def test_over_the_limit_a_route_is_not_narrowed_at_once(letter, ana, studio, monkeypatch):
    """Who is no longer covered loses what was written: the same limit as for a retired route."""
    monkeypatch.setitem(limits.ALONE, "coach", 0)
    path = f"/api/v1/routes/{studio.route.pk}/"
    as_it_is = ana.get(path).json()
    refused = ana.put(path, as_it_is | {"audience": "chosen", "athletes": []}, format="json")
    assert refused.status_code == 409
    assert "more than you may alone" in refused.json()["detail"]
    assert ana.put(path, as_it_is | {"name": "Renamed"}, format="json").status_code == 200
    assert Delivery.objects.filter(intent="remove").count() == 0


def test_a_list_of_many_actions_asks_no_more_than_a_list_of_one(letter, ana, studio):
    previewed(ana, athlete=str(studio.ben.pk))
    with CaptureQueriesContext(connection) as one:
        ana.get(ACTIONS)
    for _ in range(4):
        previewed(ana, athlete=str(studio.ben.pk))
    with CaptureQueriesContext(connection) as five:
        rows = ana.get(ACTIONS).json()["results"]
    assert [row["items"] for row in rows] == [{"waiting": 1}] * 5
    assert len(five) == len(one)


def test_a_stranger_reaches_nothing(letter, ana, dan, studio):
    action = previewed(ana)
    assert dan.get(ACTIONS).json()["results"] == []
    assert dan.get(f"{ACTIONS}{action['id']}/").status_code == 404
    for what in ("start", "agree", "cancel", "undo"):
        assert act(dan, action, what).status_code == 404
    assert dan.get("/api/v1/dead-letters/").json() == []
    for name, thing in (
        ("plan", studio.plan), ("athlete", studio.ben), ("route", studio.route),
        ("destination", studio.destination),
    ):  # fmt: skip
        assert ask(dan, kind="take_back", **{name: str(thing.pk)}).status_code == 400
    assert previewed(dan)["forecast"] == {"lanes": 0}
    words = {"delivery": str(letter.pk), "words": "Hello"}
    assert dan.post("/api/v1/remarks/", words, format="json").status_code == 400
    url = f"/api/v1/deliveries/{letter.pk}/assign/"
    assert dan.post(url, {"to": None}, format="json").status_code == 404


def test_each_role_does_what_it_may(letter, ana, studio):
    auditor = client_of(member(studio, "auditor"))
    assert auditor.get("/api/v1/dead-letters/").status_code == 200
    assert ask(auditor).status_code == 403
    cara = member(studio, "assistant")
    assignments.assign(cara, studio.ben)
    assistant = client_of(cara)
    assert previewed(assistant)["forecast"]["lanes"] == 1
    assert ask(assistant, kind="take_back", athlete=str(studio.ben.pk)).status_code == 403
    assert ask(client_of(member(studio, "destination_owner"))).status_code == 403


def test_a_dead_letter_is_annotated_and_assigned(letter, ana, studio, dan):
    words = {"delivery": str(letter.pk), "words": "Asked them to fix it"}
    assert ana.post("/api/v1/remarks/", words, format="json").status_code == 201
    (remark,) = ana.get("/api/v1/remarks/", {"delivery": str(letter.pk)}).json()["results"]
    assert (remark["words"], remark["author"]) == ("Asked them to fix it", studio.ana.email)
    assert dan.get("/api/v1/remarks/").json()["results"] == []
    url = f"/api/v1/deliveries/{letter.pk}/assign/"
    assert ana.post(url, {"to": studio.ana.email}, format="json").status_code == 200
    assert ana.post(url, {"to": "dan@elsewhere.example"}, format="json").status_code == 400
    mine = ana.get("/api/v1/deliveries/", {"assignedTo": studio.ana.email}).json()["results"]
    assert [row["id"] for row in mine] == [str(letter.pk)]
    assert ana.post(url, {"to": None}, format="json").json()["assignedTo"] == ""
