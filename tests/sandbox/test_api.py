import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.sandbox.client import BASIC, BEN, ZONELESS, Api

TODAY = datetime.now(UTC).date()
LATER = TODAY + timedelta(days=44)
FLAT_OUT = [
    {
        "Type": "Step",
        "IntensityClass": "Active",
        "Length": {"Unit": "Second", "Value": 300},
        "IntensityTarget": {"Unit": "PercentOfFtp", "Value": 75},
    }
]


def ride(sandbox, athlete=BEN, day=TODAY, **fields):
    body = {"WorkoutDay": f"{day}T00:00:00", "WorkoutType": "Bike", "Title": "Ride"}
    return sandbox.post(f"/control/athletes/{athlete}/workouts", body | fields)["Id"]


def days(api, athlete=BEN, start=TODAY, end=TODAY, **query):
    return api.ask(f"/v2/workouts/{athlete}/{start}/{end}", **query)


def one(api, number, **query):
    return api.get(f"/v2/workouts/{BEN}/id/{number}", **query)


def changes(api, since="2000-01-01T00:00:00Z", size=100, page=0):
    return api.ask(f"/v2/workouts/{BEN}/changed", date=since, pageSize=size, page=page)


def test_the_version_needs_no_token(sandbox):
    assert set(sandbox.get("/v1/info/version")) == {"Version", "Build"}


def test_the_roster_is_a_bare_array_in_which_keys_may_be_missing(api):
    roster = {athlete["Id"]: athlete for athlete in api.get("/v1/coach/athletes")}
    assert len(roster) == 5
    assert "TimeZone" not in roster[ZONELESS]
    assert roster[BASIC]["IsPremium"] is False
    assert len({athlete["CoachedBy"] for athlete in roster.values()}) == 2


def test_the_coach_and_the_assistant_have_profiles(api):
    assert api.get("/v1/coach/profile")["FirstName"] == "Ana"
    (cara,) = api.get("/v1/coach/assistants")
    assert cara["FirstName"] == "Cara"
    assert len(api.get(f"/v1/coach/assistants/{cara['Id']}/athletes")) == 1


def test_an_athlete_sees_the_own_calendar_and_nobody_elses(sandbox):
    ben = Api(sandbox, "athlete:profile workouts:read")
    assert ben.get("/v1/athlete/profile")["FirstName"] == "Ben"
    assert isinstance(ben.get(f"/v2/workouts/{TODAY}/{LATER}"), list)
    assert days(ben, BASIC).status == 403


def test_without_a_token_nothing_is_told(sandbox):
    assert sandbox.call("GET", "/v1/coach/athletes").status == 401


@pytest.mark.parametrize("status", [401, 403])
def test_a_missing_scope_is_refused(sandbox, status):
    sandbox.switch(scope_missing_status=status)
    api = Api(sandbox, "coach:athletes workouts:read")
    assert api.ask("/v2/workouts/wod/file/1/").status == status
    assert api.ask("/v1/webhook/subscriptions").status == status


def test_ids_are_above_what_a_javascript_number_holds(sandbox):
    assert ride(sandbox) > 2**53


def test_descriptions_are_left_out_unless_they_are_asked_for(sandbox, api):
    number = ride(sandbox, Description="Easy")
    assert "Description" not in one(api, number)
    assert one(api, number, includeDescription="true")["Description"] == "Easy"


def test_a_structure_is_never_in_the_workout(sandbox, api):
    workout = one(api, ride(sandbox, Structure=FLAT_OUT))
    assert "Structure" not in workout
    assert "json" in workout["WorkoutFileFormats"]


def test_a_basic_athlete_has_nulls(sandbox, api):
    ride(sandbox, BASIC, TssPlanned=80, TotalTimePlanned=1.0)
    for workout in days(api, BASIC).json():
        assert workout["TssPlanned"] is None
    assert any(workout["TotalTimePlanned"] for workout in days(api, BASIC).json())


