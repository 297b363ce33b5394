"""Exported structures: their three wrappings, their units and the trap of the percent scale."""

import json

import pytest

from plans.errors import ContractError
from plans.model import Cadence, Intensity, Interval, Length, Repeat, Target
from plans.trainingpeaks import parse_structure
from tests.plans.trainingpeaks.wire_examples import (
    COOL_DOWN,
    EFFORT,
    PAUSE,
    STRUCTURE,
    WARM_UP,
    repetition,
)

PARSED = (
    Interval(
        name="Easy",
        intensity="warmup",
        length=Length(unit="second", value=600),
        target=Target(unit="percent_ftp", value=55, minimum=50, maximum=60),
    ),
    Repeat(
        count=4,
        steps=(
            Interval(
                intensity="active",
                length=Length(unit="second", value=180),
                target=Target(unit="percent_ftp", value=105),
                cadence=Cadence(minimum=85, maximum=95),
            ),
            Interval(
                intensity="rest",
                length=Length(unit="second", value=120),
                target=Target(unit="percent_ftp", value=50),
            ),
        ),
    ),
    Interval(
        intensity="cooldown",
        length=Length(unit="meter", value=2000),
        open_ended=True,
        target=Target(unit="rpe", value=3),
    ),
)


def complaint(raw):
    with pytest.raises(ContractError) as caught:
        parse_structure(raw)
    return str(caught.value)


def step(**members):
    return [EFFORT | members]


@pytest.mark.parametrize(
    "raw",
    [
        STRUCTURE,
        {"Structure": STRUCTURE},
        {"structure": STRUCTURE},
        json.dumps(STRUCTURE),
        json.dumps({"Structure": STRUCTURE}),
        {"Structure": json.dumps(STRUCTURE)},
    ],
    ids=["list", "wrapped", "lower case", "text", "wrapped text", "text inside"],
)
def test_a_structure_is_read_however_it_is_wrapped(raw):
    assert parse_structure(raw) == PARSED


@pytest.mark.parametrize("raw", [None, "", " ", [], "[]", "null", {"Structure": None}])
def test_no_structure_is_no_intervals(raw):
    assert parse_structure(raw) == ()


def test_repetitions_inside_repetitions_stay_nested():
    (outer,) = parse_structure([repetition(3, repetition(10, EFFORT, PAUSE), PAUSE)])
    assert isinstance(outer, Repeat)
    inner = outer.steps[0]
    assert isinstance(inner, Repeat)
    assert (outer.count, inner.count, len(inner.steps)) == (3, 10, 2)


@pytest.mark.parametrize(
    ("wire", "unit"),
    [("PercentOfFtp", "percent_ftp"), ("PercentOfMaxHr", "percent_max_hr"),
     ("PercentOfThresholdHr", "percent_threshold_hr"),
     ("PercentOfThresholdSpeed", "percent_threshold_pace"), ("Rpe", "rpe"), ("RPE", "rpe")],
)  # fmt: skip
def test_the_kind_of_target_is_kept(wire, unit):
    (parsed,) = parse_structure(step(IntensityTarget={"Unit": wire, "Value": 7}))
    assert parsed.target == Target(unit=unit, value=7)


def targeted(*values, unit="PercentOfFtp"):
    return [EFFORT | {"IntensityTarget": {"Unit": unit, "Value": value}} for value in values]


def test_fractions_are_read_as_percent_and_noted():
    notes = []
    parsed = parse_structure(targeted(0.55, 1.05, 2.0), notes=notes)
    assert [one.target.value for one in parsed] == [55, 105, 200]
    assert [note.code for note in notes] == ["targets_as_fractions"]


def test_one_real_percentage_shows_that_all_are_percent():
    notes = []
    parsed = parse_structure(targeted(1.5, 2.01), notes=notes)
    assert [one.target.value for one in parsed] == [1.5, 2.01]
    assert notes == []


@pytest.mark.parametrize("effort", [2, 8])
def test_an_effort_of_one_to_ten_is_never_a_fraction(effort):
    notes = []
    rpe, fraction = parse_structure(targeted(effort, unit="Rpe") + targeted(0.9), notes=notes)
    assert (rpe.target.value, fraction.target.value) == (effort, 90)
    assert len(notes) == 1


