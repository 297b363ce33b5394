"""The REST API: what the pages do, for other software; and the walls between organisations."""

import json
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import ConsentDecision, Membership, Organisation, User
from audit.log import audited_atomic
from audit.models import Entry
from destinations.errors import PayloadError, UnknownOutcomeError
from destinations.models import Destination
from plans import contract
from sharing import clock, deliveries, quarantine
from sharing.models import Delivery, Quarantine, QuarantineRemark, RemoteRecord, Route, Source
from sharing.source.errors import BadAnswerError
from tests.api.conftest import client_of
from tests.sharing.world import build, session

pytestmark = pytest.mark.django_db(transaction=True)

LISTS = [
    "athletes", "plans", "versions", "routes", "consents", "deliveries", "quarantine",
    "destinations", "connections", "organisations", "alerts", "drift", "drift-checks",
    "quarantine-remarks",
]  # fmt: skip


def work():
    while deliveries.deliver_due("worker"):
        pass


def grant(client, studio, **changes):
    body = {
        "athlete": str(studio.ben.pk),
        "destination": str(studio.destination.pk),
        "decision": "granted",
        "fieldsAgreed": ["title", "duration_seconds"],
        "purpose": "training",
        "note": "Ben said so on the phone",
        **changes,
    }
    return client.post("/api/v1/consents/", body, format="json")


@pytest.mark.parametrize("name", [*LISTS, "ledger", "destination-kinds", "audit-entries"])
def test_nothing_is_told_to_nobody(name):
    assert APIClient().get(f"/api/v1/{name}/").status_code == 401


@pytest.mark.parametrize("name", LISTS)
def test_a_stranger_sees_nothing_of_anas(name, studio, ana, dan):
    studio.agree()
    studio.publish()
    work()
    shown = {row["id"] for row in ana.get(f"/api/v1/{name}/").json()["results"]}
    strange = {row["id"] for row in dan.get(f"/api/v1/{name}/").json()["results"]}
    assert shown.isdisjoint(strange)


def test_a_strangers_request_for_anas_row_is_a_row_that_does_not_exist(studio, dan):
    studio.agree()
    studio.publish()
    work()
    delivery = studio.deliveries()[0]
    paths = [
        f"/api/v1/athletes/{studio.ben.pk}/",
        f"/api/v1/plans/{studio.plan.pk}/",
        f"/api/v1/plans/{studio.plan.pk}/document/",
        f"/api/v1/routes/{studio.route.pk}/",
        f"/api/v1/destinations/{studio.destination.pk}/",
        f"/api/v1/deliveries/{delivery.pk}/",
    ]
    assert {dan.get(path).status_code for path in paths} == {404}
    assert dan.post(f"/api/v1/deliveries/{delivery.pk}/redeliver/").status_code == 404
    assert dan.post(f"/api/v1/routes/{studio.route.pk}/retire/").status_code == 404
    assert grant(dan, studio).status_code == 400
    assert ConsentDecision.objects.count() == 1


def test_recording_a_consent_shares_the_plan_and_withdrawing_takes_it_back(studio, ana, inbox):
    studio.publish(session("tp-1"))
    work()
    assert grant(ana, studio).status_code == 201
    work()
    assert inbox.held["tp-1"]["title"] == "Easy run"
    assert grant(ana, studio, decision="withdrawn").status_code == 201
    work()
    assert inbox.held == {"tp-1": None}


def test_a_grant_without_fields_is_refused(studio, ana):
    answer = grant(ana, studio, fieldsAgreed=[])
    assert answer.status_code == 400
    assert not ConsentDecision.objects.exists()


def test_the_document_is_plan_v1_with_its_status_at_each_destination(studio, ana):
    studio.agree()
    studio.publish(session("tp-1"))
    work()
    plan = ana.get(f"/api/v1/plans/{studio.plan.pk}/document/").json()["plan"]
    contract.check(plan)
    assert plan["version"] == 1
    (status,) = plan["destinationStatus"]
    assert (status["destination"], status["status"], status["version"]) == (
        studio.destination.name,
        "delivered",
        1,
    )


