from datetime import UTC, datetime

import pytest

from tests.sandbox.client import BEN
from tests.sandbox_process import SandboxProcess

TODAY = datetime.now(UTC).date()
EVENTS = ("workout-created", "workout-updated", "workout-deleted")
RIDE = {"WorkoutDay": f"{TODAY}T00:00:00", "WorkoutType": "Bike", "Title": "Ride"}


@pytest.fixture
def subscribed(api, listener):
    return [api.subscribe(BEN, event, listener.url).json() for event in EVENTS]


def add(sandbox, **fields):
    return sandbox.post(f"/control/athletes/{BEN}/workouts", RIDE | fields)["Id"]


def told(sandbox, listener, count):
    sandbox.wait_for(lambda: len(listener.posts) >= count)
    return [body for _, body in listener.posts]


def test_subscriptions_are_made_listed_changed_and_ended(sandbox, api, subscribed):
    first = subscribed[0]
    assert first["CreatedOn"].endswith("Z")
    assert len(first["CreatedOn"].split(".")[1]) == 8  # seven digits and the Z
    listed = api.get("/v1/webhook/subscriptions")
    assert {row["Id"] for row in listed} == {row["Id"] for row in subscribed}
    body = {"EventType": EVENTS[0], "WebhookUrl": "http://127.0.0.1:9/x", "Active": False}
    path = f"/v1/webhook/subscriptions/{first['Id']}"
    assert api.ask(path, "PUT", body).json()["Active"] is False
    assert api.ask(path, "DELETE").status == 200
    assert api.ask(path).status == 404


def test_each_edit_is_told_of_once(sandbox, listener, subscribed):
    number = add(sandbox)
    sandbox.patch(f"/control/workouts/{number}", {"Title": "Longer"})
    sandbox.delete(f"/control/workouts/{number}")
    bodies = told(sandbox, listener, 3)
    assert {body["EventType"] for body in bodies} == set(EVENTS)
    assert {(body["AthleteId"], body["WorkoutId"]) for body in bodies} == {(BEN, number)}


def test_every_edit_is_in_the_journal_with_its_time(sandbox):
    before = sandbox.latest()
    number = add(sandbox)
    (row,) = sandbox.journal(before, kind="change")
    assert (row["athlete"], row["workout"], row["change"]) == (BEN, number, "created")
    assert row["at"].endswith("Z")
    assert len(row["at"]) == len("2026-11-23T18:00:00.000Z")


def test_a_plan_makes_one_event_per_workout(sandbox, listener, subscribed):
    made = sandbox.post(f"/control/athletes/{BEN}/apply-plan", {"weeks": 12})["workouts"]
    strength = len(made) - len({body["WorkoutId"] for body in told(sandbox, listener, 72)})
    assert len(made) == 84
    assert strength == 12  # strength workouts fire nothing


def test_a_burst_is_told_of_in_full(sandbox, listener, subscribed):
    sandbox.post(f"/control/athletes/{BEN}/burst", {"edits": 200})
    assert len(told(sandbox, listener, 200)) == 200


@pytest.mark.parametrize("shape", ["full", "array", "nonsense"])
def test_the_body_may_have_any_shape(sandbox, listener, subscribed, shape):
    sandbox.switch(webhook_body=shape)
    number = add(sandbox)
    (body,) = told(sandbox, listener, 1)
    if shape == "full":
        assert (body["Id"], body["Title"]) == (number, "Ride")
    elif shape == "array":
        assert body[0]["WorkoutId"] == number
    else:
        assert "AthleteId" not in body


def test_posts_may_come_twice(sandbox, listener, subscribed):
    sandbox.switch(duplicate_webhooks=1)
    add(sandbox)
    first, second = told(sandbox, listener, 2)
    assert first == second


def test_posts_may_be_lost(sandbox, listener, subscribed):
    sandbox.switch(drop_webhooks_percent=100)
    before = sandbox.latest()
    add(sandbox)
    (row,) = sandbox.journal(before, kind="webhook")
    assert row["outcome"] == "dropped"
    assert listener.posts == []


