"""A plan that exists is well formed."""

from datetime import date, datetime, time, timedelta, timezone

import pytest
from pydantic import ValidationError

from plans.model import Plan, Session, Sport, Target, in_order
from tests.plans.making import MON, TUE, WED, plan, repeat, rest, session, work


def test_sessions_stand_in_the_order_of_the_day():
    late = session(1, TUE, at="18:00")
    untimed = session(2, TUE)
    early = session(3, TUE, at="06:00")
    first = session(4, MON)
    assert in_order([late, untimed, early, first]) == (first, early, late, untimed)


def test_the_total_is_the_sum_of_the_sessions():
    assert plan(session(1, TUE, minutes=60), session(2, WED)).total_duration == 3600
    document = plan(session(1, TUE, minutes=60)).document() | {"totalDuration": 1}
    with pytest.raises(ValidationError, match="not the sum"):
        Plan.model_validate(document)


def test_a_session_is_in_a_plan_once():
    with pytest.raises(ValidationError, match="twice"):
        plan(session(1, TUE), session(1, WED))


def test_a_plan_does_not_end_before_it_starts():
    with pytest.raises(ValidationError, match="ends before"):
        plan(end_date=date(2026, 1, 1))


def test_a_moment_is_kept_in_utc():
    berlin = timezone(timedelta(hours=1))
    made = plan(published_at=datetime(2026, 3, 1, 13, tzinfo=berlin))
    assert made.document()["publishedAt"] == "2026-03-01T12:00:00Z"


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValidationError):
        plan(published_at="2026-03-01T13:00:00")


def test_a_local_time_with_a_zone_is_refused():
    with pytest.raises(ValidationError, match="no time zone"):
        session(1, TUE, start_time="06:00:00+01:00")


def test_numbers_are_rounded_where_they_enter():
    made = session(1, TUE, distance_meters=0.1 + 0.2, load=70.04999, intensity_factor=0.85000001)
    assert (made.distance_meters, made.load, made.intensity_factor) == (0.3, 70.0, 0.85)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_a_figure_that_cannot_be_is_refused(value):
    with pytest.raises(ValidationError):
        session(1, TUE, load=value)


def test_text_is_cleaned_where_it_enters():
    made = session(1, TUE, "Te\u0301st\x00 \ud800\r\nrun", description="a\r\nb\x07\tc\u202e")
    assert made.title == "Tést \ufffd run"
    assert made.description == "a\nb\tc"


def test_text_that_is_too_long_is_shortened_visibly():
    made = session(1, TUE, "x" * 600, description="y" * 30_000)
    assert (len(made.title), made.title[-1]) == (500, "…")
    assert len(made.description) == 20_000


def test_a_link_that_could_run_is_refused():
    for address in ("javascript:alert(1)", "https://", "https://a.example/<script>", "ftp://a.b"):
        with pytest.raises(ValidationError, match="web address"):
            session(1, TUE, url=address)


def test_a_session_without_a_title_is_called_by_its_sport():
    assert session(1, TUE, sport="bike").label == "Ride"
    assert session(1, TUE, "Easy spin", sport="bike").label == "Easy spin"


def test_unknown_members_are_refused():
    with pytest.raises(ValidationError, match="extra"):
        session(1, TUE, heart_rate=180)


def test_a_target_says_something():
    with pytest.raises(ValidationError, match="needs a value"):
        Target(unit="rpe")
    with pytest.raises(ValidationError, match="above the maximum"):
        Target(unit="rpe", minimum=5, maximum=4)


def test_repeats_that_would_never_end_are_refused():
    with pytest.raises(ValidationError, match="intervals in one session"):
        session(1, TUE, intervals=[repeat(1000, repeat(1000, work(), rest()))])


def test_repeats_too_deep_to_follow_are_refused():
    deep = work()
    for _ in range(9):
        deep = repeat(1, deep)
    with pytest.raises(ValidationError, match="deep"):
        session(1, TUE, intervals=[deep])


def test_published_names_are_in_camel_case_and_ours_are_not():
    written = session(1, TUE, at="06:30", km=1).model_dump(mode="json", by_alias=True)
    assert written["itemId"] == "tp-1"
    assert written["startTime"] == "06:30:00"
    assert Session(**written) == Session(
        item_id="tp-1", sport=Sport.RUN, date=TUE, start_time=time(6, 30), distance_meters=1000
    )