def test_a_plan_that_was_never_read_says_so(studio, ana):
    answer = ana.get(f"/api/v1/plans/{studio.plan.pk}/document/")
    assert answer.status_code == 404
    assert "not been read" in answer.json()["detail"]


def test_versions_come_newest_first_with_what_changed(studio, ana):
    studio.publish(session("tp-1"))
    studio.publish(session("tp-1", title="Tempo"))
    rows = ana.get(f"/api/v1/plans/{studio.plan.pk}/versions/").json()["results"]
    assert [row["version"] for row in rows] == [2, 1]
    assert rows[0]["contentHash"] != rows[1]["contentHash"]


def test_a_destination_is_set_up_and_its_settings_are_never_shown(studio, ana):
    made = ana.post(
        "/api/v1/destinations/",
        {
            "kind": "webhook",
            "name": "Portal",
            "settings": {"url": "https://hooks.example.com/secret-path"},
        },
        format="json",
    )
    assert made.status_code == 201, made.content
    shown = ana.get(f"/api/v1/destinations/{made.json()['id']}/")
    assert b"secret-path" not in made.content + shown.content
    renewed = ana.post(f"/api/v1/destinations/{made.json()['id']}/rotate-secret/")
    assert renewed.json()["secret"].startswith("whsec_")


def test_a_webhook_says_what_it_does_with_a_message_that_comes_twice(studio, ana):
    body = {"kind": "webhook", "name": "Zap", "settings": {"url": "https://hooks.zapier.com/h/1"}}
    made = ana.post("/api/v1/destinations/", body, format="json")
    assert made.json()["idempotencyClass"] == "none"
    path = f"/api/v1/destinations/{made.json()['id']}/"
    changed = ana.put(path, body | {"idempotencyClass": "upsert"}, format="json")
    assert changed.json()["idempotencyClass"] == "upsert"
    kept = ana.put(path, body, format="json")
    assert kept.json()["idempotencyClass"] == "upsert"
    for wrong in ("sometimes", "", None):
        refused = ana.put(path, body | {"idempotencyClass": wrong}, format="json")
        assert refused.status_code == 400
    refused = ana.put(path, body | {"idempotencyClass": "versioned"}, format="json")
    assert refused.status_code == 400
    assert "can be: keyed, none, upsert" in refused.content.decode()


def test_the_pace_of_a_destination_is_set_within_its_bounds(studio, ana):
    body = {"kind": "webhook", "name": "Portal", "settings": {"url": "https://hooks.example.com/x"}}
    made = ana.post("/api/v1/destinations/", body | {"lateApplyWindow": 0}, format="json")
    assert made.json()["lateApplyWindow"] == 0
    path = f"/api/v1/destinations/{made.json()['id']}/"
    pace = {"ratePerSecond": 0.5, "burst": 3, "slots": 4, "lateApplyWindow": 90}
    assert ana.put(path, body | pace, format="json").json().items() >= pace.items()
    for wrong in (
        {"ratePerSecond": 0}, {"ratePerSecond": "nan"}, {"ratePerSecond": "inf"}, {"burst": 0},
        {"slots": 101}, {"lateApplyWindow": -1}, {"lateApplyWindow": 3601},
        {"lateApplyWindow": 10**30}, {"lateApplyWindow": "soon"},
    ):  # fmt: skip
        refused = ana.put(path, body | wrong, format="json")
        assert refused.status_code == 400, wrong
        assert refused.json().keys() == wrong.keys()
    assert ana.get(path).json().items() >= pace.items()
    Destination.objects.update(rate_per_second=0.005, late_apply_window=timedelta(hours=2))
    before = ana.get(path).json() | {"settings": {}}
    renamed = ana.put(path, before | {"name": "Renamed"}, format="json")
    assert renamed.status_code == 200, renamed.content
    assert renamed.json().items() >= {"ratePerSecond": 0.005, "lateApplyWindow": 7200}.items()


