"""Destinations that do not say what they did: bounded waits, and no second effect (F32 to F38)."""

import time

import pytest

from tests.faults.edges import faults
from tests.faults.edges.conftest import DEADLINE
from tests.faults.edges.receivers import answer

SLACK = 1.0  # seconds beyond the deadline that two busy cores may need


def attempt_of(road):
    """One attempt, and the seconds it took."""
    started = time.monotonic()
    attempt = road.send()
    return attempt, time.monotonic() - started


def assert_unknown(attempt):
    assert (attempt.outcome, attempt.error_code) == ("unknown", "no_answer")


def test_F32_F47_a_destination_that_accepts_and_never_answers(any_class):
    silent = faults.Silent()
    any_class.receiver.will(silent)
    attempt, seconds = attempt_of(any_class)
    silent.over.set()
    assert_unknown(attempt)
    assert DEADLINE <= seconds < DEADLINE + SLACK
    any_class.check()


@pytest.mark.parametrize(
    "text",
    [
        b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 500,
        answer(200, b"b" * 500),
        b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
    ],
    ids=["headers", "body", "interim answers"],
)
def test_F33_one_byte_at_a_time_does_not_outlast_the_deadline(keyed, text):
    drips = faults.Drips(text)
    keyed.receiver.will(drips)
    attempt, seconds = attempt_of(keyed)
    drips.over.set()
    assert_unknown(attempt)
    assert seconds < DEADLINE + SLACK
    keyed.check()


def test_F37_applied_and_closed_without_an_answer_has_one_effect(any_class):
    any_class.receiver.will(faults.applies_and_hangs_up)
    assert_unknown(any_class.send())
    assert any_class.receiver.effects == ["v1"]
    any_class.check()


def test_F37_applied_and_cut_in_the_middle_of_the_answer_has_one_effect(any_class):
    def cut(exchange):
        exchange.send(exchange.apply()[:-1])

    any_class.receiver.will(cut)
    assert_unknown(any_class.send())
    any_class.check()


def test_F37_twice_in_a_row_with_a_new_version_in_between(any_class):
    any_class.receiver.will(faults.applies_and_hangs_up)
    any_class.send()
    any_class.publish(2)
    any_class.receiver.will(faults.applies_and_hangs_up)
    any_class.drain()
    any_class.check()


def test_F38_applied_late_a_keyed_destination_gets_the_same_version_first_again(open_road):
    road = open_road("keyed")
    late = faults.Late()
    road.receiver.will(late)
    assert_unknown(road.send())
    road.publish(2)
    road.send()
    first, again = road.receiver.requests
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert first.body == again.body
    road.send()
    late.happen()
    assert road.receiver.effects == ["v1", "v2"]
    road.check()


def test_F38_applied_late_an_upsert_is_held_until_nothing_late_can_come(open_road):
    road = open_road("upsert")
    late = faults.Late()
    road.receiver.will(late)
    assert_unknown(road.send())
    road.publish(2)
    assert road.held()
    assert len(road.receiver.requests) == 1
    late.happen()
    assert road.receiver.effects == ["v1"]
    road.check()


def test_F38_applied_late_a_versioned_destination_refuses_it(open_road):
    road = open_road("versioned")
    late = faults.Late()
    road.receiver.will(late)
    assert_unknown(road.send())
    road.publish(2)
    road.send()
    late.happen()
    assert road.receiver.refused == 1
    assert road.receiver.effects == ["v2"]
    road.check()
