"""Which days a plan covers, and what only time has changed."""

from datetime import date, timedelta

import pytest

from plans.diff import diff
from plans.window import (
    carry_over,
    keep_hidden_figures,
    rolling_window,
    slices,
)
from tests.plans.making import MON, SUN, TUE, changed_since, session

NEXT_MONDAY = MON + timedelta(weeks=1)


@pytest.mark.parametrize("today", [MON, TUE, SUN])
def test_a_rolling_window_starts_on_this_weeks_monday(today):
    assert rolling_window(today, 6) == (MON, date(2026, 4, 12))


def test_six_weeks_fit_in_one_slice():
    assert list(slices(*rolling_window(MON, 6))) == [(MON, date(2026, 4, 12))]


def test_a_longer_window_is_read_in_pieces_without_gaps():
    assert list(slices(MON, MON + timedelta(days=42))) == [
        (MON, date(2026, 4, 12)),
        (date(2026, 4, 13), date(2026, 4, 13)),
    ]


def test_an_empty_window_has_no_slices():
    assert list(slices(TUE, MON)) == []


def test_a_session_left_behind_is_no_change():
    old, current = session(1, TUE), session(2, NEXT_MONDAY)
    assert not changed_since([old, current], [current], NEXT_MONDAY)


def test_a_session_that_enters_at_the_front_is_a_change():
    current, entering = session(2, NEXT_MONDAY), session(3, NEXT_MONDAY + timedelta(days=41))
    assert changed_since([current], [current, entering], NEXT_MONDAY)


def test_a_session_deleted_inside_the_window_is_a_change():
    assert changed_since([session(2, NEXT_MONDAY)], [], NEXT_MONDAY)


def test_a_session_from_before_the_window_that_is_back_has_moved():
    before, after = [session(1, TUE)], [session(1, NEXT_MONDAY)]
    assert changed_since(before, after, NEXT_MONDAY)
    found = diff(carry_over(before, after, NEXT_MONDAY), after)
    assert not found.added
    assert found.changed[0].moved


def test_a_figure_hidden_from_a_basic_athlete_is_not_taken_away():
    before = [session(1, TUE, minutes=60, load=50, intensity_factor=0.7)]
    after = keep_hidden_figures(before, [session(1, TUE, minutes=60)])
    assert not diff(before, after)


def test_a_hidden_figure_goes_with_the_training_it_was_for():
    before = [session(1, TUE, minutes=60, load=50)]
    after = keep_hidden_figures(before, [session(1, TUE, minutes=90), session(2, TUE)])
    assert [one.load for one in after] == [None, None]