def test_a_calendar_feed_can_be_given_no_promise_that_it_does_not_keep(studio, ana):
    body = {"kind": "icalendar", "name": "Feed", "idempotencyClass": "keyed"}
    refused = ana.post("/api/v1/destinations/", body, format="json")
    assert refused.status_code == 400
    assert "can be: upsert" in refused.content.decode()
    [webhook] = [k for k in ana.get("/api/v1/destination-kinds/").json() if k["kind"] == "webhook"]
    assert webhook["idempotencyClasses"] == ["keyed", "none", "upsert"]


@pytest.mark.parametrize(
    "address",
    ["http://hooks.example.com/x", "https://127.0.0.1/x", "https://10.0.0.1/x", "ftp://x"],
)
def test_an_address_that_baton_must_not_call_is_refused_at_once_or_never_called(
    studio, ana, address
):
    body = {"kind": "webhook", "name": "Bad", "settings": {"url": address}}
    made = ana.post("/api/v1/destinations/", body, format="json")
    if made.status_code == 201:
        tested = ana.post(f"/api/v1/destinations/{made.json()['id']}/test/").json()
        assert (tested["ok"], tested["code"]) == (False, "blocked_address")
    else:
        assert made.status_code == 400


def test_a_route_is_opened_changed_paused_and_retired(studio, ana, inbox):
    ana.post(f"/api/v1/routes/{studio.route.pk}/retire/")
    body = {
        "destination": str(studio.destination.pk),
        "name": "Titles only",
        "purpose": "see what is on",
        "fieldsShared": {"title": "see what is on"},
        "cadence": "nightly",
    }
    made = ana.post("/api/v1/routes/", body, format="json")
    assert made.status_code == 201, made.content
    path = f"/api/v1/routes/{made.json()['id']}/"
    changed = ana.put(path, body | {"name": "Renamed"}, format="json")
    assert changed.json()["name"] == "Renamed"
    assert ana.post(f"{path}pause/").json()["state"] == "paused"
    assert ana.post(f"{path}resume/").json()["state"] == "active"
    assert ana.post(f"{path}retire/").json()["state"] == "retired"


def test_a_field_that_does_not_exist_cannot_be_shared(studio, ana):
    body = {
        "destination": str(studio.destination.pk),
        "name": "X",
        "purpose": "y",
        "fieldsShared": {"bankAccount": "why not"},
    }
    assert ana.post("/api/v1/routes/", body, format="json").status_code == 400


def test_what_may_not_be_written_is_ignored(studio, ana):
    path = f"/api/v1/athletes/{studio.ben.pk}/"
    ana.patch(path, {"name": "Mallory", "state": "detached"}, format="json")
    studio.ben.refresh_from_db()
    assert (studio.ben.name, studio.ben.state) == ("Ben", "active")


def test_a_second_route_that_would_write_everything_twice_is_refused(studio, ana):
    body = {
        "destination": str(studio.destination.pk),
        "name": "Again",
        "purpose": "y",
        "fieldsShared": {"title": "y"},
    }
    answer = ana.post("/api/v1/routes/", body, format="json")
    assert answer.status_code == 400
    assert "already carries" in answer.content.decode()
    assert Route.objects.count() == 1


def test_a_delivery_shows_its_attempts_and_steps(studio, ana):
    studio.agree()
    studio.publish(session("tp-1"))
    work()
    detail = ana.get(f"/api/v1/deliveries/{studio.deliveries()[0].pk}/").json()
    (attempt,) = detail["attempts"]
    assert (attempt["planVersion"], attempt["outcome"]) == (1, "success")
    assert attempt["steps"][0]["remoteId"] == "remote-tp-1"


