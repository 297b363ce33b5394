"""F10 to F15: whatever befalls the broker, the database is the record of work and pumps look.

One stage for all of them: each fault has to be over, without anybody's help, for the next one.
"""

import signal
import time
from statistics import median

import pytest
import requests
from celery import Celery

from tests.faults.servers.stage import Stage
from tests.faults.servers.studio import OWNER, PASSWORD
from tests.faults.servers.waiting import until

pytestmark = [pytest.mark.processes, pytest.mark.in_one_lane, pytest.mark.xdist_group("stage")]

WIPES = 5
CALLS = 500  # more than a worker ends before the broker falls
HINT = "sharing.tasks.drain"
QUEUE = "baton"
CONSUMES_WITHIN = 30.0  # seconds after the broker's return
ARRIVES_WITHIN = 8.0  # seconds from a hint to its delivery without a broker (G6)
FROZEN = 7.0  # seconds: the product gives a silent broker five
SAID_WITHIN = 60.0  # seconds from a fault to its alert
A_REQUEST_TAKES = 1_000  # milliseconds as a rule, on a machine that is busy
NONE_TAKES = 5_000  # milliseconds: what a sender has patience for


@pytest.fixture(scope="module")
def stage(template, tmp_path_factory):
    """Web, a Celery worker and the scheduler; no pump but the worker's own."""
    with Stage(tmp_path_factory.mktemp("broker"), template) as stage:
        stage.processes.web()
        stage.processes.worker()
        stage.processes.scheduler()
        stage.processes.await_ready()
        yield stage


@pytest.fixture
def celery(stage):
    """Somebody else who speaks to the broker."""
    with Celery(broker=stage.broker.url, set_as_current=False) as app:
        yield app


def publish(celery, count):
    for _ in range(count):
        celery.send_task(HINT, queue=QUEUE, ignore_result=True, expires=60)


def waiting(stage):
    """How many hints nobody has taken from the broker yet."""
    with stage.broker.client() as client:
        return client.llen(QUEUE)


def await_consumer(stage, celery):
    """Hints that are sent now are taken, by a worker that nobody helped."""
    publish(celery, 3)
    until(lambda: not waiting(stage), seconds=CONSUMES_WITHIN, why="It consumes no more.")


def assert_taken_in_at_once(stage, after):
    """Every webhook post since then, and none of them waited for the broker."""
    posts = stage.sandbox.journal(after=after, kind="webhook")
    assert {post["outcome"] for post in posts} == {"202"}
    took = [post["ms"] for post in posts]
    assert median(took) < A_REQUEST_TAKES
    assert max(took) < NONE_TAKES


def assert_people_get_in(stage):
    """Somebody signs in and asks the API, at a broker in whose cache the limits are counted."""
    started = time.monotonic()
    sign_in = f"{stage.processes.web_url}/accounts/login/"
    with requests.Session() as browser:
        browser.get(sign_in).raise_for_status()
        token = {"csrfmiddlewaretoken": browser.cookies["baton-csrf"]}
        entered = browser.post(sign_in, {"login": OWNER, "password": PASSWORD, **token})
        assert (entered.status_code, entered.url) == (200, f"{stage.processes.web_url}/")
        asked = browser.get(f"{stage.processes.web_url}/api/v1/destinations/")
        assert asked.status_code == 200
    assert time.monotonic() - started < NONE_TAKES / 1_000


def test_F10_a_broker_that_is_wiped_again_and_again_loses_nothing(stage, celery):
    with stage.changing():
        for _ in range(WIPES):
            seen = len(stage.effects())
            stage.broker.wipe()
            until(lambda seen=seen: len(stage.effects()) > seen, seconds=ARRIVES_WITHIN)
    stage.settle()
    await_consumer(stage, celery)
    stage.assert_promises_kept()


def test_F10_a_broker_that_falls_while_calls_are_worked_on_takes_no_worker_with_it(stage, celery):
    """Calls that were taken and not ended are lost with their connection: nobody misses them."""
    publish(celery, CALLS)
    until(lambda: waiting(stage) < CALLS, seconds=CONSUMES_WITHIN)
    assert waiting(stage), "It has ended them all: nothing is being worked on."
    stage.broker.wipe()
    stage.change(12)
    stage.settle()
    await_consumer(stage, celery)
    assert stage.processes.fallen() == []
    stage.assert_promises_kept()


def test_F11_F47_a_frozen_broker_holds_up_no_request_and_no_delivery(stage):
    """Frozen for longer than anybody waits for its answer, instead of for a minute: whoever gives
    up once has met all that a longer silence would show.
    """
    after = stage.sandbox.latest()
    stage.broker.freeze()
    frozen = time.monotonic()
    try:
        stage.change(12)
        stage.settle(ARRIVES_WITHIN)
        with stage.changing(every=0.5):
            until(lambda: time.monotonic() - frozen > FROZEN, seconds=FROZEN + 1)
        stage.settle(ARRIVES_WITHIN)
        assert_taken_in_at_once(stage, after)
        assert_people_get_in(stage)
    finally:
        stage.broker.thaw()
    stage.assert_promises_kept()


def test_F12_a_full_broker_holds_up_no_request_and_no_delivery(stage, celery):
    after = stage.sandbox.latest()
    stage.broker.fill()
    try:
        stage.change(12)
        stage.settle(ARRIVES_WITHIN)
        assert_taken_in_at_once(stage, after)
        assert_people_get_in(stage)
    finally:
        stage.broker.flush()
    await_consumer(stage, celery)
    stage.assert_promises_kept()


def test_F14_every_hint_ten_times_is_one_claim_each(stage, celery):
    tried = attempts(stage)
    delivered = len(stage.effects())
    for _ in range(6):
        stage.change(2)
        publish(celery, 20)
    stage.settle()
    until(lambda: not waiting(stage), seconds=CONSUMES_WITHIN, why="Hints pile up.")
    assert attempts(stage) - tried == len(stage.effects()) - delivered
    stage.assert_promises_kept()


def attempts(stage):
    return stage.ask("SELECT count(*) FROM sharing_attempt")[0][0]


def test_F15_a_worker_that_is_connected_and_hears_nothing_still_delivers(stage, celery):
    celery.control.cancel_consumer(QUEUE, reply=True, timeout=5)
    publish(celery, 3)
    stage.change(12)
    stage.settle(ARRIVES_WITHIN)
    assert waiting(stage) >= 3
    until(lambda: silence_stands(stage), seconds=SAID_WITHIN, why="Nobody says that it is deaf.")
    celery.control.add_consumer(QUEUE, reply=True, timeout=5)
    until(lambda: not waiting(stage), seconds=CONSUMES_WITHIN, why="It consumes no more.")
    until(lambda: not silence_stands(stage), seconds=SAID_WITHIN, why="The alert stays.")
    stage.assert_promises_kept()


def silence_stands(stage):
    return stage.ask(
        "SELECT 1 FROM insight_alert WHERE kind = 'broker_silent' AND state <> 'resolved'"
    )


def test_F13_a_broker_that_was_never_there_is_not_missed(stage):
    stage.broker.kill()
    for name in ("web", "worker", "scheduler"):
        stage.processes[name].restart()
    stage.processes["web"].await_ready()
    stage.change(12)
    stage.settle()
    assert_people_get_in(stage)
    assert stage.processes.fallen() == []
    assert stage.processes["web"].stop(signal.SIGTERM) == 0
    stage.assert_promises_kept()
