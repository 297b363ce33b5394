"""A reading asks for intervals only where something changed, and never returns half a calendar."""

from datetime import date, timedelta

import pytest

from plans.model import Repeat, Sport
from sharing.source.errors import BadAnswerError, SourceRefusedError
from sharing.source.window import Known, merged, read_days
from tests.sharing.source.fake_trainingpeaks import INTERVALS

MONDAY = date(2026, 3, 2)
SUNDAY = MONDAY + timedelta(days=6)
BEN = 54321


class Days:
    """A calendar in memory that counts what it is asked for."""

    def __init__(self, *workouts, structures=None, strength=()):
        self.listing = list(workouts)
        self.structures = structures or {}
        self.pages = [list(strength)]
        self.asked = []

    def workouts(self, athlete, start, end):
        return self.listing

    def structure(self, workout):
        self.asked.append(workout)
        answer = self.structures.get(workout)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def strength_workouts(self, athlete, start, end):
        return self.pages


def workout(number, *, structured=False, **fields):
    formats = ["json"] if structured else []
    return {
        "Id": number,
        "AthleteId": BEN,
        "WorkoutDay": f"{MONDAY}T00:00:00",
        "WorkoutType": "Bike",
        "Title": "Ride",
        "TotalTimePlanned": 1.0,
        "LastModifiedDate": "2026-03-01T10:00:00.1234567",
        "WorkoutFileFormats": formats,
        **fields,
    }


def read(days, known=None):
    return read_days(days, BEN, MONDAY, SUNDAY, known or Known())


def known_from(found):
    return Known({s.item_id: s for s in found.sessions}, found.stamps)


def test_intervals_are_asked_only_of_workouts_that_have_some():
    days = Days(workout(1), workout(2, structured=True), structures={2: INTERVALS})
    found = read(days)
    assert days.asked == [2]
    plain, structured = found.sessions
    assert plain.intervals == ()
    assert isinstance(structured.intervals[0], Repeat)


def test_intervals_of_an_unchanged_workout_are_kept_without_asking():
    days = Days(workout(2, structured=True), structures={2: INTERVALS})
    first = read(days)
    second = read(days, known_from(first))
    assert days.asked == [2]
    assert second.sessions == first.sessions


def test_a_workout_that_changed_is_asked_again():
    days = Days(workout(2, structured=True), structures={2: INTERVALS})
    first = read(days)
    days.listing = [workout(2, structured=True, LastModifiedDate="2026-03-01T10:00:00.1234568")]
    read(days, known_from(first))
    assert days.asked == [2, 2]


def test_a_change_in_the_same_moment_is_seen_too():
    days = Days(workout(2, structured=True), structures={2: INTERVALS})
    first = read(days)
    days.listing = [workout(2, structured=True, Title="Other")]
    read(days, known_from(first))
    assert days.asked == [2, 2]


def test_a_workout_without_a_date_of_change_is_always_asked():
    days = Days(workout(2, structured=True, LastModifiedDate=None), structures={2: INTERVALS})
    read(days, known_from(read(days)))
    assert days.asked == [2, 2]


def test_a_scope_that_was_never_granted_costs_the_intervals_and_one_question():
    refusal = SourceRefusedError("workouts:wod")
    days = Days(
        workout(1, structured=True),
        workout(2, structured=True),
        structures={1: refusal, 2: refusal},
    )
    found = read(days)
    assert days.asked == [1]
    assert found.refused == "workouts:wod"
    assert [session.intervals for session in found.sessions] == [(), ()]


def test_a_scope_that_is_lost_does_not_take_intervals_away():
    days = Days(workout(2, structured=True), structures={2: INTERVALS})
    known = known_from(read(days))
    days.listing = [workout(2, structured=True, Title="Other")]
    days.structures[2] = SourceRefusedError("workouts:wod")
    with pytest.raises(SourceRefusedError):
        read(days, known)


def test_a_structure_that_is_not_there_is_no_intervals():
    found = read(Days(workout(2, structured=True)))
    assert found.sessions[0].intervals == ()


def test_a_malformed_workout_is_kept_with_its_field_before_anything_is_asked():
    broken = workout(2, structured=True, WorkoutDay="someday")
    days = Days(workout(1, structured=True), broken)
    with pytest.raises(BadAnswerError) as raised:
        read(days)
    assert (raised.value.contract, raised.value.field) == ("workouts", "[1].WorkoutDay")
    assert b"someday" in raised.value.body
    assert days.asked == []


def test_a_malformed_structure_is_kept_with_its_field():
    broken = [{"Type": "Step", "Length": {"Unit": "Furlong", "Value": 1}}]
    with pytest.raises(BadAnswerError) as raised:
        read(Days(workout(2, structured=True), structures={2: broken}))
    assert raised.value.contract == "structure"
    assert "Length.Unit" in raised.value.field


@pytest.mark.parametrize("listing", [[None], ["text"], [{}], [{"Id": "x"}], [[1]], [{"Id": True}]])
def test_nonsense_in_a_list_is_a_broken_contract_never_a_crash(listing):
    with pytest.raises(BadAnswerError):
        read(Days(*listing))


def test_strength_sessions_come_with_their_exercises():
    squat = {"exercise": {"title": "Squat"}, "sets": []}
    strength = {
        "Id": "77",
        "PrescribedDate": f"{MONDAY}T00:00:00",
        "Title": "Gym",
        "PrescribedDurationInSeconds": 2700,
        "Blocks": [{"Title": "Main", "BlockType": "SingleExercise", "Prescriptions": [squat]}],
    }
    found = read(Days(strength=[strength]))
    (session,) = found.sessions
    assert (session.item_id, session.sport) == ("tps-77", Sport.STRENGTH)
    assert session.duration_seconds == 2700
    assert session.strength[0].exercises[0].title == "Squat"


def test_what_an_athlete_did_without_a_plan_is_not_part_of_it():
    done = workout(3, Completed=True, TotalTimePlanned=None, TotalTime=1.2)
    assert read(Days(done)).sessions == ()


def test_a_workout_listed_twice_counts_where_it_came_last():
    moved = workout(1, WorkoutDay=f"{SUNDAY}T00:00:00")
    (session,) = read(Days(workout(1), moved)).sessions
    assert session.date == SUNDAY


def test_two_spans_are_one_calendar():
    one, other = read(Days(workout(1))), read(Days(workout(2), workout(1, Title="Later")))
    both = merged([one, other])
    assert [session.title for session in both.sessions] == ["Later", "Ride"]
    assert set(both.stamps) == {"1", "2"}