@pytest.mark.parametrize(("shape", "kind"), [("object", dict), ("array", list), ("string", str)])
def test_more_than_45_days_are_refused_in_any_shape(sandbox, api, shape, kind):
    sandbox.switch(range_error_body=shape)
    assert days(api, end=LATER).status == 200
    answer = days(api, end=LATER + timedelta(days=1))
    assert answer.status == 400
    assert isinstance(answer.json(), kind)


def test_a_long_range_may_be_forbidden_or_allowed(sandbox, api):
    sandbox.switch(range_error_status=403)
    assert days(api, end=LATER + timedelta(days=1)).status == 403
    sandbox.switch(range_days=60)
    assert days(api, end=LATER + timedelta(days=1)).status == 200


def test_more_than_a_year_ahead_is_refused(api):
    ahead = TODAY + timedelta(days=367)
    assert days(api, start=ahead, end=ahead).status == 400


def test_structure_has_two_normal_refusals(sandbox, api):
    bare, structured = ride(sandbox), ride(sandbox, Structure=FLAT_OUT)
    answer = api.ask(f"/v2/workouts/wod/file/{bare}/", format="json")
    assert (answer.status, answer.json()) == (400, "Workout has no structure")
    answer = api.ask(f"/v2/workouts/wod/file/{structured}/", format="fit")
    assert answer.json() == "Workout cannot be exported to format: 'fit'."
    assert api.get(f"/v2/workouts/wod/file/{structured}/", format="json") == FLAT_OUT


def test_structure_may_be_wrapped_and_in_fractions(sandbox, api):
    number = ride(sandbox, Structure=FLAT_OUT)
    sandbox.switch(structure_wrapped=True, percent_as_fractions=True)
    answer = api.get(f"/v2/workouts/wod/file/{number}/")
    assert answer["Structure"][0]["IntensityTarget"]["Value"] == 0.75


def test_structure_may_be_closed_to_coaches(sandbox, api):
    number = ride(sandbox, Structure=FLAT_OUT)
    sandbox.switch(coach_may_read_structure=False)
    assert api.ask(f"/v2/workouts/wod/file/{number}/").status == 403


def test_strength_workouts_ask_for_all_four_parameters(sandbox, api):
    path = f"/v2/athletes/{BEN}/strength-workouts"
    body = {"PrescribedDate": f"{TODAY}T00:00:00", "Title": "Gym", "Blocks": []}
    made = sandbox.post(f"/control/athletes/{BEN}/strength-workouts", body)
    asked = {"startDate": TODAY, "endDate": TODAY, "pageSize": 50, "page": 0}
    found = api.get(path, **asked)
    assert str(made["Id"]) in {workout["Id"] for workout in found}
    assert api.ask(path, **{**asked, "pageSize": 51}).status == 400
    for name in asked:
        fewer = {key: value for key, value in asked.items() if key != name}
        assert api.ask(path, **fewer).status == 400


def test_changes_come_in_pages_with_moves_and_deletions(sandbox, api):
    since = sandbox.get("/control/journal/latest")["at"]
    numbers = [ride(sandbox) for _ in range(3)]
    sandbox.patch(f"/control/workouts/{numbers[0]}", {"WorkoutDay": f"{LATER}T00:00:00"})
    sandbox.delete(f"/control/workouts/{numbers[1]}")
    first, second = (changes(api, since, 1, page).json() for page in (0, 1))
    assert [w["Id"] for w in first["Modified"] + second["Modified"]] == [numbers[2], numbers[0]]
    assert second["Modified"][0]["WorkoutDay"].startswith(str(LATER))
    assert first["Deleted"] == second["Deleted"] == [numbers[1]]
    sandbox.switch(deleted_on_every_page=False)
    assert changes(api, since, 1, 1).json()["Deleted"] == []


def test_more_than_a_hundred_changes_take_two_pages(sandbox, api):
    sandbox.post(f"/control/athletes/{BEN}/apply-plan", {"weeks": 20})
    assert len(changes(api).json()["Modified"]) == 100
    assert changes(api, page=1).json()["Modified"]


