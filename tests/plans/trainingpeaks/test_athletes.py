"""Athletes on the roster: only what may be kept, and nothing assumed."""

from dataclasses import fields

import pytest

from plans.errors import ContractError
from plans.trainingpeaks import RosterAthlete, parse_athlete, parse_roster
from tests.plans.trainingpeaks.wire_examples import ATHLETE


def test_an_athlete_is_read():
    assert parse_athlete(ATHLETE) == RosterAthlete(
        source_id=54321,
        first_name="Ben",
        last_name="Runner",
        email="ben@example.com",
        time_zone="Europe/Berlin",
        is_premium=True,
        coached_by=111,
    )
    assert parse_athlete(ATHLETE).name == "Ben Runner"


def test_weight_sex_and_birth_are_not_kept():
    assert {field.name for field in fields(RosterAthlete)} == {
        "source_id", "first_name", "last_name", "email", "time_zone", "is_premium", "coached_by",
    }  # fmt: skip


@pytest.mark.parametrize("missing", [{}, {"TimeZone": None}, {"TimeZone": " "}])
def test_a_missing_time_zone_is_not_utc(missing):
    assert parse_athlete({"Id": 1} | missing).time_zone is None


@pytest.mark.parametrize("zone", ["Mountain Standard Time", "../etc/passwd", "Europe", "x\x00y"])
def test_a_time_zone_nobody_knows_is_noted(zone):
    notes = []
    assert parse_athlete(ATHLETE | {"TimeZone": zone}, notes=notes).time_zone is None
    assert [note.code for note in notes] == ["time_zone_unknown"]


@pytest.mark.parametrize("value", [None, False])
def test_who_is_not_said_to_be_premium_is_basic(value):
    assert not parse_athlete(ATHLETE | {"IsPremium": value}).is_premium


def test_an_athlete_of_another_coach_stays_on_the_roster():
    roster = parse_roster([ATHLETE, ATHLETE | {"Id": "2", "CoachedBy": "999"}])
    assert [(one.source_id, one.coached_by) for one in roster] == [(54321, 111), (2, 999)]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"Message": "no"}, "the document: expected a list of athletes, got an object"),
        ([ATHLETE, {"FirstName": "Dan"}], "[1].Id: is missing; expected a whole number or a text"),
        (
            [ATHLETE | {"IsPremium": "yes"}],
            '[0].IsPremium: expected true or false or null, got the text "yes"',
        ),
    ],
)
def test_a_malformed_roster_is_refused_by_the_name_of_its_field(raw, words):
    with pytest.raises(ContractError) as caught:
        parse_roster(raw)
    assert str(caught.value) == words
