import http.client
import json
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
PATH = "/destinations/webhook/portal"


@pytest.fixture
def inbox(sandbox):
    sandbox.post("/control/inboxes/portal", {"secret": SECRET})
    return sandbox


def message(plan="p1", version=1, kind="plan.published"):
    return {"type": kind, "data": {"planId": plan, "version": version, "revision": version}}


def send(sandbox, body=None, *, key="evt_1", secret=SECRET, late=timedelta(), drop=()):
    data = json.dumps(body or message())
    moment = datetime.now(UTC) + late
    headers = {
        "webhook-id": key,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(key, moment, data),
        "Content-Type": "application/json",
    }
    kept = {name: value for name, value in headers.items() if name not in drop}
    return sandbox.call("POST", PATH, data.encode(), kept)


def held(sandbox):
    return sandbox.get("/control/inboxes/portal")


def test_a_signed_message_is_applied_once(inbox):
    before = inbox.latest()
    assert [send(inbox).status, send(inbox).status] == [200, 200]
    effects = inbox.get("/control/journal", after=before)["effects"]
    assert [effect["key"] for effect in effects] == ["evt_1"]
    assert len(held(inbox)["repeats"]) == 1


def test_a_careless_receiver_applies_it_twice(inbox):
    inbox.post("/control/inboxes/portal", {"deduplicates": False})
    before = inbox.latest()
    send(inbox)
    send(inbox)
    assert len(inbox.get("/control/journal", after=before)["effects"]) == 2


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_all_three_headers_are_needed(inbox, name):
    assert send(inbox, drop=[name]).status == 400
    assert name in held(inbox)["refusals"][0]["reason"]


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_clock_that_is_wrong_is_refused(inbox, minutes):
    assert send(inbox, late=timedelta(minutes=minutes)).status == 401


def test_another_secret_is_refused(inbox):
    assert send(inbox, secret=OTHER).status == 401
    assert held(inbox)["effects"] == []


def test_two_secrets_are_accepted_while_they_change(inbox):
    inbox.post("/control/inboxes/portal", {"secrets": [SECRET, OTHER]})
    assert send(inbox, secret=OTHER).status == 200


@pytest.mark.parametrize(("signature", "status"), [("v1", 400), ("v1,abc", 400), ("v2,abc", 401)])
def test_signatures_that_cannot_be_read_are_refusals(inbox, signature, status):
    headers = {
        "webhook-id": "x",
        "webhook-timestamp": str(int(time.time())),
        "webhook-signature": signature,
    }
    assert inbox.call("POST", PATH, b"{}", headers).status == status


def test_a_message_is_kept_with_its_headers_and_as_it_came(inbox):
    before = inbox.latest()
    send(inbox, key="evt_7")
    assert held(inbox)["effects"][0]["headers"]["Webhook-Id"] == "evt_7"
    (request,) = inbox.journal(before, kind="request")
    raw = inbox.get(f"/control/journal/{request['seq']}/raw")
    assert json.loads(raw["body"]) == message()
    assert raw["headers"]["Webhook-Id"] == "evt_7"


def test_a_person_sees_the_headers_of_what_was_let_in_and_of_what_was_not(inbox, browser):
    send(inbox, key="evt_good")
    send(inbox, key="evt_bad", secret=OTHER)
    page = browser.read("/inboxes/portal").text
    assert "Webhook-Id: evt_good" in page
    assert "Webhook-Id: evt_bad" in page


def test_nobody_changes_the_journal(inbox):
    send(inbox)
    with closing(sqlite3.connect(inbox.database)) as file, pytest.raises(sqlite3.IntegrityError):
        file.execute("DELETE FROM journal")


def test_an_inbox_that_nobody_made_is_404(sandbox):
    assert send(sandbox).status == 404


def test_it_holds_the_newest_of_each_plan(inbox):
    send(inbox, message(version=2, kind="plan.updated"), key="b")
    send(inbox, message(version=1), key="a")
    send(inbox, message("p2", 1), key="c")
    send(inbox, message("p2", 2, "plan.withdrawn"), key="d")
    assert [(plan["planId"], plan["version"]) for plan in held(inbox)["plans"]] == [("p1", 2)]


@pytest.mark.parametrize(
    "status", [200, 202, 204, 301, 400, 401, 404, 410, 429, 500, 502, 503, 504]
)
def test_it_answers_as_it_is_told(inbox, status):
    answer = {"status": status, "retry_after": "9", "location": "http://127.0.0.1:1/"}
    inbox.post("/control/inboxes/portal", {"answer": answer, "times": 1})
    first = send(inbox)
    assert (first.status, first.headers["Retry-After"]) == (status, "9")
    assert len(held(inbox)["effects"]) == (1 if status < 300 else 0)
    assert send(inbox).status == 200


def test_retry_after_may_be_a_date(inbox):
    when = "Mon, 23 Nov 2026 20:00:00 GMT"
    inbox.post("/control/inboxes/portal", {"answer": {"status": 503, "retry_after": when}})
    assert send(inbox).headers["Retry-After"] == when


def test_it_may_apply_and_then_fail(inbox):
    told = {"answer": {"status": 502, "applied": True}, "times": 1}
    inbox.post("/control/inboxes/portal", told)
    assert send(inbox).status == 502
    assert len(held(inbox)["effects"]) == 1
    assert send(inbox).status == 200
    assert len(held(inbox)["effects"]) == 1


def test_the_connection_may_break_after_it_was_accepted(inbox):
    inbox.post("/control/inboxes/portal", {"answer": {"status": 200, "reset": True}, "times": 1})
    with pytest.raises((OSError, http.client.HTTPException)):
        send(inbox)
    assert len(held(inbox)["effects"]) == 1


def test_headers_and_body_may_be_slow_and_the_body_huge(inbox):
    for answer in ({"slow_headers": 0.3}, {"slow_body": 0.3}):
        inbox.post("/control/inboxes/portal", {"answer": answer})
        begun = time.monotonic()
        send(inbox)
        assert time.monotonic() - begun >= 0.3
    inbox.post("/control/inboxes/portal", {"answer": {"huge_body": 1_000_000}})
    assert len(send(inbox).content) == 1_000_000


def test_an_answer_nobody_can_give_is_refused(inbox):
    with pytest.raises(RuntimeError, match="no teapot"):
        inbox.post("/control/inboxes/portal", {"answer": {"teapot": 1}})