def test_a_scale_is_found_inside_repetitions_and_ranges():
    nested = repetition(2, EFFORT | {"IntensityTarget": {"Unit": "PercentOfFtp", "MaxValue": 95}})
    first, _ = parse_structure([*targeted(1.0), nested])
    assert first.target.value == 1.0


def test_targets_of_zero_are_no_fractions():
    notes = []
    parse_structure(targeted(0), notes=notes)
    assert notes == []


def test_a_range_the_wrong_way_round_is_put_right():
    target = {"Unit": "PercentOfFtp", "MinValue": 90, "MaxValue": 80}
    (parsed,) = parse_structure(step(IntensityTarget=target))
    assert (parsed.target.minimum, parsed.target.maximum) == (80, 90)


def test_a_target_without_figures_is_no_target():
    (parsed,) = parse_structure(step(IntensityTarget={"Unit": "Rpe"}, CadenceTarget=None))
    assert (parsed.target, parsed.cadence) == (None, None)


def test_one_cadence_is_a_range_of_one():
    (parsed,) = parse_structure(step(CadenceTarget={"Unit": "RPM", "Value": 90}))
    assert parsed.cadence == Cadence(minimum=90, maximum=90, value=90)


def test_an_unknown_intensity_is_work_and_is_noted():
    notes = []
    (parsed,) = parse_structure(step(IntensityClass="Recovery2"), notes=notes)
    assert parsed.intensity is Intensity.ACTIVE
    assert [(note.path, note.code) for note in notes] == [
        ("[0].IntensityClass", "intensity_unknown")
    ]


def test_notes_and_names_are_kept_and_unknown_members_are_not():
    (parsed,) = parse_structure(step(Notes=" Stay seated.\x00 ", Colour="red"))
    assert parsed.notes == "Stay seated."


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("{", 'the document: expected a structure as JSON, got the text "{"'),
        (7, "the document: expected a list, got 7"),
        ({"Steps": []}, "the document: expected a list of intervals, got an object"),
        ([WARM_UP, 7], "[1]: expected an object, got 7"),
        ([{"Type": "Step"}], "[0].Length: is missing; expected a value"),
        (step(Type="Ramp"), '[0].Type: expected Step or Repetition, got the text "Ramp"'),
        (
            step(Length={"Unit": "Minute", "Value": 3}),
            '[0].Length.Unit: expected Second or Meter, got the text "Minute"',
        ),
        (
            step(Length={"Unit": "Second", "Value": -3}),
            "[0].Length.Value: expected a whole number, not negative, got -3",
        ),
        (
            step(IntensityTarget={"Unit": "Watts", "Value": 300}),
            '[0].IntensityTarget.Unit: expected a known kind of target, got the text "Watts"',
        ),
        (
            step(CadenceTarget={"Unit": "spm", "Value": 300}),
            '[0].CadenceTarget.Unit: expected rpm, got the text "spm"',
        ),
        (
            step(IntensityTarget={"Unit": "Rpe", "Value": "hard"}),
            '[0].IntensityTarget.Value: expected a number or null, got the text "hard"',
        ),
        ([repetition(3)], "[0].Steps: expected at least one interval, got a list of 0"),
        ([repetition(0, EFFORT)], "[0].Length.Value: expected 1 to 1000 repeats, got 0"),
        (
            [{"Type": "Repetition", "RepeatCount": 4, "Steps": [EFFORT]}],
            "[0].Length: is missing; expected a value",
        ),
        (
            [{"Type": "Repetition", "Length": {"Unit": "Second", "Value": 4}, "Steps": [EFFORT]}],
            '[0].Length.Unit: expected Repetition, got the text "Second"',
        ),
        (
            {"Structure": [COOL_DOWN, repetition(2, EFFORT, {"Type": "Step"})]},
            "Structure[1].Steps[1].Length: is missing; expected a value",
        ),
        (
            [repetition(1000, repetition(1000, EFFORT))],
            "the document: expected at most 5000 intervals, repeats included",
        ),
    ],
)
def test_a_malformed_structure_is_refused_by_the_name_of_its_field(raw, words):
    assert complaint(raw) == words


def test_a_structure_without_a_bottom_is_refused():
    deep = EFFORT
    for _ in range(300):
        deep = repetition(1, deep)
    assert "repeats at most 8 deep" in complaint([deep])
    assert "expected a structure as JSON" in complaint("[" * 100_000)
