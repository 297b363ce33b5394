from datetime import UTC, date, datetime, timedelta

import pytest

from tests.sandbox.client import BEN, Api

NEW = {"day": "2026-03-02", "sport": "Run", "title": "Hills", "hours": "1.5", "kilometers": "12"}


def workouts(sandbox, kind="workouts"):
    return sandbox.get(f"/control/athletes/{BEN}/{kind}")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        f"/athletes/{BEN}",
        "/inboxes",
        "/calendars",
        "/switches",
        "/journal",
        "/static/sandbox.css",
        "/static/drag.js",
    ],
)
def test_every_page_is_there(browser, path):
    assert browser.read(path).status == 200


def test_a_session_is_added_and_told_of(sandbox, browser):
    before = sandbox.latest()
    browser.send(f"/athletes/{BEN}/new", **NEW)
    (made,) = [workout for workout in workouts(sandbox) if workout["Title"] == "Hills"]
    assert (made["WorkoutType"], made["TotalTimePlanned"]) == ("Run", 1.5)
    assert made["DistancePlanned"] == 12_000
    assert sandbox.journal(before, kind="change")[0]["workout"] == made["Id"]
    assert "Hills" in browser.read(f"/athletes/{BEN}?from=2026-03-02").text


@pytest.mark.parametrize(
    ("written", "hours"), [("1:30", 1.5), ("0:45:30", 0.7583333), ("1.25", 1.25), ("", None)]
)
def test_a_length_is_written_as_a_coach_writes_it(sandbox, browser, written, hours):
    browser.send(f"/athletes/{BEN}/new", **NEW | {"hours": written})
    (made,) = [workout for workout in workouts(sandbox) if workout["Title"] == "Hills"]
    assert made["TotalTimePlanned"] == (pytest.approx(hours) if hours else None)


@pytest.mark.parametrize("written", ["soon", "-1", "100", "nan", "1:75"])
def test_a_length_that_is_none_is_refused(browser, written):
    answer = browser.send(f"/athletes/{BEN}/new", **NEW | {"hours": written})
    assert answer.status == 400
    assert "Write 1:30" in answer.text


@pytest.mark.parametrize(("chosen", "first_of_repeat"), [("1", "Step"), ("nested", "Repetition")])
def test_intervals_are_chosen_and_decide_the_length(sandbox, browser, chosen, first_of_repeat):
    browser.send(f"/athletes/{BEN}/new", **NEW | {"sport": "Bike", "intervals": chosen})
    (made,) = [workout for workout in workouts(sandbox) if workout["Title"] == "Hills"]
    _, repeat, _ = made["Structure"]
    assert repeat["Steps"][0]["Type"] == first_of_repeat
    assert made["TotalTimePlanned"] != 1.5


def test_intervals_are_taken_away_or_left_as_they_are(sandbox, browser):
    structured = next(w for w in workouts(sandbox) if w["Structure"])
    path = f"/athletes/{BEN}/workouts/{structured['Id']}"
    browser.send(path, **NEW | {"intervals": "keep"})
    kept = sandbox.get(f"/control/workouts/{structured['Id']}")["Structure"]
    assert kept == structured["Structure"]
    browser.send(path, **NEW | {"intervals": "none"})
    assert sandbox.get(f"/control/workouts/{structured['Id']}")["Structure"] is None


def test_a_session_is_dropped_on_another_day(sandbox, browser):
    first = workouts(sandbox)[0]
    path = f"/athletes/{BEN}/workouts/{first['Id']}/move"
    answer = browser.send(path, to="2026-03-07", **{"from": "2026-03-02"})
    moved = sandbox.get(f"/control/workouts/{first['Id']}")
    assert moved["WorkoutDay"].startswith("2026-03-07")
    assert answer.headers["Location"].endswith(f"#session-{first['Id']}")


def test_a_drop_on_nothing_leaves_the_session_where_it_is(sandbox, browser):
    first = workouts(sandbox)[0]
    browser.send(f"/athletes/{BEN}/workouts/{first['Id']}/move", to="nowhere")
    assert sandbox.get(f"/control/workouts/{first['Id']}")["WorkoutDay"] == first["WorkoutDay"]


def test_a_form_that_is_wrong_comes_back(browser):
    answer = browser.send(f"/athletes/{BEN}/new", **NEW | {"title": ""})
    assert answer.status == 400
    assert "required" in answer.text


