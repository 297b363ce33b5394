"""F20 and F29: events that arrive while the disk is full, and amid events that nobody sent.

One stage for both, whose database lies on a small disk of its own where this machine lets us
mount one. No broker: each fault has to be over, without anybody's help, for the next one.
"""

import http.client
import json
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from itertools import cycle
from statistics import median
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.faults.servers import disk
from tests.faults.servers.processes import QUICK
from tests.faults.servers.stage import Stage
from tests.faults.servers.template import on_disk
from tests.faults.servers.waiting import until

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("intake")]

MEGABYTES = 96
FULL = float(QUICK["BATON_LEASE_SECONDS"])
REFUSES_WITHIN = 20.0  # seconds from a full disk to the first refusal
GOES_ON_WITHIN = 15.0  # seconds from room on the disk to the first event that is thanked
SETTLES_WITHIN = 40.0
PATIENCE = 10.0  # seconds for an answer
A_LOT = "x" * 30_000  # more than there is room for in what the database has already
EVENTS = 24  # real ones in a round
ROUNDS = 2
FORGERS = 2
AT_LEAST = 0.25  # seconds that an event may take on any machine


@pytest.fixture(scope="module")
def small():
    """A small disk; None where nobody may mount one."""
    if not disk.available():
        yield None
        return
    with disk.small_disk(MEGABYTES) as mounted:
        yield mounted


@pytest.fixture(scope="module")
def stage(template, small, tmp_path_factory):
    with ExitStack() as everything:
        if small is not None:
            template = everything.enter_context(on_disk(template, small.path))
        folder = tmp_path_factory.mktemp("intake")
        stage = everything.enter_context(Stage(folder, template, redis=False))
        stage.processes.web()
        stage.processes.pump()
        stage.processes.await_ready()
        yield stage


def test_F29_forged_events_hold_no_real_one_up_and_leave_no_trace(stage):
    """Two forgers without a pause instead of a thousand events a second: more of them would only
    show that this machine has two cores. Each storm is compared with the calm before it; one
    fair comparison is enough, because what forged events cost they cost in every round.
    """
    rounds, answers = [], []
    for _ in range(ROUNDS):
        calm = real_ones(stage)
        before = kept(stage)
        stage.settle(SETTLES_WITHIN)
        with forging(stage) as forged:
            until(lambda forged=forged: len(forged) >= EVENTS, seconds=PATIENCE)
            storm = real_ones(stage)
        assert kept(stage) - before == EVENTS
        rounds.append((median(calm), median(storm)))
        answers += forged
    assert set(answers) == {404}
    assert len(answers) > 2 * EVENTS * ROUNDS, "That was no storm."
    assert any(storm <= max(2 * calm, AT_LEAST) for calm, storm in rounds), rounds
    stage.settle(SETTLES_WITHIN)
    stage.assert_promises_kept()


def real_ones(stage):
    """Seconds that the events about some changes took. All of them are thanked."""
    stage.settle(SETTLES_WITHIN)
    after = stage.sandbox.latest()

    def posts():
        return stage.sandbox.journal(after=after, kind="webhook")

    stage.change(EVENTS)
    until(lambda: len(posts()) >= EVENTS, seconds=SETTLES_WITHIN)
    told = posts()
    assert Counter(post["outcome"] for post in told) == {"202": EVENTS}
    return [post["ms"] / 1_000 for post in told]


def kept(stage):
    return stage.ask("SELECT count(*) FROM sharing_hint WHERE kind = 'webhook'")[0][0]


@contextmanager
def forging(stage):
    """Others post to addresses that they guess; the answers, as they come."""
    over, answers = threading.Event(), []
    real = addresses(stage)

    def forge(number):
        with closing_connection(real[0]) as line:
            for address in cycle(real[number % len(real) :]):
                if over.is_set():
                    return
                answers.append(post(line, guessed(address), b'{"EventType": "workout-updated"}'))

    threads = [threading.Thread(target=forge, args=(number,)) for number in range(FORGERS)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        over.set()
        for thread in threads:
            thread.join()


def guessed(address):
    """The same athlete with another secret."""
    return f"{address.rstrip('/').rpartition('/')[0]}/{uuid4().hex}{uuid4().hex[:11]}/"


def addresses(stage):
    """Where TrainingPeaks posts to, one for each athlete."""
    subscribed = stage.sandbox.get("/control/subscriptions")
    return sorted({each["url"] for each in subscribed if each["active"]})


@contextmanager
def closing_connection(address):
    line = http.client.HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE)
    try:
        yield line
    finally:
        line.close()


def post(line, address, body, **headers):
    """The status of the answer."""
    line.request("POST", urlsplit(address).path, body=body, headers=headers)
    answer = line.getresponse()
    answer.read()
    return answer.status


def test_F20_a_full_disk_is_said_to_whoever_posts_and_all_goes_on_when_there_is_room(stage, small):
    """Full for a lease instead of a minute. A server's log has a disk of its own, because without
    it no PostgreSQL stays up; its tables have this one.
    """
    if small is None:
        pytest.skip("!! Only root may mount a disk: a full one was not tried under load !!")
    with stage.changing(), posting(stage) as answers:
        until(lambda: 202 in answers.values(), seconds=GOES_ON_WITHIN)
        small.fill()
        until(lambda: 503 in answers.values(), seconds=REFUSES_WITHIN, why="It takes in for ever.")
        full, thanked = time.monotonic(), thanks(answers)
        until(lambda: time.monotonic() - full > FULL, seconds=FULL + 1)
        small.free()
        until(lambda: thanks(answers) > thanked, seconds=GOES_ON_WITHIN, why="It refuses for ever.")
    assert set(answers.values()) == {202, 503}
    assert {name for name, status in answers.items() if status == 202} <= marks(stage)
    stage.settle(SETTLES_WITHIN)
    assert stage.processes.fallen() == []
    stage.assert_promises_kept()
    stage.assert_log_verifies()


@contextmanager
def posting(stage):
    """TrainingPeaks posts large events, each with a mark of its own; mark → status."""
    over, answers = threading.Event(), {}

    def work():
        with closing_connection(addresses(stage)[0]) as line:
            for number, address in enumerate(cycle(addresses(stage))):
                if over.wait(0.02):
                    return
                body = json.dumps({"EventType": "workout-updated", "Notes": A_LOT}).encode()
                mark = f"event-{number}"
                answers[mark] = post(line, address, body, **{"X-Request-Id": mark})

    thread = threading.Thread(target=work, name="trainingpeaks")
    thread.start()
    try:
        yield answers
    finally:
        over.set()
        thread.join()


def thanks(answers):
    return list(answers.values()).count(202)


def marks(stage):
    """The marks of all events that were kept."""
    rows = stage.ask("SELECT headers FROM sharing_hint WHERE kind = 'webhook'")
    told = [json.loads(headers) if isinstance(headers, str) else headers for (headers,) in rows]
    return {headers.get("x-request-id") for headers in told}