@pytest.mark.parametrize(
    ("since", "size"), [("1999-12-31", 10), ("yesterday", 10), ("2026-01-01", 101)]
)
def test_the_changed_feed_refuses_what_it_is_said_to_refuse(api, since, size):
    assert changes(api, since, size).status == 400


def test_a_detached_athlete_is_403_and_gone_from_the_roster(sandbox, api):
    sandbox.switch(detached_athletes=[BEN])
    assert days(api).status == 403
    assert BEN not in {athlete["Id"] for athlete in api.get("/v1/coach/athletes")}
    sandbox.switch(detached_in_roster=True)
    assert BEN in {athlete["Id"] for athlete in api.get("/v1/coach/athletes")}


def test_unknown_routes_are_web_pages(api):
    answer = api.ask("/v2/no/such/thing")
    assert answer.status == 404
    assert answer.text.startswith("<!DOCTYPE html>")


def test_a_request_without_a_name_is_noted_or_refused(sandbox, api):
    before = sandbox.latest()
    assert api.ask("/v1/coach/profile", headers={"User-Agent": ""}).status == 200
    flagged = [row for row in sandbox.journal(before, kind="request") if row.get("flags")]
    assert [row["path"] for row in flagged] == ["/v1/coach/profile"]
    sandbox.switch(user_agent="require")
    assert api.ask("/v1/coach/profile", headers={"User-Agent": " "}).status == 400


@pytest.mark.parametrize(
    ("switch", "status"), [("unavailable", 503), ("throttle", 429), ("server_error", 500)]
)
def test_faults_count_down(sandbox, api, switch, status):
    sandbox.switch(**{switch: 2, "retry_after": "7"})
    answers = [api.ask("/v1/coach/profile") for _ in range(3)]
    assert [answer.status for answer in answers] == [status, status, 200]
    assert answers[0].headers.get("Retry-After") == (None if status == 500 else "7")


def test_a_fault_may_stay_until_it_is_switched_off(sandbox, api):
    sandbox.switch(throttle=True)
    assert {api.ask("/v1/coach/profile").status for _ in range(3)} == {429}
    sandbox.switch(throttle=0)
    assert api.ask("/v1/coach/profile").status == 200


def test_answers_may_end_in_the_middle(sandbox, api):
    sandbox.switch(truncate_json=1)
    with pytest.raises(ValueError, match=r"delimiter|Expecting|Unterminated|Invalid"):
        api.ask("/v1/coach/athletes").json()
    assert api.ask("/v1/coach/athletes").json()


def test_figures_may_come_as_words(sandbox, api):
    sandbox.switch(wrong_types=1)
    assert api.get("/v1/coach/profile")["CoachId"] == "about 7001"


def test_a_good_answer_may_be_a_web_page(sandbox, api):
    sandbox.switch(html_instead=1)
    assert "<html>" in api.ask("/v1/coach/athletes").text


def test_keys_may_come_and_go(sandbox, api):
    sandbox.switch(drop_keys=["LastName"], extra_keys=True)
    coach = api.get("/v1/coach/profile")
    assert "LastName" not in coach
    assert "ZzNew" in coach


def test_planned_load_may_be_spelled_otherwise(sandbox, api):
    sandbox.switch(tss_casing="TSSPlanned")
    workout = one(api, ride(sandbox, TssPlanned=50))
    assert workout["TSSPlanned"] == 50
    assert "TssPlanned" not in workout


def test_the_time_of_change_may_be_in_the_mountains(sandbox, api):
    number = ride(sandbox)
    assert one(api, number)["LastModifiedDate"].endswith("Z")
    sandbox.switch(modified_in="mountain")
    assert not one(api, number)["LastModifiedDate"].endswith("Z")


