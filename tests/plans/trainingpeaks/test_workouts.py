"""Workouts as TrainingPeaks sends them, with every oddity that is known."""

import json
from datetime import date, time

import pytest

from plans.errors import ContractError
from plans.model import Session, Sport
from plans.trainingpeaks import has_structure, is_planned, parse_workout, parse_workouts
from tests.plans.trainingpeaks.wire_examples import STRUCTURE, WORKOUT


def without(*names):
    return {name: value for name, value in WORKOUT.items() if name not in names}


def with_(**members):
    return WORKOUT | members


def complaint(raw):
    with pytest.raises(ContractError) as caught:
        parse_workouts(raw)
    return str(caught.value)


def test_a_workout_becomes_a_session():
    parsed = parse_workout(WORKOUT)
    assert parsed == Session(
        item_id="tp-5123456789012",
        sport="bike",
        date=date(2026, 3, 3),
        start_time=time(6, 30),
        title="VO2max Intervals",
        duration_seconds=2700,
        distance_meters=20000.0,
        load=62.1,
        intensity_factor=0.85,
        description="Warm up well.",
        coach_notes="Mind the knee.",
        url="https://app.trainingpeaks.example/5123456789012",
    )


def test_a_structure_becomes_its_intervals():
    assert len(parse_workout(WORKOUT, STRUCTURE).intervals) == 3


def test_an_id_and_a_day_are_enough():
    parsed = parse_workout({"Id": 1, "WorkoutDay": "2026-03-03T00:00:00"})
    assert parsed == Session(item_id="tp-1", sport="other", date=date(2026, 3, 3))


@pytest.mark.parametrize("name", sorted(set(WORKOUT) - {"Id", "WorkoutDay"}))
def test_any_other_key_may_be_missing_or_null(name):
    assert parse_workout(without(name)) == parse_workout(with_(**{name: None}))


@pytest.mark.parametrize("name", ["TssPlanned", "TSSPlanned", "tssplanned", "tssPlanned"])
def test_the_casing_of_planned_load_does_not_matter(name):
    assert parse_workout(without("TssPlanned") | {name: 50}).load == 50


def test_of_two_casings_the_one_that_says_something_wins():
    assert parse_workout({"TSSPlanned": None} | with_(TssPlanned=50)).load == 50
    assert parse_workout(with_(TssPlanned=None) | {"TSSPlanned": 50}).load == 50


@pytest.mark.parametrize("value", [2**63 - 1, str(2**63 - 1), 5_123_456_789_012, "17"])
def test_ids_have_64_bits_and_may_be_digits(value):
    assert parse_workout(with_(Id=value)).item_id == f"tp-{value}"


@pytest.mark.parametrize("value", [0, -1, 2**63, "12a", "", 1.5, True, "١٢"])
def test_what_is_not_an_id_is_refused(value):
    assert complaint([with_(Id=value)]).startswith("[0].Id: expected a")


@pytest.mark.parametrize(
    "day",
    ["2026-03-03", "2026-03-03T00:00:00", "2026-03-03T23:59:59.1234567", "2026-03-03T00:00:00Z",
     "2026-03-03T00:00:00.0000000+13:00", "2026-03-03 00:00:00"],
)  # fmt: skip
def test_a_day_is_the_day_that_is_written_whatever_its_zone(day):
    assert parse_workout(with_(WorkoutDay=day)).date == date(2026, 3, 3)


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        ("2026-03-03T06:30:00.1234567", time(6, 30)),
        ("2026-03-03T06:30:00", time(6, 30)),
        ("2026-03-04T18:15:30Z", time(18, 15, 30)),
        ("06:30:00", time(6, 30)),
        ("", None),
        (None, None),
        ("0001-01-01T00:00:00", None),
    ],
)
def test_a_start_time_is_the_time_on_the_athletes_wall(wire, expected):
    assert parse_workout(with_(StartTimePlanned=wire)).start_time == expected


@pytest.mark.parametrize(
    ("hours", "seconds"),
    [(0.75, 2700), (0.53527, 1927), (0.1 + 0.2, 1080), (1, 3600), (0, None), (None, None),
     (99.99972222, 359999)],
)  # fmt: skip
def test_decimal_hours_become_seconds_rounded_once(hours, seconds):
    assert parse_workout(with_(TotalTimePlanned=hours)).duration_seconds == seconds


@pytest.mark.parametrize(
    ("wire", "sport"),
    [("Swim", Sport.SWIM), ("Bike", Sport.BIKE), ("run", Sport.RUN), ("Walk", Sport.WALK),
     ("MTB", Sport.MTB), ("XC-Ski", Sport.XC_SKI), ("Rowing", Sport.ROWING),
     ("Brick", Sport.BRICK), ("X-Train", Sport.CROSS_TRAINING), ("Race", Sport.RACE),
     ("Day Off", Sport.REST), ("DayOff", Sport.REST), ("Strength", Sport.STRENGTH),
     ("Custom", Sport.CUSTOM), ("Other", Sport.OTHER)],
)  # fmt: skip
def test_every_kind_of_workout_has_its_sport(wire, sport):
    assert parse_workout(with_(WorkoutType=wire)).sport is sport