def test_a_session_moves_is_edited_and_deleted(sandbox, browser):
    first = workouts(sandbox)[0]
    path = f"/athletes/{BEN}/workouts/{first['Id']}"
    browser.send(f"{path}/move", to="after")
    moved = sandbox.get(f"/control/workouts/{first['Id']}")
    day = date.fromisoformat(first["WorkoutDay"][:10])
    assert moved["WorkoutDay"].startswith(str(day + timedelta(days=1)))
    browser.send(path, **NEW)
    assert sandbox.get(f"/control/workouts/{first['Id']}")["Title"] == "Hills"
    browser.send(f"{path}/delete")
    assert first["Id"] not in {workout["Id"] for workout in workouts(sandbox)}


def test_editing_words_keeps_the_intervals(sandbox, browser):
    structured = next(w for w in workouts(sandbox) if w["Structure"])
    page = browser.read(f"/athletes/{BEN}/workouts/{structured['Id']}")
    assert "seconds at" in page.text
    browser.send(f"/athletes/{BEN}/workouts/{structured['Id']}", **NEW)
    after = sandbox.get(f"/control/workouts/{structured['Id']}")
    assert after["Structure"] == structured["Structure"]


def test_a_strength_session_is_edited_as_one(sandbox, browser):
    gym = workouts(sandbox, "strength-workouts")[0]
    fields = {"day": "2026-03-03", "title": "Core", "hours": "0.5"}
    browser.send(f"/athletes/{BEN}/workouts/{gym['Id']}", **fields)
    after = sandbox.get(f"/control/workouts/{gym['Id']}")
    assert (after["Title"], after["PrescribedDurationInSeconds"]) == ("Core", 1800)
    assert after["Blocks"] == gym["Blocks"]


def test_a_plan_of_twelve_weeks_is_applied(sandbox, browser):
    before = sandbox.latest()
    start = datetime.now(UTC).date()
    browser.send(f"/athletes/{BEN}/apply-plan", weeks="12", start=str(start), focus="run")
    assert len(sandbox.journal(before, kind="change")) == 84


def test_what_somebody_writes_is_never_markup(sandbox, browser):
    browser.send(f"/athletes/{BEN}/new", **NEW | {"title": "<script>alert(1)</script>"})
    page = browser.read(f"/athletes/{BEN}?from=2026-03-02").text
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_an_inbox_is_made_and_told_how_to_answer(sandbox, browser):
    browser.send("/inboxes/new", name="portal", secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    browser.send("/inboxes/portal/answer", answer="410 Gone", times="2")
    page = browser.read("/inboxes/portal").text
    assert "has a secret" in page
    assert "410" in page
    assert "for 2 more times" in page


def test_switches_are_set_and_set_back(sandbox, browser):
    browser.send("/switches/set", name="throttle", value="3")
    browser.send("/switches/set", name="webhook_body", value="array")
    browser.send("/switches/set", name="detached_athletes", value="[1]")
    values = sandbox.get("/control/switches")
    assert values["throttle"]["value"] == 3
    assert values["webhook_body"]["value"] == "array"
    assert values["detached_athletes"]["value"] == [1]
    browser.send("/switches/set", name="throttle", back="yes")
    assert sandbox.get("/control/switches")["throttle"]["value"] == 0


@pytest.mark.parametrize("value", ["odd", '"odd"'])
def test_a_value_that_does_not_suit_is_refused(browser, value):
    answer = browser.send("/switches/set", name="throttle", value=value)
    assert answer.status == 400
    assert "throttle" in answer.text


def test_a_form_from_elsewhere_is_refused(sandbox):
    assert sandbox.call("POST", "/seed", b"").status == 403


def test_seeding_twice_gives_the_same_studio(sandbox):
    first = sandbox.post("/control/seed", {"studio": "demo"})
    titles = [workout["Title"] for workout in workouts(sandbox)]
    second = sandbox.post("/control/seed", {"studio": "demo"})
    assert first == second
    assert [workout["Title"] for workout in workouts(sandbox)] == titles
    assert len(first["athletes"]) == 40
    assert len({athlete["timeZone"] for athlete in first["athletes"]} - {None}) == 4


def test_a_reset_forgets_the_studio_and_goes_on_with_the_journal(sandbox):
    Api(sandbox)
    before = sandbox.latest()
    sandbox.post("/control/reset")
    assert sandbox.get("/control/athletes")["athletes"] == []
    assert sandbox.latest() > before
