"""What destinations answer: sizes, pauses, odd successes, and every status code (F34, F36, F42)."""

import gzip
import tracemalloc
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from accounts.models import Athlete
from destinations.models import Destination
from sharing import claims, clock, turns
from sharing.models import Plan, Step
from tests.faults.edges import faults
from tests.faults.edges.receivers import answer

FLAT = 4 * 1024 * 1024  # bytes at the most, whatever is offered
PIECE = b"x" * 65536


@contextmanager
def flat_memory():
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < FLAT


BOMB = gzip.compress(b"0" * 20_000_000)
LARGE = {
    "100 MB": faults.Pours(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", PIECE),
    "endless": faults.Pours(b"HTTP/1.1 200 OK\r\n\r\n", PIECE),
    "endless chunks": faults.Pours(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + PIECE + b"\r\n"
    ),
    "gzip bomb": faults.raw(
        answer(200, BOMB, "Content-Encoding: gzip\r\nContent-Type: application/json\r\n")
    ),
}
ENDLESS_LINES = {
    "one line of a chunk": faults.Pours(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0" * 65536
    ),
    "trailers": faults.Pours(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"x: y\r\n" * 1_000
    ),
    "headers": faults.Pours(b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"y" * 60_000 + b"\r\n"),
    "status": faults.Pours(b"HTTP/1.1 200 ", b"O" * 65536),
    "interim": faults.Pours(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000),
}


class TestF34:
    @pytest.mark.parametrize("fault", LARGE.values(), ids=LARGE)
    def test_F34_a_body_that_is_too_large_is_not_read_to_its_end(self, fault, keyed):
        def taken(exchange):
            exchange.apply()
            fault(exchange)

        keyed.receiver.will(taken)
        with flat_memory():
            attempt = keyed.send()
        assert attempt.outcome == "success"  # for a webhook the status says all
        assert len(Step.objects.get(attempt=attempt).excerpt) <= 2048
        keyed.check()

    @pytest.mark.parametrize("fault", ENDLESS_LINES.values(), ids=ENDLESS_LINES)
    def test_F34_lines_without_an_end_cost_no_memory_and_say_nothing(self, fault, keyed):
        keyed.receiver.will(fault)
        with flat_memory():
            attempt = keyed.send()
        assert (attempt.outcome, attempt.error_code) == ("unknown", "no_answer")
        keyed.check()

    def test_F34_an_answer_that_must_be_read_and_has_no_end_is_unknown(self, open_road):
        road = open_road("upsert")
        road.receiver.will(LARGE["endless"])
        attempt = road.send()
        assert (attempt.outcome, attempt.error_code) == ("unknown", "unreadable_answer")
        road.check()


NOTHING, SECOND = timedelta(0), timedelta(seconds=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PAUSES = {  # what Retry-After and Date say → the pause that follows; a timedelta is a date from now
    "zero": ("0", None, NOTHING),
    "one second": ("1", None, SECOND),
    "an hour": ("3600", None, HOUR),
    "a date": (HOUR, None, HOUR),
    "a date by their clock": (5 * HOUR, 4 * HOUR, HOUR),
    "a past date by their clock": (5 * HOUR, 6 * HOUR, NOTHING),
    "a past date": (-HOUR, None, NOTHING),
    "negative": ("-1", None, NOTHING),
    "soon": ("soon", None, NOTHING),
    "far too long": ("1000000000000", None, DAY),
}
FIRST_WAIT = 7.5 * SECOND  # five seconds of the schedule and half as much again
SLACK = 10 * SECOND


def header(name, value):
    if value is None:
        return ""
    if isinstance(value, timedelta):
        value = format_datetime(datetime.now(UTC) + value, usegmt=True)
    return f"{name}: {value}\r\n"


class TestF36:
    @pytest.mark.parametrize(("asked", "date", "pause"), PAUSES.values(), ids=PAUSES)
    def test_F36_a_pause_that_is_asked_for_is_obeyed_ignored_or_capped(
        self, asked, date, pause, keyed
    ):
        headers = header("Retry-After", asked) + header("Date", date)
        keyed.receiver.will(faults.gives(429, b"", headers))
        before = clock.now()
        attempt = keyed.send()
        wait = keyed.newest.due_at - before
        assert attempt.error_code == "throttled"
        assert pause - SLACK <= wait <= max(pause * 1.1, FIRST_WAIT) + SLACK
        held = turns.take(keyed.destination)
        assert pause - SLACK <= held <= pause
        keyed.check()

    def test_F36_the_other_lanes_of_the_destination_wait_as_well(self, keyed):
        keyed.receiver.will(faults.gives(429, b"", "Retry-After: 3600\r\n"))
        keyed.send()
        cara = Athlete.objects.create(
            organisation=keyed.world.organisation, name="Cara", source_id=2
        )
        her = replace(keyed.world, ben=cara, plan=Plan.objects.create(athlete=cara, name="Hers"))
        her.agree()
        her.publish()
        assert claims.due_lanes(clock.now()).exists()
        assert not keyed.due()
        assert len(keyed.receiver.requests) == 1

    def test_F36_503_is_obeyed_too(self, keyed):
        keyed.receiver.will(faults.gives(503, b"", "Retry-After: 3600\r\n"))
        before = clock.now()
        keyed.send()
        assert keyed.newest.due_at - before >= HOUR


class TestF42:
    @pytest.mark.parametrize("status", [200, 202, 204])
    def test_F42_a_webhook_is_done_when_the_status_says_so(self, status, keyed):
        def taken(exchange):
            exchange.apply()
            body = b"" if status == 204 else {"error": "not today"}
            exchange.send(answer(status, body))

        keyed.receiver.will(taken)
        assert keyed.send().outcome == "success"
        assert len(keyed.receiver.requests) == 1
        keyed.check()

    @pytest.mark.parametrize(
        ("status", "body"),
        [(200, {"error": "not today"}), (200, []), (204, b""), (202, b"later"), (200, [1, "two"])],
        ids=["an error", "nobody", "204", "202", "no events"],
    )
    def test_F42_a_calendar_is_believed_only_when_it_names_our_event(self, status, body, open_road):
        road = open_road("upsert")
        road.receiver.will(faults.gives(status, body))
        assert road.send().outcome == "unknown"
        assert road.held()
        road.world.make_due()
        assert road.held() is False
        looked = road.receiver.requests[1]
        assert looked.method == "GET"  # it reads back before it writes again
        road.check()


WAITS = (Destination.State.ACTIVE, "waiting")
STOPS = (Destination.State.PAUSED, "waiting")
ENDS = (Destination.State.DISABLED, "waiting")
LATER, UNKNOWN, THROTTLED = "transient", "unknown", "throttled"
BY_STATUS = {
    # what intervals.icu answers → outcome, code, and how destination and delivery stand then
    301: (LATER, "redirected", WAITS),
    400: ("payload", "refused", WAITS),
    401: ("permanent", "unauthorized", STOPS),
    402: ("payload", "refused", WAITS),
    403: ("permanent", "scope_missing", STOPS),
    404: (LATER, "missing", WAITS),
    405: ("payload", "refused", WAITS),
    406: ("payload", "refused", WAITS),
    408: (LATER, "unavailable", WAITS),
    409: (LATER, "conflict", WAITS),
    410: ("gone", "gone", ENDS),
    412: (LATER, "conflict", WAITS),
    413: ("payload", "refused", WAITS),
    415: ("payload", "refused", WAITS),
    418: ("payload", "refused", WAITS),
    422: ("payload", "refused", WAITS),
    425: (LATER, "unavailable", WAITS),
    429: (LATER, "throttled", WAITS),
    451: ("payload", "refused", WAITS),
    500: (UNKNOWN, "server_error", WAITS),
    501: (UNKNOWN, "server_error", WAITS),
    502: (UNKNOWN, "server_error", WAITS),
    503: (LATER, "unavailable", WAITS),
    504: (UNKNOWN, "server_error", WAITS),
    599: (UNKNOWN, "server_error", WAITS),
}
# A webhook's receiver may be in the middle of a deploy: its refusals are tried again.
TRIED_AGAIN = {401, 403, *(status for status, row in BY_STATUS.items() if row[0] == "payload")}
WEBHOOK = BY_STATUS | {
    status: (LATER, "unauthorized" if status in {401, 403} else "refused", WAITS)
    for status in TRIED_AGAIN
}


def stand(road):
    return road.destination.state, road.newest.state


def test_S68_every_status_of_a_calendar_has_one_tested_behaviour(open_road):
    road = open_road("upsert")
    found = dict(answered(road, BY_STATUS))
    assert found == BY_STATUS
    road.check()


def test_S68_every_status_of_a_webhook_has_one_tested_behaviour(open_road):
    road = open_road("keyed")
    found = dict(answered(road, WEBHOOK))
    assert found == WEBHOOK
    road.check()


def answered(road, statuses):
    """One version after another meets one status after another; a person repairs what stopped."""
    for status in statuses:
        road.receiver.will(faults.gives(status, b"no"))
        attempt = road.send()
        yield status, (attempt.outcome, attempt.error_code, stand(road))
        road.receiver.faults.clear()
        Destination.objects.update(state=Destination.State.ACTIVE)
        road.drain()
        road.publish(road.newest.version.version + 1)
