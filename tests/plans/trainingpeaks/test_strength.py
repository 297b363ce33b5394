"""Strength workouts: the only true exercise lists, with texts for figures."""

from datetime import date, time

import pytest

from plans.errors import ContractError
from plans.model import Session, SetParameter, StrengthBlock, StrengthExercise, StrengthSet
from plans.trainingpeaks import parse_strength, parse_strength_workouts
from tests.plans.trainingpeaks.wire_examples import STRENGTH


def test_a_strength_workout_becomes_a_session():
    assert parse_strength(STRENGTH) == Session(
        item_id="tps-987654",
        sport="strength",
        date=date(2026, 3, 4),
        start_time=time(18, 0),
        title="Gym A",
        duration_seconds=2700,
        description="Rest two minutes.",
        strength=(
            StrengthBlock(
                title="Legs",
                block_type="SingleExercise",
                exercises=(
                    StrengthExercise(
                        title="Lunge",
                        video_url="https://video.example/lunge",
                        instructions="Slowly.",
                        sets=(
                            StrengthSet(
                                parameters=(
                                    SetParameter(name="RepsPerSide", value="10"),
                                    SetParameter(name="WeightLb", value="25"),
                                )
                            ),
                        ),
                    ),
                ),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("wire", "seconds"),
    [(2700, 2700), ("2700", 2700), (2700.4, 2700), (0, None), (None, None), ("", None)],
)
def test_a_duration_is_in_seconds_already(wire, seconds):
    parsed = parse_strength(STRENGTH | {"PrescribedDurationInSeconds": wire})
    assert parsed.duration_seconds == seconds


@pytest.mark.parametrize("number", [987654, "987654", "b7a1-22", 2**62])
def test_an_id_is_kept_as_it_is_written(number):
    assert parse_strength(STRENGTH | {"Id": number}).item_id == f"tps-{number}"


def test_what_is_missing_is_left_out():
    bare = parse_strength({"Id": 1, "PrescribedDate": "2026-03-04T00:00:00.0000000"})
    assert bare == Session(item_id="tps-1", sport="strength", date=date(2026, 3, 4))


def test_names_are_read_in_any_casing():
    raw = {
        "id": 1,
        "prescribedDate": "2026-03-04",
        "blocks": [{"prescriptions": [{"Exercise": {"Title": "Plank"}, "Sets": None}]}],
    }
    assert parse_strength(raw).strength[0].exercises[0].title == "Plank"


def test_figures_may_come_as_numbers():
    sets = [{"parameterValues": [{"parameter": "Reps", "prescribedValue": 8}]}]
    raw = STRENGTH | {"Blocks": [{"Prescriptions": [{"exercise": {}, "sets": sets}]}]}
    (one,) = parse_strength(raw).strength[0].exercises[0].sets
    assert one.parameters == (SetParameter(name="Reps", value="8"),)


@pytest.mark.parametrize("wrap", [lambda page: page, lambda page: {"StrengthWorkouts": page}])
def test_a_page_is_a_list_or_holds_one(wrap):
    assert [one.item_id for one in parse_strength_workouts(wrap([STRENGTH]))] == ["tps-987654"]


def test_what_the_athlete_did_alone_is_left_out():
    own = {"Id": 3, "PrescribedDate": None, "CompletedDateTime": "2026-03-04T10:00:00",
           "IsComplete": True}  # fmt: skip
    assert parse_strength_workouts([own]) == ()


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"error": "x"}, "the document: expected a list of strength workouts, got an object"),
        ([STRENGTH | {"PrescribedDate": None}], "[0].PrescribedDate: expected a text, got null"),
        ([{"Id": 1}], "[0].PrescribedDate: is missing; expected a text"),
        ([STRENGTH | {"Id": "../1"}], '[0].Id: expected an id, got the text "../1"'),
        (
            [STRENGTH | {"PrescribedDurationInSeconds": "long"}],
            '[0].PrescribedDurationInSeconds: expected a number of seconds, got the text "long"',
        ),
        (
            [STRENGTH | {"Blocks": [{"Prescriptions": [{}]}]}],
            "[0].Blocks[0].Prescriptions[0].exercise: is missing; expected a value",
        ),
    ],
)
def test_a_malformed_answer_is_refused_by_the_name_of_its_field(raw, words):
    with pytest.raises(ContractError) as caught:
        parse_strength_workouts(raw)
    assert str(caught.value) == words