def test_a_delivery_says_when_it_is_tried_next_and_null_while_a_person_must_act(studio, ana):
    studio.agree()
    studio.publish(session("tp-1"))
    url = f"/api/v1/deliveries/{studio.deliveries()[0].pk}/"
    until = clock.now() + timedelta(hours=2)
    Destination.objects.update(held_until=until)
    for shown in (ana.get(url).json(), ana.get("/api/v1/deliveries/").json()["results"][0]):
        assert datetime.fromisoformat(shown["nextTryAt"]) == until
    Destination.objects.update(state="paused")
    assert ana.get(url).json()["nextTryAt"] is None
    Destination.objects.update(state="active", held_until=None)
    work()
    assert ana.get(url).json()["nextTryAt"] is None
    shapes = ana.get("/api/schema/?format=json").json()["components"]["schemas"]
    described = shapes["Delivery"]["properties"]["nextTryAt"]
    assert (described["format"], described["nullable"]) == ("date-time", True)


def test_a_list_of_many_deliveries_asks_no_more_than_a_list_of_one(
    studio, ana, django_assert_max_num_queries
):
    studio.agree()
    Destination.objects.update(delivery_mode="every")
    studio.publish(session("tp-1"))
    with CaptureQueriesContext(connection) as one:
        ana.get("/api/v1/deliveries/")
    for number in range(5):
        studio.publish(session("tp-1", title=f"Run {number}"))
    with django_assert_max_num_queries(len(one)):
        assert ana.get("/api/v1/deliveries/", {"state": "waiting"}).json()["count"] == 6


def test_a_failed_attempt_says_what_was_answered_or_what_was_wrong(studio, ana, dan, inbox):
    studio.agree()
    inbox.answers.append(PayloadError("The field is too long.", excerpt="title: too long"))
    studio.publish(session("tp-1"))
    work()
    url = f"/api/v1/deliveries/{studio.deliveries()[0].pk}/"
    (attempt,) = ana.get(url).json()["attempts"]
    assert (attempt["errorCode"], attempt["problem"]) == ("refused", "The field is too long.")
    assert (attempt["excerpt"], attempt["steps"][0]["excerpt"]) == ("", "title: too long")
    assert dan.get(url).status_code == 404
    shapes = ana.get("/api/schema/?format=json").json()["components"]["schemas"]
    assert {"problem", "excerpt"} <= set(shapes["Attempt"]["properties"])
    assert "excerpt" in shapes["Step"]["properties"]


def test_redelivering_keeps_the_key_and_is_refused_for_what_is_superseded(studio, ana, inbox):
    studio.agree()
    studio.publish(session("tp-1"))
    work()
    first = studio.deliveries()[0]
    assert ana.post(f"/api/v1/deliveries/{first.pk}/redeliver/").status_code == 201
    work()
    assert len(inbox.keys()) == 2
    assert len(set(inbox.keys())) == 1
    studio.publish(session("tp-1", title="Tempo"))
    refused = ana.post(f"/api/v1/deliveries/{first.pk}/redeliver/")
    assert refused.status_code == 409
    assert "superseded" in refused.json()["detail"]


def test_a_delivery_that_a_newer_version_overtook_is_told_as_superseded(studio, ana):
    studio.agree()
    studio.publish(session("tp-1"))
    studio.publish(session("tp-1", title="Tempo"))
    work()
    (listed,) = ana.get("/api/v1/deliveries/", {"state": "superseded"}).json()["results"]
    alone = ana.get(f"/api/v1/deliveries/{studio.deliveries()[0].pk}/").json()
    for told in (listed, alone):
        assert (told["version"], told["state"], told["reason"]) == (
            1,
            "superseded",
            "newer_version",
        )
        assert (told["nextTryAt"], told["settledAt"] is None) == (None, False)
    assert alone["attempts"] == []


def test_redelivering_without_consent_is_refused(studio, ana):
    studio.publish(session("tp-1"))
    work()
    refused = ana.post(f"/api/v1/deliveries/{studio.deliveries()[0].pk}/redeliver/")
    assert refused.status_code == 409
    assert "consent" in refused.json()["detail"]


