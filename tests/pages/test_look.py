"""How things are shown: times, lengths, states and the picture of a session."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from insight.templatetags import look
from insight.templatetags.session_chart import outline, session_chart
from plans.model import Interval, Length, Repeat, Session, Target
from sharing.models import Delivery, Lane

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3600, "1 h"), (5400, "1 h 30 min"), (2700, "45 min"), (0, "0 min"), (None, "—")],
)
def test_training_time_reads_as_people_write_it(seconds, words):
    assert look.hours(seconds) == words


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(milliseconds=41), "41 ms"),
        (timedelta(seconds=5.24), "5.2 s"),
        (timedelta(minutes=90), "1 h 30 min"),
        (None, "—"),
    ],
)
def test_a_duration_is_as_fine_as_it_matters(passed, words):
    assert look.took(passed) == words


@time_machine.travel(NOON, tick=False)
@pytest.mark.parametrize(
    ("before", "words"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=5), "5 hours ago"),
        (timedelta(days=9), "23 Feb 2026"),
        (-timedelta(hours=2), "in 2 hours"),
    ],
)
def test_a_moment_is_relative_and_carries_its_exact_time(before, words):
    shown = look.when(NOON - before)
    assert words in shown
    assert (NOON - before).isoformat(timespec="milliseconds") in shown


@pytest.mark.parametrize("state", [*Delivery.State.values, *Lane.State.values])
def test_every_state_has_a_word_and_a_shape(state):
    known = look.LOOKS[state]
    assert known.word
    assert known.icon


def test_no_two_delivery_states_share_a_shape():
    shapes = [look.LOOKS[state].icon for state in Delivery.State.values]
    assert len(set(shapes)) == len(shapes)


def interval(seconds, percent=None, intensity="active"):
    target = Target(unit="percent_ftp", value=percent) if percent else None
    return Interval(intensity=intensity, length=Length(unit="second", value=seconds), target=target)


def session(*intervals):
    return Session(item_id="tp-1", sport="bike", date=NOON.date(), intervals=intervals)


def test_the_picture_of_a_session_writes_repeats_out():
    part = Repeat(count=5, steps=(interval(240, 110), interval(120, 50, "rest")))
    assert session_chart(session(interval(600, 55, "warmup"), part)).count("<rect") == 11


def test_the_picture_says_in_words_what_it_shows():
    part = Repeat(count=4, steps=(interval(180),))
    assert outline((part,)) == "4 × (3 min active)"
    assert 'aria-label="4 × (3 min active)"' in session_chart(session(part))


def test_a_session_without_intervals_has_no_picture():
    assert session_chart(session()) == ""
