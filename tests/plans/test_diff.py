"""Differences between two lists of sessions."""

import pytest

from plans.diff import PlanDiff, apply, diff, is_urgent
from tests.plans.making import MON, TUE, WED, repeat, session


def test_added_removed_and_changed_are_told_apart():
    stays, goes, moves = session(1, MON), session(2, TUE), session(3, TUE)
    moved, comes = session(3, WED), session(4, WED)
    found = diff([stays, goes, moves], [stays, moved, comes])
    assert found.added == (comes,)
    assert found.removed == (goes,)
    assert [(change.before, change.after) for change in found.changed] == [(moves, moved)]
    assert found.changed[0].moved
    assert found.changed[0].fields == ("date",)


def test_a_difference_fits_only_what_it_was_made_from():
    found = diff([session(1, MON)], [session(1, TUE)])
    with pytest.raises(ValueError, match="not as expected"):
        apply(found, [session(1, WED)])
    with pytest.raises(ValueError, match="there already"):
        apply(PlanDiff(added=(session(1, MON),)), [session(1, MON)])


def test_the_same_session_twice_is_refused():
    with pytest.raises(ValueError, match="twice"):
        diff([session(1, MON), session(1, TUE)], [])


@pytest.mark.parametrize(
    "change",
    [
        {"date": WED},
        {"start_time": "07:00"},
        {"duration_seconds": 60},
        {"sport": "swim"},
    ],
)
def test_what_an_athlete_must_know_in_time_is_urgent(change):
    before = session(1, TUE)
    after = type(before)(**(before.model_dump() | change))
    assert is_urgent(diff([before], [after]))


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Hills"},
        {"description": "Flat."},
        {"coach_notes": "Mind the knee."},
        {"load": 50},
        {"intervals": [repeat(4)]},
        {"completed": True},
    ],
)
def test_what_can_wait_is_not_urgent(change):
    before = session(1, TUE)
    after = type(before)(**(before.model_dump() | change))
    assert diff([before], [after])
    assert not is_urgent(diff([before], [after]))


def test_coming_and_going_is_urgent():
    assert is_urgent(diff([], [session(1, TUE)]))
    assert is_urgent(diff([session(1, TUE)], []))