@pytest.mark.parametrize("wire", ["Underwater hockey", None, 42, ["Bike"]])
def test_an_unknown_kind_of_workout_is_other_and_is_noted(wire):
    notes = []
    assert parse_workout(with_(WorkoutType=wire), notes=notes).sport is Sport.OTHER
    assert [(note.path, note.code) for note in notes] == [("WorkoutType", "sport_unknown")]


def test_a_basic_athletes_nulls_are_no_figures():
    basic = with_(TssPlanned=None, IFPlanned=None, CaloriesPlanned=None, Tags=None)
    parsed = parse_workout(basic)
    assert (parsed.load, parsed.intensity_factor) == (None, None)
    assert parsed.duration_seconds == 2700


def test_text_is_cleaned_and_empty_text_is_none():
    parsed = parse_workout(with_(Title=" Te\u0301st\x00 ", Description=" \r\n", WorkoutType="Run"))
    assert (parsed.title, parsed.description) == ("Tést", None)


def test_text_that_is_too_long_is_noted():
    notes = []
    parse_workouts([with_(Description="x" * 20_001)], notes=notes)
    assert [(note.path, note.code) for note in notes] == [("[0].Description", "text_shortened")]


def test_a_link_that_is_none_is_left_out_and_noted():
    notes = []
    assert parse_workout(with_(Url="javascript:alert(1)"), notes=notes).url is None
    assert [note.code for note in notes] == ["address_dropped"]


def test_what_was_really_done_is_never_read():
    done = with_(Completed=True, TotalTime=9.0, Distance=99999, StartTime="2026-03-03T05:00:00")
    parsed = parse_workout(done)
    assert parsed.completed
    assert (parsed.duration_seconds, parsed.start_time) == (2700, time(6, 30))


def test_an_activity_without_a_plan_is_the_athletes_own():
    own = {"Id": 9, "WorkoutDay": "2026-03-03", "WorkoutType": "Run", "Completed": True,
           "TotalTime": 0.5, "Title": "Lunch run", "TotalTimePlanned": None}  # fmt: skip
    assert not is_planned(own)
    assert [one.item_id for one in parse_workouts([own, WORKOUT])] == ["tp-5123456789012"]


def test_a_session_to_come_is_in_the_plan_without_any_figure():
    free = {"Id": 9, "WorkoutDay": "2026-03-03", "WorkoutType": "Day Off", "Completed": False}
    assert [one.item_id for one in parse_workouts([free])] == ["tp-9"]


def test_a_session_of_the_plan_stays_in_it_when_it_is_done():
    done = {"Id": 9, "WorkoutDay": "2026-03-03", "Title": "Free run", "Completed": True}
    assert parse_workouts([done], known={"tp-9"})[0].completed


def test_structures_go_to_their_workouts():
    other = with_(Id=7)
    first, second = parse_workouts([other, WORKOUT], {5_123_456_789_012: STRUCTURE})
    assert (len(first.intervals), len(second.intervals)) == (0, 3)


def test_only_a_workout_with_formats_has_a_structure_to_ask_for():
    assert has_structure(WORKOUT)
    assert not has_structure(without("WorkoutFileFormats"))
    assert not has_structure(with_(WorkoutFileFormats=[]))


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"error": "x"}, "the document: expected a list of workouts, got an object"),
        ([WORKOUT, None], "[1]: expected an object, got null"),
        ([without("WorkoutDay")], "[0].WorkoutDay: is missing; expected a text"),
        (
            [WORKOUT, WORKOUT, WORKOUT, with_(TotalTimePlanned="45 min")],
            '[3].TotalTimePlanned: expected a number or null, got the text "45 min"',
        ),
        (
            [with_(WorkoutDay="03/02/2026")],
            (
                "[0].WorkoutDay: expected a local date like 2026-03-02T00:00:00, "
                'got the text "03/02/2026"'
            ),
        ),
        (
            [with_(WorkoutDay="2026-02-30")],
            '[0].WorkoutDay: expected a day and time that exist, got the text "2026-02-30"',
        ),
        (
            [with_(WorkoutDay="0001-01-01")],
            '[0].WorkoutDay: expected a day, got the text "0001-01-01"',
        ),
        (
            [with_(DistancePlanned=-5)],
            "[0].DistancePlanned: expected a number from 0 to 1e+09, got -5",
        ),
        (
            [with_(Completed="yes")],
            '[0].Completed: expected true or false or null, got the text "yes"',
        ),
        ([with_(Title=["x"])], "[0].Title: expected a text or null, got a list of 1"),
    ],
)
def test_a_malformed_answer_is_refused_by_the_name_of_its_field(raw, words):
    assert complaint(raw) == words


@pytest.mark.parametrize("figure", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_json_libraries_call_a_number_is_checked(figure):
    raw = json.loads(json.dumps(WORKOUT).replace("0.75", figure))
    with pytest.raises(ContractError, match="TotalTimePlanned"):
        parse_workout(raw)


def test_a_broken_structure_is_named_inside_its_workout():
    broken = [{"Type": "Step", "Length": {"Unit": "Minute", "Value": 3}}]
    with pytest.raises(ContractError) as caught:
        parse_workouts([WORKOUT], {WORKOUT["Id"]: broken})
    assert caught.value.path == "[0].Structure[0].Length.Unit"
