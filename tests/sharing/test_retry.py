"""The retry schedule: how long, how often, and what the destination may ask for."""

from datetime import timedelta

import pytest

from sharing import retry


def test_fourteen_tries_span_about_three_days():
    assert len(retry.SCHEDULE) == 14
    assert timedelta(hours=75) < sum(retry.SCHEDULE, timedelta()) < timedelta(hours=76)


@pytest.mark.parametrize("tries", range(1, 14))
def test_jitter_stays_within_half_of_the_delay_and_differs(tries):
    waits = {retry.delay(tries) for _ in range(20)}
    assert len(waits) > 1
    planned = retry.SCHEDULE[tries]
    assert all(planned * 0.5 <= wait <= planned * 1.5 for wait in waits)


def test_the_schedule_ends():
    assert retry.delay(13) is not None
    assert retry.delay(14) is None


def test_a_longer_pause_asked_for_is_obeyed():
    assert retry.delay(1, timedelta(hours=1)) >= timedelta(hours=1)


def test_a_shorter_pause_asked_for_does_not_shorten_ours():
    assert retry.delay(6, timedelta(seconds=1)) >= timedelta(minutes=30)


def test_a_pause_of_centuries_is_capped_at_a_day():
    assert retry.delay(1, timedelta(days=10_000)) <= timedelta(hours=26, minutes=24)


def test_a_refused_payload_is_tried_three_times_over_ten_minutes():
    waits = [retry.payload_delay(tries) for tries in (1, 2, 3)]
    assert waits[2] is None
    assert waits[0] + waits[1] >= timedelta(minutes=10)
