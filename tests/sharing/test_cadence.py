"""When a change on a route is due, by the athlete's own clock."""

from datetime import UTC, datetime, time

import pytest

from sharing import cadence
from sharing.models import Route

MONDAY_NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def due(cadence_name, *, zone="Europe/Paris", now=MONDAY_NOON, urgent=False, **settings):
    route = Route(cadence=cadence_name, **({"urgent_at_once": False} | settings))
    return cadence.due_at(route, time_zone=zone, now=now, urgent=urgent)


def test_real_time_is_now():
    assert due("real_time") == MONDAY_NOON


def test_hourly_is_the_next_full_hour():
    assert due("hourly", now=datetime(2026, 3, 2, 12, 7, tzinfo=UTC)) == datetime(
        2026, 3, 2, 13, 0, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Europe/Paris", datetime(2026, 3, 3, 1, 0, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2026, 3, 3, 10, 0, tzinfo=UTC)),
        ("Pacific/Auckland", datetime(2026, 3, 2, 13, 0, tzinfo=UTC)),
        ("", datetime(2026, 3, 3, 2, 0, tzinfo=UTC)),
    ],
)
def test_nightly_is_the_athletes_own_night(zone, expected):
    assert due("nightly", zone=zone, local_time=time(2, 0)) == expected


def test_the_night_of_the_clock_change_comes_once():
    before = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
    first = due("nightly", now=before, local_time=time(2, 30))
    second = due("nightly", now=first, local_time=time(2, 30))
    assert first.date() == datetime(2026, 3, 29, tzinfo=UTC).date()
    assert (second - first).total_seconds() > 22 * 3600


def test_weekly_is_the_next_such_weekday():
    assert due("weekly", weekday=6, local_time=time(18, 0)) == datetime(
        2026, 3, 8, 17, 0, tzinfo=UTC
    )


def test_an_urgent_change_goes_at_once_where_the_route_says_so():
    assert due("nightly", urgent=True, urgent_at_once=True) == MONDAY_NOON
    assert due("nightly", urgent=True, urgent_at_once=False) > MONDAY_NOON
    assert due("nightly", urgent=False, urgent_at_once=True) > MONDAY_NOON
