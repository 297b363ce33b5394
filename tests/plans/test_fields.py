"""What may be shared on its own, and that no more than that is shared."""

from plans.fields import (
    ALWAYS,
    GROUP_LABELS,
    MINIMAL_FIELDS,
    SESSION_FIELDS,
    Group,
    Sensitivity,
    only,
    withheld,
)
from plans.model import Session
from tests.plans.making import TUE, block, exercise, repeat, session, warm_up, work

FULL = session(
    1,
    TUE,
    "Intervals",
    at="06:30",
    minutes=60,
    km=10,
    load=70,
    intensity_factor=0.8,
    description="See the physio first.",
    coach_notes="Mind the knee.",
    intervals=[warm_up(notes="Secret"), repeat(3, work(notes="Secret"))],
    strength=[
        block(exercise("Squat", instructions="Secret", video_url="https://video.example/secret"))
    ],
    completed=True,
    url="https://tp.example/1",
)


def test_every_field_of_a_session_can_be_decided_on():
    assert set(ALWAYS) | set(SESSION_FIELDS) >= set(Session.model_fields)
    assert set(ALWAYS).isdisjoint(SESSION_FIELDS)


def test_every_field_says_what_it_is_for():
    for field in [*ALWAYS.values(), *SESSION_FIELDS.values()]:
        assert field.label
        assert field.purpose.endswith(".")
    assert {field.group for field in SESSION_FIELDS.values()} == set(Group) == set(GROUP_LABELS)


def test_free_text_is_never_in_the_minimal_set():
    for name in MINIMAL_FIELDS:
        assert SESSION_FIELDS[name].sensitivity is not Sensitivity.HIGH


def test_nothing_allowed_leaves_the_sport_and_the_day():
    assert only(FULL, set()) == Session(item_id="tp-1", sport="run", date=TUE)


def test_notes_inside_intervals_and_exercises_need_their_own_consent():
    shared = only(FULL, {"intervals", "strength"})
    assert "Secret" not in shared.model_dump_json()
    assert "secret" not in shared.model_dump_json()
    assert shared.intervals[1].steps[0].length == work().length
    assert "Secret" in only(FULL, {"intervals", "interval_notes"}).model_dump_json()


def test_what_was_held_back_is_named():
    assert withheld(FULL, set()) == set(SESSION_FIELDS)
    assert withheld(FULL, MINIMAL_FIELDS) == {
        "interval_notes", "strength_notes", "load", "intensity_factor", "description",
        "coach_notes", "completed", "url",
    }  # fmt: skip
    assert withheld(session(1, TUE), set()) == set()
