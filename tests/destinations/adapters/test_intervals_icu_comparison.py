"""An event as it was written and as it is read back: noise is no difference, a change is one."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from destinations.adapters.intervals_icu import comparison
from destinations.adapters.intervals_icu.adapter import IntervalsIcuAdapter
from destinations.errors import PayloadError
from destinations.http import DestinationClient
from tests.contracts import plans

CONFIG = {"auth": "api_key", "credential": "k", "athlete_id": "i1", "base_url": "https://x.test"}
ADAPTER = IntervalsIcuAdapter(CONFIG, DestinationClient())
BODIES = [item.body for item in ADAPTER.render(plans.plan(*plans.ALL), plans.options())]
PLAIN = {
    "category": "WORKOUT",
    "type": "Run",
    "start_date_local": "2026-03-02T00:00:00",
    "name": "Café run",
    "description": "Easy.\n\nBaton · tp-1",
    "moving_time": 3600,
    "distance": 12500.0,
    "external_id": "tp-1",
}


def changes(event, **found):
    altered = comparison.alterations({"event": event}, {**event, **found})
    return {one.field: (one.ours, one.theirs) for one in altered}


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body["event"]["external_id"])
def test_what_was_written_is_not_different_from_itself(body):
    assert comparison.alterations(body, body["event"]) == ()


@pytest.mark.parametrize(
    "noise",
    [
        {"start_date_local": "2026-03-02"},
        {"start_date_local": "2026-03-02T00:00"},
        {"start_date_local": "2026-03-02T00:00:00.000"},
        {"start_date_local": "2026-03-02T00:00:00Z"},
        {"name": " Café  run "},
        {"name": unicodedata.normalize("NFD", "Café run")},
        {"name": "Café\u00a0run"},
        {"description": "Easy.\r\n\r\nBaton · tp-1\r\n"},
        {"description": "Easy. \n\n\nBaton · tp-1\n"},
        {"moving_time": 3600.0},
        {"moving_time": "3600"},
        {"distance": 12500},
        {"distance": "12500.00"},
        {"distance": 12500.04},
        {"icu_training_load": 40, "workout_doc": {}, "color": "green"},
    ],
)
def test_formatting_is_no_difference(noise):
    assert changes(PLAIN, **noise) == {}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"start_date_local": "2026-03-03T00:00:00"}, {"date": ("2026-03-02", "2026-03-03")}),
        ({"start_date_local": "2026-03-02T07:30:00"}, {"start_time": (None, "07:30")}),
        ({"name": "Cafe run"}, {"title": ("Café run", "Cafe run")}),
        ({"type": "Ride"}, {"sport": ("run", "bike")}),
        ({"category": "NOTE"}, {"sport": ("run", "note")}),
        ({"category": "RACE_A"}, {"sport": ("run", "race_a")}),
        ({"moving_time": 1800}, {"duration_seconds": (3600.0, 1800.0)}),
        ({"moving_time": None}, {"duration_seconds": (3600.0, None)}),
        ({"distance": 12501}, {"distance_meters": (12500.0, 12501.0)}),
        ({"description": None}, {"description": (PLAIN["description"], "")}),
        ({"description": "Hard."}, {"description": (PLAIN["description"], "Hard.")}),
    ],
)  # fmt: skip
def test_a_change_is_named_by_the_field_of_the_plan(found, expected):
    assert changes(PLAIN, **found) == expected


def test_a_length_that_the_server_works_out_from_the_steps_is_not_compared():
    stepped = {**PLAIN, "description": "- 10m 70%\n\nBaton · tp-1"}
    assert changes(stepped, moving_time=600, distance=2000) == {}


def test_a_length_that_was_never_written_is_not_compared():
    bare = {name: value for name, value in PLAIN.items() if name != "moving_time"}
    assert changes(bare, moving_time=600) == {}


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "date": st.dates().map(lambda day: day.isoformat()),
        "start_time": st.none() | st.times().map(lambda at: at.strftime("%H:%M")),
        "title": st.text(min_size=1).filter(str.strip),
        "sport": st.sampled_from(["run", "bike", "swim", "strength", "other"]),
        "duration_seconds": st.integers(1, 86_400),
        "distance_meters": st.integers(1, 300_000),
    },
)


@given(body=st.sampled_from(BODIES), theirs=CHANGES)
def test_what_was_read_can_be_written_again(body, theirs):
    """Written with the athlete's values, read back, nothing is different; the contract is kept."""
    event = body["event"]
    compared = comparison.compared(event)
    values = {name: value for name, value in theirs.items() if name in compared}
    if values.get("start_time") == "00:00":
        values["start_time"] = None
    again = ADAPTER.checked(ADAPTER.with_theirs(body, values))
    said = ADAPTER.said(again)
    for name, value in values.items():
        assert comparison.same(name, value, said[name])
    if "sport" not in values:
        for name in set(compared) - set(values):
            assert said[name] == ADAPTER.said(body)[name]


@pytest.mark.parametrize("sport", ["run", "other", "note", "VirtualRide"])
def test_a_sport_that_is_read_there_is_written_back_as_it_was(sport):
    event = comparison.with_theirs(PLAIN, {"sport": sport})
    assert comparison.said(event)["sport"] == sport
    ADAPTER.checked({"athlete": "i1", "event": event})


@pytest.mark.parametrize("category", ["RACE_B", "HOLIDAY", "TARGET"])
def test_a_category_that_we_never_write_is_no_type_of_workout(category):
    event = comparison.with_theirs(PLAIN, {"sport": category.lower()})
    assert event["category"] == category
    with pytest.raises(PayloadError):
        ADAPTER.checked({"athlete": "i1", "event": event})
