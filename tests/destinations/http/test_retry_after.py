"""A pause that is asked for is obeyed within a day; all else is as if nothing was said (F36)."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from destinations.http import parse_retry_after

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DAY = timedelta(hours=24)


@pytest.mark.parametrize(
    ("text", "pause"),
    [
        ("0", timedelta(0)),
        ("1", timedelta(seconds=1)),
        (" 120 ", timedelta(minutes=2)),
        ("3600", timedelta(hours=1)),
        ("1000000000000", DAY),
        ("99999999999999999999", DAY),
        ("Mon, 02 Mar 2026 08:10:00 GMT", timedelta(minutes=10)),
        ("Monday, 02-Mar-26 08:10:00 GMT", timedelta(minutes=10)),
        ("Mon, 02 Mar 2026 09:10:00 +0100", timedelta(minutes=10)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", DAY),
    ],
)
def test_a_usable_pause_is_understood(text, pause):
    assert parse_retry_after(text, now=NOW) == pause


@pytest.mark.parametrize(
    "text",
    [
        None, "", " ", "-1", "+5", "1.5", "1e3", "0x10",
        "soon", "٣", "１２", "1,2", "1;2", "nan",
        "inf",
        "Mon, 02 Mar 2026 07:59:59 GMT", "Mon, 99 Mar 2026 08:10:00 GMT", "Mon, 02 Mar",
        "Mon, 02 Mar 2026 08:10:00 +9999999", "9" * 21, "\x00", "1\r\n2",
        "Mon, 02 Mar 99999 1:1:1 GMT",
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_ignored(text):
    assert parse_retry_after(text, now=NOW) is None


@given(st.text(max_size=80))
def test_no_text_breaks_it_and_no_pause_is_negative_or_longer_than_a_day(text):
    pause = parse_retry_after(text, now=NOW)
    assert pause is None or timedelta(0) <= pause <= DAY


@given(st.integers(0, 10**19))
def test_seconds_are_obeyed_up_to_a_day(seconds):
    assert parse_retry_after(str(seconds), now=NOW) == min(
        timedelta(seconds=min(seconds, 10**6)), DAY
    )


@given(st.integers(-(10**9), 5 * 10**9))
def test_a_date_says_the_same_as_the_seconds_until_then(seconds):
    moment = NOW + timedelta(seconds=seconds)
    pause = parse_retry_after(format_datetime(moment, usegmt=True), now=NOW)
    assert pause == (None if moment < NOW else min(moment - NOW, DAY))
