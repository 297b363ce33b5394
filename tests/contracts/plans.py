"""A plan that has everything in it: what adapters are tested with."""

from datetime import UTC, datetime

from destinations.port import Action, Item, Recipient, Remote, RenderOptions, Step
from plans.fields import SESSION_FIELDS
from plans.model import Plan, Session

EVERYTHING = frozenset(SESSION_FIELDS)
PLAN_ID = "3f0c2a64-5a0e-4b8e-9a51-0c9c0f5e7d11"
PUBLISHED = datetime(2026, 3, 1, 18, 30, tzinfo=UTC)
BEN = Recipient(pseudonym="a1b2c3d4e5f6", name="Ben Baker", time_zone="Europe/Paris")


def step(seconds=None, metres=None, intensity="active", **more):
    length = {"unit": "second", "value": seconds} if seconds else {"unit": "meter", "value": metres}
    return {"type": "step", "intensity": intensity, "length": length, **more}


def target(unit, low=None, high=None, value=None):
    return {"unit": unit, "minimum": low, "maximum": high, "value": value}


def lift(reps, weight):
    return {"parameters": [{"name": "Reps", "value": reps}, {"name": "WeightKg", "value": weight}]}


THRESHOLD_RUN = {
    "itemId": "tp-1001", "sport": "run", "date": "2026-03-02", "startTime": "07:00:00",
    "title": "Threshold 4x8", "durationSeconds": 3900, "distanceMeters": 12000.0, "load": 78.0,
    "intensityFactor": 0.91, "description": "Four hard ones.\n- stay relaxed\nMain 4x",
    "coachNotes": "Call me, if the knee hurts; rest otherwise.",
    "url": "https://app.trainingpeaks.com/w/1001",
    "intervals": [
        step(900, intensity="warmup", target=target("percent_threshold_hr", value=70)),
        {"type": "repeat", "count": 4, "steps": [
            step(480, name="Hard 8", target=target("percent_threshold_hr", 95, 100),
                 notes="Tall hips."),
            step(120, intensity="rest", target=target("percent_threshold_hr", value=65)),
        ]},
        step(600, intensity="cooldown", target=target("percent_threshold_hr", value=65)),
    ],
}  # fmt: skip
NESTED_RIDE = {
    "itemId": "tp-1002", "sport": "bike", "date": "2026-03-03", "startTime": "17:30:00",
    "title": "Over-unders", "durationSeconds": 4200, "distanceMeters": 35000.0,
    "intervals": [
        step(600, intensity="warmup", target=target("percent_ftp", 50, 65)),
        {"type": "repeat", "count": 2, "steps": [
            {"type": "repeat", "count": 3, "steps": [
                step(60, target=target("percent_ftp", 105, 110),
                     cadence={"minimum": 90, "maximum": 95}),
                step(120, target=target("percent_ftp", value=92.5)),
            ]},
            step(300, intensity="rest", target=target("percent_ftp", value=50)),
        ]},
        step(600, intensity="cooldown", openEnded=True, target=target("rpe", value=3)),
    ],
}  # fmt: skip
SWIM = {
    "itemId": "tp-1003", "sport": "swim", "date": "2026-03-04", "title": "Skill; 10 x 100, easy",
    "durationSeconds": 2700, "distanceMeters": 1900.0,
    "intervals": [
        step(metres=400, intensity="warmup"),
        {"type": "repeat", "count": 10, "steps": [
            step(metres=100, target=target("percent_threshold_pace", 98, 102)),
            step(20, intensity="rest"),
        ]},
        step(metres=1500, intensity="cooldown"),
    ],
}  # fmt: skip
STRENGTH = {
    "itemId": "tps-77", "sport": "strength", "date": "2026-03-05", "title": "Gym",
    "durationSeconds": 2400,
    "strength": [
        {"title": "Block A", "blockType": "superset", "exercises": [
            {"title": "Squat", "instructions": "Slow down, fast up.",
             "sets": [lift("8", "60"), lift("6", "70")]},
            {"title": "Plank"},
        ]}
    ],
}  # fmt: skip
REST = {
    "itemId": "tp-1005", "sport": "rest", "date": "2026-03-06", "title": "",
    "description": "Sleep, eat, read. Ü ✓ 🛌",
}  # fmt: skip
WORDS = {
    "itemId": "tp-1006", "sport": "other", "date": "2026-03-07", "title": "Check in",
    "description": "Tell me how the week was.",
}  # fmt: skip
BRICK = {
    "itemId": "tp-1007", "sport": "brick", "date": "2026-03-08", "startTime": "23:30:00",
    "title": "Brick past midnight", "durationSeconds": 5400,
}  # fmt: skip
RACE = {
    "itemId": "tp-1008", "sport": "race", "date": "2026-03-29", "startTime": "02:30:00",
    "title": "Race in the hour that clocks skip", "durationSeconds": 7200,
    "distanceMeters": 21097.5,
}  # fmt: skip
DONE = {
    "itemId": "tp-1000", "sport": "mtb", "date": "2026-03-01", "title": "Done already",
    "durationSeconds": 3600, "completed": True,
}  # fmt: skip
ALL = [THRESHOLD_RUN, NESTED_RIDE, SWIM, STRENGTH, REST, WORDS, BRICK, RACE, DONE]


def session(**raw):
    return Session.model_validate(raw)


def plan(*raw, version=3):
    return Plan.of(
        [session(**one) for one in (raw or ALL)],
        plan_id=PLAN_ID,
        version=version,
        plan_name="Spring, build & race",
        start_date="2026-03-01",
        end_date="2026-04-12",
        published_at=PUBLISHED,
        time_zone="Europe/Paris",
    )


def options(fields=EVERYTHING, recipient=BEN, revision=5):
    return RenderOptions(
        fields=frozenset(fields), recipient=recipient, destination_name="Test", revision=revision
    )


def step_for(item: Item | None, action=Action.CREATE, remote: Remote | None = None, **more):
    return Step(
        **{
            "action": action,
            "item_key": item.key if item else remote.item_key if remote else "",
            "item": item,
            "remote": remote,
            "idempotency_key": "5f" * 32,
            "revision": 5,
            "version": 3,
            "plan_id": PLAN_ID,
            "occurred_at": PUBLISHED,
            **more,
        }
    )


def remote_of(item: Item, remote_id="501", version=2):
    """What the engine would remember after this item was written."""
    return Remote(
        item_key=item.key,
        remote_id=remote_id,
        content_hash=item.content_hash,
        version=version,
        date=item.date,
        body=item.body,
    )
