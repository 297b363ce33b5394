"""Drift through the API: the same rules, the same walls."""

import pytest

from sharing import deliveries
from sharing.bulk import limits
from sharing.drift import checks, restoring
from sharing.models import Drift, Lane
from tests.sharing import fake_destination, readable_destination
from tests.sharing.world import build, session

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def calendar(monkeypatch):
    return readable_destination.install(monkeypatch)


@pytest.fixture
def studio(calendar):
    studio = build(idempotency_class="upsert")
    studio.agree()
    studio.publish(session("tp-1", title="Tempo run"))
    work()
    calendar.change("tp-1", date="2030-01-01")
    return studio


def work():
    while deliveries.deliver_due("worker") or checks.run_due():
        pass


def ask(client, studio):
    body = {"destination": str(studio.destination.pk)}
    return client.post("/api/v1/drift-checks/", body, format="json")


def found(client):
    return client.get("/api/v1/drift/").json()["results"]


def test_other_software_checks_finds_repairs_and_undoes(studio, ana, calendar):
    assert ask(ana, studio).status_code == 201
    work()
    (check,) = ana.get("/api/v1/drift-checks/").json()["results"]
    assert (check["state"], check["recordsCompared"]) == ("done", 1)
    (row,) = found(ana)
    assert (row["itemKey"], row["field"], row["theirs"]) == ("tp-1", "date", "2030-01-01")
    assert (row["policy"], row["state"]) == ("ask", "open")
    assert ana.post(f"/api/v1/drift/{row['id']}/repair/").json()["state"] == "repairing"
    work()
    assert calendar.said("tp-1")["date"] == row["ours"]
    assert ana.post(f"/api/v1/drift/{row['id']}/undo/").json()["state"] == "kept"
    work()
    assert calendar.said("tp-1")["date"] == "2030-01-01"


def test_a_check_says_what_it_left_out_and_why(studio, ana):
    Lane.objects.update(state="unknown")
    ask(ana, studio)
    work()
    (check,) = ana.get("/api/v1/drift-checks/").json()["results"]
    left_out = {name: check[name] for name in ("skipped", "busy", "givenUp", "inDoubt")}
    assert left_out == {"skipped": 1, "busy": 0, "givenUp": 0, "inDoubt": 1}


def test_a_difference_can_be_kept_and_what_is_settled_is_refused(studio, ana):
    ask(ana, studio)
    work()
    (row,) = found(ana)
    assert ana.post(f"/api/v1/drift/{row['id']}/keep/").json()["state"] == "kept"
    refused = ana.post(f"/api/v1/drift/{row['id']}/keep/")
    assert (refused.status_code, "settled" in refused.json()["detail"]) == (409, True)
    assert [each["id"] for each in ana.get("/api/v1/drift/?state=kept").json()["results"]] == [
        row["id"]
    ]
    assert ana.get("/api/v1/drift/?state=open").json()["results"] == []


def test_a_stranger_names_neither_a_difference_nor_a_destination(studio, ana, dan):
    ask(ana, studio)
    work()
    row = Drift.objects.get()
    assert found(dan) == []
    assert dan.get("/api/v1/drift-checks/").json()["results"] == []
    for what in ("repair", "keep", "undo"):
        assert dan.post(f"/api/v1/drift/{row.pk}/{what}/").status_code == 404
    assert ask(dan, studio).status_code == 400
    row.refresh_from_db()
    assert row.state == "open"


def restore(client, studio):
    body = {"destination": str(studio.destination.pk)}
    return client.post("/api/v1/drift/restore/", body, format="json")


@pytest.fixture
def lost(studio, ana, calendar):
    """Nothing is there any more: more than is put back before a person has confirmed it."""
    studio.publish(*[session(f"tp-{n}") for n in range(9)])
    work()
    calendar.held.clear()
    ask(ana, studio)
    work()


def test_other_software_confirms_that_lost_data_is_put_back(studio, ana, calendar, lost):
    assert calendar.held == {}
    told = restore(ana, studio)
    assert (told.status_code, told.json()) == (200, {"differences": 9})
    restoring.repair_due()
    work()
    assert len(calendar.held) == 9


def test_over_the_limit_nothing_is_put_back_at_once(studio, ana, lost, monkeypatch):
    monkeypatch.setitem(limits.ALONE, "coach", 0)
    refused = restore(ana, studio)
    assert refused.status_code == 409
    assert "more than you may alone. Ask an owner or admin" in refused.json()["detail"]
    assert set(Drift.objects.values_list("state", flat=True)) == {"open"}
    studio.ana.memberships.update(role="admin")
    assert restore(ana, studio).status_code == 200


def test_only_who_may_manage_the_destination_confirms(studio, ana, dan, lost):
    assert restore(dan, studio).status_code == 400
    studio.ana.memberships.update(role="auditor")
    assert restore(ana, studio).status_code == 403
    assert set(Drift.objects.values_list("state", flat=True)) == {"open"}
    studio.ana.memberships.update(role="destination_owner")
    assert restore(ana, studio).status_code == 200


def test_an_auditor_reads_and_settles_nothing(studio, ana):
    ask(ana, studio)
    work()
    (row,) = found(ana)
    studio.ana.memberships.update(role="auditor")
    assert len(found(ana)) == 1
    assert ana.post(f"/api/v1/drift/{row['id']}/repair/").status_code == 403
    assert ask(ana, studio).status_code == 403


def test_a_destination_that_cannot_be_read_back_is_refused_with_the_reason(
    studio, ana, monkeypatch
):
    fake_destination.install(monkeypatch)
    answer = ask(ana, studio)
    assert answer.status_code == 409
    assert "cannot be read back" in answer.json()["detail"]


def test_a_route_takes_its_policy(studio, ana):
    address = f"/api/v1/routes/{studio.route.pk}/"
    body = ana.get(address).json()
    assert body["driftPolicy"] == {}
    put = {name: body[name] for name in body if name not in {"id", "state", "createdAt"}}
    changed = ana.put(address, put | {"driftPolicy": {"date": "keep"}}, format="json")
    assert changed.json()["driftPolicy"] == {"date": "keep"}
    refused = ana.put(address, put | {"driftPolicy": {"load": "keep"}}, format="json")
    assert refused.status_code == 400
    assert "not compared" in str(refused.json())
