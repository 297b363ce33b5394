"""A plan as weeks: whole ones, each session on its day, today marked."""

from datetime import UTC, date, datetime, timedelta

from plans.model import Plan, Session
from sharing.selectors.weeks import volume, weeks

WEDNESDAY = date(2026, 3, 4)


def plan(*days, start=WEDNESDAY, end=WEDNESDAY + timedelta(days=10)):
    sessions = tuple(
        Session(item_id=f"tp-{n}", sport="run", date=day, duration_seconds=3600)
        for n, day in enumerate(sorted(days))
    )
    return Plan.of(
        sessions, plan_id="p", version=1, plan_name="Plan", start_date=start, end_date=end,
        published_at=datetime(2026, 3, 1, tzinfo=UTC), time_zone=None,
    )  # fmt: skip


def test_weeks_are_whole_and_begin_on_monday():
    shown = weeks(plan(), WEDNESDAY)
    assert [week.monday for week in shown] == [date(2026, 3, 2), date(2026, 3, 9)]
    assert shown[0].days[0].outside
    assert not shown[0].days[2].outside


def test_each_session_stands_on_its_day_once():
    shown = weeks(plan(WEDNESDAY, WEDNESDAY, WEDNESDAY + timedelta(days=5)), WEDNESDAY)
    assert [len(day.sessions) for day in shown[0].days] == [0, 0, 2, 0, 0, 0, 0]
    assert [len(day.sessions) for day in shown[1].days] == [1, 0, 0, 0, 0, 0, 0]
    assert shown[0].seconds == 7200


def test_only_today_is_today():
    marked = [day.date for week in weeks(plan(), WEDNESDAY) for day in week.days if day.is_today]
    assert marked == [WEDNESDAY]


def test_the_fullest_week_is_the_tallest_and_an_empty_one_still_shows():
    first, second = volume(weeks(plan(WEDNESDAY, WEDNESDAY), WEDNESDAY))
    assert first.height > second.height > 0
    assert first.is_now