def test_an_unknown_delivery_is_answered_for_once_and_by_who_may(studio, ana, dan, inbox):
    Destination.objects.update(idempotency_class="none")
    studio.agree()
    inbox.answers.append(UnknownOutcomeError())
    studio.publish(session("tp-1"))
    work()
    url = f"/api/v1/deliveries/{studio.deliveries()[0].pk}/settle/"
    assert dan.post(url, {"there": "yes"}, format="json").status_code == 404
    for answer in ({}, {"there": "perhaps"}):
        assert ana.post(url, answer, format="json").status_code == 400
    settled = ana.post(url, {"there": "yes"}, format="json")
    assert (settled.status_code, settled.json()["state"]) == (200, "delivered")
    again = ana.post(url, {"there": "no"}, format="json")
    assert again.status_code == 409
    assert "answered this already" in again.json()["detail"]
    auditor = User.objects.create_user("otto@example.com", None)
    Membership.objects.create(user=auditor, organisation=studio.organisation, role="auditor")
    assert client_of(auditor).post(url, {"there": "yes"}, format="json").status_code == 403


def test_deliveries_can_be_searched(studio, ana):
    studio.agree()
    studio.publish()
    work()
    found = ana.get("/api/v1/deliveries/", {"state": "delivered", "plan": str(studio.plan.pk)})
    assert found.json()["count"] == 1
    assert ana.get("/api/v1/deliveries/", {"state": "dead"}).json()["count"] == 0


def test_deliveries_are_found_by_what_they_were_answered_with(studio, ana, dan):
    studio.agree()
    for sessions in ((session("tp-1"),), (session("tp-1", title="Tempo"), session("tp-2"))):
        studio.publish(*sessions)
        work()
        studio.make_due()
    RemoteRecord.objects.update(remote_id="another")

    def found(client, remote_id):
        rows = client.get("/api/v1/deliveries/", {"remoteId": remote_id}).json()["results"]
        return [row["version"] for row in rows]

    assert found(ana, "remote-tp-1") == [2, 1]
    assert found(ana, "remote-tp-2") == [2]
    assert found(ana, "remote-tp-3") == found(dan, "remote-tp-1") == []
    odd = ana.get("/api/v1/deliveries/", {"remoteId": "remote\0"})
    assert odd.status_code == 400


def test_the_ledger_balances(studio, ana):
    studio.agree()
    studio.publish()
    work()
    told = ana.get("/api/v1/ledger/").json()
    assert (told["accepted"], told["gap"], told["balanced"]) == (1, 0, True)
    assert (told["gaps"], told["unnamed"]) == ([], 0)


def test_the_ledger_names_where_it_does_not_add_up_to_whom_may_see_it(studio, ana):
    studio.agree()
    studio.publish()
    work()
    Delivery.objects.update(revision=7)  # the sums still add up
    told = ana.get("/api/v1/ledger/").json()
    assert (told["gap"], told["balanced"], told["unnamed"]) == (0, False, 0)
    rows = {"lane": studio.lane, "athlete": studio.ben, "plan": studio.plan}
    keys = {name: str(row.pk) for name, row in rows.items()}
    keys["destination"] = str(studio.destination.pk)
    assert told["gaps"] == [keys | {"promises": [1, 7]}]
    studio.ana.memberships.update(role=Membership.Role.ASSISTANT)
    told = ana.get("/api/v1/ledger/").json()
    assert (told["balanced"], told["gaps"], told["unnamed"]) == (False, [], 1)


@pytest.fixture
def second(studio):
    """Ana has a second studio, and looks after a third one's books."""
    second = build(name="Second")
    Membership.objects.create(user=studio.ana, organisation=second.organisation, role="coach")
    third = Organisation.objects.create(name="Third", slug="third")
    Membership.objects.create(
        user=studio.ana, organisation=third, role=Membership.Role.DESTINATION_OWNER
    )
    return second, third