def test_a_time_of_change_may_have_seven_digits(sandbox, api):
    number = ride(sandbox)
    sandbox.switch(seven_digit_fractions=True)
    fraction = one(api, number)["LastModifiedDate"].partition(".")[2]
    assert len(fraction) == len("1234567Z")


def test_hidden_workouts_are_shown_by_the_switch(sandbox, api):
    number = ride(sandbox, Hidden=True)
    assert number not in {workout["Id"] for workout in days(api).json()}
    sandbox.switch(show_hidden=True)
    assert number in {workout["Id"] for workout in days(api).json()}


def test_hidden_workouts_do_not_shorten_a_page_of_changes(sandbox, api):
    since = datetime.now(UTC).isoformat()
    for number in range(5):
        ride(sandbox, Hidden=number < 2)
    pages = [
        api.get(f"/v2/workouts/{BEN}/changed", date=since, pageSize=2, page=page)["Modified"]
        for page in range(3)
    ]
    assert [len(page) for page in pages] == [2, 1, 0]


def test_even_json_may_be_a_format_that_is_refused(sandbox, api):
    workout = next(w for w in sandbox.get(f"/control/athletes/{BEN}/workouts") if w["Structure"])
    sandbox.switch(structure_not_exported=True)
    answer = api.ask(f"/v2/workouts/wod/file/{workout['Id']}/", format="json")
    assert answer.status == 400
    assert answer.json() == "Workout cannot be exported to format: 'json'."


def test_an_athlete_asks_for_the_workouts_of_the_next_days(sandbox):
    ben = Api(sandbox, "athlete:profile workouts:read workouts:wod")
    first = sandbox.get(f"/control/athletes/{BEN}/workouts")[0]["WorkoutDay"][:10]
    one_day, week = (ben.get(f"/v2/workouts/wod/{first}", numberOfDays=number) for number in (1, 7))
    assert {workout["WorkoutDay"][:10] for workout in one_day} == {first}
    assert len(week) > len(one_day)
    assert ben.ask(f"/v2/workouts/wod/{first}", numberOfDays=8).status == 400


def test_answers_may_be_slow(sandbox, api):
    sandbox.switch(slow_seconds=0.3)
    before = sandbox.latest()
    api.get("/v1/coach/profile")
    (row,) = sandbox.journal(before, kind="request")
    assert row["ms"] >= 300


def test_a_switch_that_does_not_exist_is_refused(sandbox):
    with pytest.raises(RuntimeError, match="no switch"):
        sandbox.switch(slow=1)
    with pytest.raises(RuntimeError, match="one of"):
        sandbox.switch(webhook_body="odd")
    assert sandbox.get("/control/switches")["expires_in"]["default"] == 600


def test_every_switch_says_what_it_does(sandbox):
    for about in sandbox.get("/control/switches").values():
        assert about["explanation"].endswith(".")


def test_many_edits_in_one_call_are_told_one_by_one(sandbox, api):
    number = ride(sandbox)
    since = sandbox.latest()
    added = {"WorkoutDay": f"{TODAY}T00:00:00", "WorkoutType": "Run", "Title": "Run"}
    asked = [
        {"athlete": BEN, "add": added},
        {"workout": number, "change": {"Title": "Longer ride"}},
        {"workout": number, "delete": True},
    ]
    made = sandbox.post("/control/edits", {"edits": asked})["workouts"]
    told = [entry["change"] for entry in sandbox.journal(since, kind="change")]
    assert (made[1:], told) == ([number, number], ["created", "updated", "deleted"])


def test_one_edit_that_cannot_be_made_undoes_the_whole_call(sandbox):
    number = ride(sandbox)
    asked = [{"workout": number, "delete": True}, {"workout": 1, "delete": True}]
    body = json.dumps({"edits": asked}).encode()
    answer = sandbox.call("POST", "/control/edits", body, {"Content-Type": "application/json"})
    held = sandbox.get(f"/control/athletes/{BEN}/workouts")
    assert (answer.status, number in [workout["Id"] for workout in held]) == (404, True)