def test_posts_may_come_out_of_order(sandbox, listener, subscribed):
    sandbox.switch(reorder_webhooks=True)
    sandbox.post(f"/control/athletes/{BEN}/apply-plan", {"weeks": 4})
    numbers = [body["WorkoutId"] for body in told(sandbox, listener, 24)]
    assert numbers != sorted(numbers)


def test_posts_may_come_late(sandbox, listener, subscribed):
    sandbox.switch(webhook_delay_seconds=60)
    add(sandbox)
    sandbox.switch(webhook_delay_seconds=0)
    second = add(sandbox)
    assert told(sandbox, listener, 1)[0]["WorkoutId"] == second


def test_the_last_part_of_the_address_may_be_wrong(sandbox, listener, subscribed):
    sandbox.switch(webhook_wrong_token=True)
    add(sandbox)
    told(sandbox, listener, 1)
    assert listener.posts[0][0] == "/hooks/cbax"


def test_a_refused_post_is_not_sent_again_unless_switched_on(sandbox, listener, subscribed):
    listener.status = 500
    before = sandbox.latest()
    add(sandbox)
    sandbox.wait_for(lambda: sandbox.journal(before, kind="webhook"))  # the refusal was read
    sandbox.switch(webhook_retries=1)
    number = add(sandbox)
    bodies = told(sandbox, listener, 3)
    assert [body["WorkoutId"] for body in bodies].count(number) == 2


def test_strength_workouts_may_fire_events(sandbox, listener, subscribed):
    body = {"PrescribedDate": f"{TODAY}T00:00:00", "Title": "Gym"}
    sandbox.switch(webhook_strength=True)
    made = sandbox.post(f"/control/athletes/{BEN}/strength-workouts", body)
    assert told(sandbox, listener, 1)[0]["WorkoutId"] == made["Id"]


def test_any_hint_may_be_sent(sandbox, listener, subscribed):
    hint = {"athlete": BEN, "workout": 1, "event": "workout-deleted"}
    assert sandbox.post("/control/webhooks", hint) == {"posts": 1}
    assert told(sandbox, listener, 1)[0]["WorkoutId"] == 1
    sandbox.post("/control/webhooks", {"url": listener.url, "body": ["odd"]})
    assert told(sandbox, listener, 2)[1] == ["odd"]


def test_only_this_machine_is_called(sandbox, api):
    api.subscribe(BEN, "workout-created", "https://hooks.example.com/x")
    before = sandbox.latest()
    add(sandbox)
    (row,) = sandbox.wait_for(lambda: sandbox.journal(before, kind="webhook"))
    assert row["outcome"] == "refused: not on this machine"


def test_subscriptions_may_vanish(sandbox, api, subscribed):
    sandbox.switch(subscriptions_vanish=True)
    assert api.get("/v1/webhook/subscriptions") == []


@pytest.mark.parametrize(("rule", "status", "held"), [("same", 200, 1), ("refuse", 400, 1)])
def test_the_same_subscription_again(sandbox, api, listener, rule, status, held):
    sandbox.switch(subscription_duplicates=rule)
    assert api.subscribe(BEN, EVENTS[0], listener.url).status == 201
    assert api.subscribe(BEN, EVENTS[0], listener.url).status == status
    assert len(api.get("/v1/webhook/subscriptions")) == held


def test_subscribing_may_be_limited_or_closed_to_coaches(sandbox, api, listener):
    sandbox.switch(subscription_limit=1, subscription_create_status=200)
    assert api.subscribe(BEN, EVENTS[0], listener.url).status == 200
    assert api.subscribe(BEN, EVENTS[1], listener.url).status == 400
    sandbox.switch(subscription_limit=0, coach_may_subscribe=False)
    assert api.subscribe(BEN, EVENTS[1], listener.url).status == 403


def test_posts_survive_a_restart(tmp_path, listener):
    from tests.sandbox.client import Api

    kept = SandboxProcess(database=tmp_path / "kept.sqlite3")
    kept.start()
    kept.post("/control/seed", {"athletes": 1, "weeks": 1})
    Api(kept).subscribe(BEN, EVENTS[0], listener.url)
    kept.switch(webhook_delay_seconds=2)
    number = add(kept)
    kept.stop()
    assert listener.posts == []
    kept.start()
    assert told(kept, listener, 1)[0]["WorkoutId"] == number
    kept.stop()