MAKING = {
    "destinations": {
        "kind": "webhook", "name": "Portal", "settings": {"url": "https://hooks.example.com/x"},
    },
    "cohorts": {"name": "Squad"},
    "bulk-actions": {"kind": "redeliver"},
}  # fmt: skip


def test_the_ledger_is_that_of_the_organisation_which_is_named(studio, ana, second):
    studio.agree()
    studio.publish()
    work()
    for each, accepted in ((studio, 1), (second[0], 0)):
        told = ana.get("/api/v1/ledger/", {"organisation": str(each.organisation.pk)}).json()
        assert told["accepted"] == accepted


@pytest.mark.parametrize("name", ["ledger", "dead-letters", *MAKING])
def test_somebody_of_several_organisations_says_in_which(name, studio, ana, dan, second):
    def ask(**named):
        path = f"/api/v1/{name}/" + (f"?organisation={named['named']}" if named else "")
        if name in MAKING:
            return ana.post(path, MAKING[name], format="json")
        return ana.get(path)

    unsaid = ask()
    assert unsaid.status_code == 400
    assert "name one with ?organisation=" in unsaid.content.decode()
    assert ask(named=second[0].organisation.pk).status_code in {200, 201}
    assert ask(named="nonsense").status_code == 400
    elsewhere = Organisation.objects.get(slug="elsewhere")
    assert ask(named=elsewhere.pk).status_code == 404
    if name != "destinations":
        assert ask(named=second[1].pk).status_code == 403


def test_a_form_post_is_not_json(studio, ana):
    assert ana.post("/api/v1/consents/", {"decision": "granted"}).status_code == 415
    assert ana.delete(f"/api/v1/deliveries/{studio.ben.pk}/").status_code == 405
    assert Delivery.objects.count() == 0


def test_the_documentation_is_a_page_and_the_description_is_published(studio, client):
    client.force_login(studio.ana)
    page = client.get("/api/docs/")
    assert page.status_code == 200
    assert "/api/v1/deliveries/{id}/redeliver/" in page.content.decode()
    assert client.get("/api/schema/").status_code == 200


def block(client, studio, **changes):
    body = {
        "athlete": str(studio.ben.pk),
        "name": "10k spring block",
        "startsOn": "2026-03-02",
        "endsOn": "2026-05-10",
        **changes,
    }
    return client.post("/api/v1/plans/", body, format="json")


def test_a_coach_makes_a_block_with_fixed_days_and_ends_it(studio, ana):
    made = block(ana, studio)
    assert made.status_code == 201, made.content
    assert (made.json()["kind"], made.json()["startsOn"]) == ("block", "2026-03-02")
    ended = ana.post(f"/api/v1/plans/{made.json()['id']}/archive/")
    assert ended.status_code == 200
    assert ana.post(f"/api/v1/plans/{studio.plan.pk}/archive/").status_code == 400


def test_a_block_that_ends_before_it_starts_or_is_anothers_is_refused(studio, ana, dan):
    backwards = block(ana, studio, endsOn="2026-03-01")
    assert backwards.status_code == 400
    assert "on or after its first day" in backwards.content.decode()
    assert block(ana, studio, endsOn="2028-03-01").status_code == 400
    assert block(dan, studio).status_code == 400


def test_replaying_what_is_still_wrong_says_what_is_wrong(studio, ana):
    row = _quarantined(studio)
    refused = ana.post(f"/api/v1/quarantine/{row.pk}/replay/")
    assert refused.status_code == 409
    assert "WorkoutDay" in refused.json()["detail"]


