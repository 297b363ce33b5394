import base64
import json

import pytest

from sandbox.destinations import workout_text

BASE = "/destinations/intervals/api/v1/athlete"
TEXT = "- 15m 70% LTHR\n\nMain 4x\n- 8m 95-100% LTHR\n- 2m 65% LTHR\n\n- 10m 65% LTHR"


def event(external_id="tp-1", day="2026-03-02", **fields):
    about = {"category": "WORKOUT", "type": "Run", "name": "Threshold", "external_id": external_id}
    return {**about, "start_date_local": f"{day}T00:00:00", "description": TEXT, **fields}


def ask(sandbox, method, path, body=None, *, key="sandbox-key", athlete="i5", headers=None):
    basic = base64.b64encode(f"API_KEY:{key}".encode()).decode()
    named = {"Authorization": f"Basic {basic}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    return sandbox.call(method, f"{BASE}/{athlete}{path}", data, named | (headers or {}))


def upsert(sandbox, *events, **more):
    return ask(sandbox, "POST", "/events/bulk?upsert=true", list(events), **more)


def listed(sandbox, **more):
    path = "/events?oldest=2026-03-01&newest=2026-03-31"
    return ask(sandbox, "GET", path, **more).json()


def test_an_upsert_replaces_by_external_id(sandbox):
    first = upsert(sandbox, event(), event("tp-2")).json()
    again = upsert(sandbox, event(name="Longer")).json()
    assert again[0]["id"] == first[0]["id"]
    assert sorted(found["name"] for found in listed(sandbox)) == ["Longer", "Threshold"]


def test_another_application_does_not_match_and_makes_a_duplicate(sandbox):
    sandbox.post("/control/intervals", {"key": "second"})
    upsert(sandbox, event())
    upsert(sandbox, event(), key="second")
    assert len(sandbox.get("/control/intervals")["events"]) == 2


def test_the_length_is_read_from_the_text(sandbox):
    assert upsert(sandbox, event(moving_time=1)).json()[0]["moving_time"] == 65 * 60


@pytest.mark.parametrize(
    ("text", "totals"),
    [
        ("- 5m 75%", (300, 0)),
        ("- 1h2m30s Z2", (3750, 0)),
        ("- 400mtr 90% Pace", (0, 400)),
        ("3x\n- 1km Z4 Pace\n- 30s Z1\n\n- 2km", (90, 5000)),
        ("no step 5m", (0, 0)),
        ("- Hold 2m now 10m 75%", (120, 0)),
    ],
)
def test_the_syntax_is_read_as_it_is_there(text, totals):
    assert workout_text.totals(text) == totals


def test_events_are_read_by_local_dates(sandbox):
    upsert(sandbox, event(), event("tp-2", day="2026-04-01"))
    assert [found["external_id"] for found in listed(sandbox)] == ["tp-1"]
    assert ask(sandbox, "GET", "/events").status == 422


def test_events_are_changed_and_deleted(sandbox):
    one, two, three = upsert(sandbox, *(event(f"tp-{n}") for n in range(3))).json()
    assert ask(sandbox, "PUT", f"/events/{one['id']}", {"name": "New"}).json()["name"] == "New"
    assert ask(sandbox, "DELETE", f"/events/{one['id']}").status == 200
    assert ask(sandbox, "DELETE", f"/events/{one['id']}").status == 404
    wanted = [{"id": two["id"]}, {"external_id": three["external_id"]}, {"id": 1}]
    assert ask(sandbox, "PUT", "/events/bulk-delete", wanted).json() == {"eventsDeleted": 2}
    assert listed(sandbox) == []


def test_zero_is_the_owner_of_the_credential(sandbox):
    upsert(sandbox, event(), athlete="0")
    assert len(listed(sandbox, athlete="0")) == 1
    assert listed(sandbox) == []
    assert ask(sandbox, "GET", "", athlete="0").status == 200


def test_other_credentials_are_refused(sandbox):
    assert upsert(sandbox, event(), key="other").status == 401
    bearer = {"Authorization": "Bearer sandbox-token"}
    assert upsert(sandbox, event(), headers=bearer).status == 200
    assert upsert(sandbox, event(), headers={"User-Agent": ""}).status == 403


@pytest.mark.parametrize(
    "fault", [{"category": "ODD"}, {"type": ""}, {"start_date_local": "tomorrow"}]
)
def test_one_bad_event_refuses_them_all(sandbox, fault):
    assert upsert(sandbox, event("tp-1"), event("tp-2", **fault)).status == 422
    assert listed(sandbox) == []


@pytest.mark.parametrize(
    ("switch", "status"),
    [("throttle", 429), ("unavailable", 503), ("forbidden", 403), ("answer_lost", 502)],
)
def test_its_faults_count_down(sandbox, switch, status):
    sandbox.switch(**{f"intervals_{switch}": 1})
    assert upsert(sandbox, event()).status == status
    assert len(listed(sandbox)) == (1 if switch == "answer_lost" else 0)


def test_an_athlete_may_be_unknown_there(sandbox):
    sandbox.switch(intervals_unknown_athletes=["i5"])
    assert upsert(sandbox, event()).status == 404


def test_the_athlete_edits_and_deletes_by_hand(sandbox):
    (made,) = upsert(sandbox, event()).json()
    sandbox.patch(f"/control/intervals/{made['id']}", {"name": "Mine"})
    assert listed(sandbox)[0]["name"] == "Mine"
    sandbox.delete(f"/control/intervals/{made['id']}")
    assert listed(sandbox) == []


def test_a_write_that_changes_nothing_is_no_effect(sandbox):
    before = sandbox.latest()
    upsert(sandbox, event())
    upsert(sandbox, event())
    effects = sandbox.journal(before, kind="effect", simulator="intervals_icu")
    assert [row["effect"] for row in effects] == ["created", "unchanged"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (TEXT, None),
        ("Main 4x\n- 8m 95%\n2x\n- 2m 65%", "a repeat inside a repeat"),
        ("- easy spinning", "a step without a length"),
        ("- 5m 150bpm", "beats"),
    ],
)
def test_text_that_would_be_misread_is_pointed_out(sandbox, text, problem):
    upsert(sandbox, event(description=text))
    (found,) = sandbox.get("/control/intervals")["events"]
    assert [problem in told for told in found["problems"]] == ([True] if problem else [])


def test_a_person_sees_the_events_of_each_athlete(sandbox, browser):
    upsert(sandbox, event(), event("tp-2"))
    upsert(sandbox, event(description="- 5m 150bpm"), athlete="i7")
    page = browser.read("/inboxes").text
    assert "2 events" in page
    assert "1 would be misread" in page


def test_a_partial_list_shows_less_and_a_cut_off_answer_ends_half_way(sandbox):
    upsert(sandbox, event("tp-1"), event("tp-2"), event("tp-3"))
    sandbox.switch(intervals_partial_list=1)
    assert [len(listed(sandbox)), len(listed(sandbox))] == [2, 3]
    sandbox.switch(intervals_cut_off=1)
    with pytest.raises(json.JSONDecodeError):
        listed(sandbox)


@pytest.mark.parametrize(("name", "status"), [("unauthorized", 401), ("error", 500)])
def test_reading_can_be_refused(sandbox, name, status):
    sandbox.switch(**{f"intervals_{name}": 1})
    path = "/events?oldest=2026-03-01&newest=2026-03-31"
    assert [ask(sandbox, "GET", path).status for _ in range(2)] == [status, 200]
