"""The words for a difference: golden sentences, one for each kind of change."""

from datetime import date, timedelta

import pytest

from plans.diff import diff
from plans.words import describe, headline
from tests.plans.golden import comings, days, insides, sessions, several
from tests.plans.golden.weeks import LATER, intervals, many
from tests.plans.making import MON, SUN, THU, TUE, WED, repeat, rest, session, warm_up, work

CASES = [case for part in (days, sessions, comings, insides, several) for case in part.CASES]


@pytest.mark.parametrize(
    ("before", "after", "words"), [pytest.param(*case[1:], id=case[0]) for case in CASES]
)
def test_a_change_is_told_as_a_coach_would_tell_it(before, after, words):
    assert describe(diff(before, after), today=MON) == words


def test_every_kind_of_change_has_a_name_of_its_own():
    assert len({case[0] for case in CASES}) == len(CASES) >= 45


def test_a_difference_of_nothing_has_no_sentences():
    calendar = [session(1, TUE, "Easy run")]
    assert describe(diff(calendar, calendar)) == []
    assert headline(diff(calendar, calendar)) == "Nothing changed"


def test_the_headline_of_one_change_is_its_sentence():
    difference = diff([intervals(repeat(5))], [intervals(repeat(4), day=WED)])
    assert headline(difference) == "Tuesday's intervals moved to Wednesday; 5 repeats became 4"


def test_the_headline_of_many_changes_counts_them():
    before = [session(1, TUE, "Easy run"), session(2, THU, "Hills"), session(3, SUN, "Ride")]
    after = [session(1, WED, "Easy run"), session(3, SUN, "Ride", minutes=90), *many(2, MON)]
    assert headline(diff(before, after)) == "2 sessions added, 1 removed, 1 moved and 1 changed"


def test_without_a_today_one_week_needs_no_dates():
    difference = diff(
        [session(1, LATER, "Easy run")], [session(1, LATER + timedelta(2), "Easy run")]
    )
    assert describe(difference) == ["Tuesday's easy run moved to Thursday"]


def test_without_a_today_days_that_are_far_apart_are_dated():
    difference = diff([session(1, TUE, "Easy run")], [session(1, LATER, "Easy run")])
    assert describe(difference) == [
        "The easy run on Tuesday 3 March moved two weeks later to Tuesday 17 March"
    ]


def test_a_day_gone_by_is_dated():
    difference = diff([session(1, MON, "Easy run")], [])
    assert describe(difference, today=TUE) == ["The easy run on Monday 2 March was removed"]


def test_another_year_is_named():
    difference = diff([], [session(1, date(2027, 1, 5), "Easy run")])
    assert describe(difference, today=MON) == ["Easy run added on Tuesday 5 January 2027"]


def test_many_small_changes_inside_a_session_are_told_as_the_new_whole():
    before = intervals(warm_up(), repeat(5), easy := rest("5 min"))
    after = intervals(warm_up("12 min"), repeat(4, work("4 min"), rest("3 min")), easy)
    assert describe(diff([before], [after]), today=MON) == [
        (
            "Tuesday's intervals: the structure is now 12 min warm-up, 4 × (4 min, 3 min rest), "
            "5 min rest"
        )
    ]


def test_a_very_long_title_is_shortened():
    title = "Do " + "very " * 60 + "much"
    (line,) = describe(diff([], [session(1, TUE, title)]), today=MON)
    assert len(line) < 100
    assert "…”" in line


def test_markup_in_a_title_stays_text():
    (line,) = describe(diff([], [session(1, TUE, "<b>Tempo</b>")]), today=MON)
    assert line == "“<b>Tempo</b>” added on Tuesday"