def test_a_quarantined_answer_is_dismissed_once_with_a_note_and_recorded(studio, ana):
    row = _quarantined(studio)
    path = f"/api/v1/quarantine/{row.pk}/dismiss/"
    told = ana.post(path, {"note": "A test workout."}, format="json").json()
    assert (told["state"], told["note"]) == ("dismissed", "A test workout.")
    assert told["settledBy"] == studio.ana.email
    again = ana.post(path, {"note": "Another."}, format="json")
    assert again.status_code == 409
    assert "settled already: dismissed" in again.json()["detail"]
    assert ana.get(f"/api/v1/quarantine/{row.pk}/").json()["note"] == "A test workout."
    assert Entry.objects.filter(action="quarantine.dismissed").count() == 1


def test_a_dismissal_needs_no_note_but_one_that_can_be_kept(studio, ana):
    row = _quarantined(studio)
    path = f"/api/v1/quarantine/{row.pk}/dismiss/"
    assert ana.post(path, {"note": "x" * 301}, format="json").status_code == 400
    assert ana.post(path).json()["state"] == "dismissed"


def test_who_may_not_replay_may_not_dismiss(studio, ana, dan):
    path = f"/api/v1/quarantine/{_quarantined(studio).pk}/dismiss/"
    assert dan.post(path).status_code == 404
    studio.ana.memberships.update(role="auditor")
    assert ana.post(path).status_code == 403
    assert Quarantine.objects.get().state == "open"


def test_a_quarantined_answer_is_annotated_and_assigned(studio, ana, dan):
    row = _quarantined(studio)
    words = {"quarantine": str(row.pk), "words": "Asked them to fix it"}
    assert ana.post("/api/v1/quarantine-remarks/", words, format="json").status_code == 201
    assert dan.post("/api/v1/quarantine-remarks/", words, format="json").status_code == 400
    asked = {"quarantine": str(row.pk)}
    (remark,) = ana.get("/api/v1/quarantine-remarks/", asked).json()["results"]
    assert (remark["words"], remark["author"]) == ("Asked them to fix it", studio.ana.email)
    one = f"/api/v1/quarantine-remarks/{remark['id']}/"
    assert (ana.get(one).status_code, dan.get(one).status_code) == (200, 404)
    url = f"/api/v1/quarantine/{row.pk}/assign/"
    mine = {"to": studio.ana.email}
    assert ana.post(url, mine, format="json").json()["assignedTo"] == studio.ana.email
    assert ana.post(url, {"to": "dan@elsewhere.example"}, format="json").status_code == 400
    assert dan.post(url, {"to": None}, format="json").status_code == 404
    found = ana.get("/api/v1/quarantine/", {"assignedTo": studio.ana.email}).json()["results"]
    assert [each["id"] for each in found] == [str(row.pk)]
    studio.ana.memberships.update(role="auditor")
    assert ana.post("/api/v1/quarantine-remarks/", words, format="json").status_code == 403
    assert ana.post(url, {"to": None}, format="json").status_code == 403
    studio.ana.memberships.update(role="coach")
    assert ana.post(url, {"to": None}, format="json").json()["assignedTo"] == ""


def test_beside_what_is_settled_nothing_is_written_and_nobody_named(studio, ana):
    row = _quarantined(studio)
    ana.post(f"/api/v1/quarantine/{row.pk}/dismiss/")
    words = {"quarantine": str(row.pk), "words": "Too late"}
    answers = [
        ana.post("/api/v1/quarantine-remarks/", words, format="json"),
        ana.post(f"/api/v1/quarantine/{row.pk}/assign/", {"to": studio.ana.email}, format="json"),
    ]
    assert [answer.status_code for answer in answers] == [409, 409]
    assert "settled already: dismissed" in answers[0].json()["detail"]
    row.refresh_from_db()
    assert (row.assigned_to, row.audit_entry.action) == (None, "quarantine.dismissed")
    assert not QuarantineRemark.objects.exists()


def _quarantined(studio):
    source = Source.objects.create(athlete=studio.ben)
    with audited_atomic() as log:
        answer = json.dumps([{"Id": 1, "WorkoutDay": "someday"}]).encode()
        bad = BadAnswerError("workouts", "[0].WorkoutDay", "not a date", answer)
        return quarantine.keep(source, bad, log)
