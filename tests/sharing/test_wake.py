"""Waking workers: a broker that is down, slow or full costs a request nothing."""

import threading

import pytest
from django.db import transaction

from sharing import tasks, wake

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_process_publishes_also_the_web(publishers):
    """It is hung when the applications are ready, not when a worker imports its tasks."""
    assert publishers == [tasks.publish]


@pytest.fixture
def broker(monkeypatch):
    """A broker that does what the test tells it to, and counts who called."""

    class Broker:
        down = False
        calls = 0

        def publish(self):
            self.calls += 1
            if self.down:
                raise ConnectionError("the broker is not there")

    made = Broker()
    monkeypatch.setattr(wake, "_publisher", [made.publish])
    monkeypatch.setattr(wake, "_breaker", wake._Breaker())
    monkeypatch.setattr(wake, "_ring", wake._publish)  # here, not in the thread
    return made


@pytest.fixture
def slow_broker(monkeypatch):
    """A broker that has answered once `answers` is set, and counts who called."""

    class Broker:
        calls = 0
        answers, called = threading.Event(), threading.Semaphore(0)

        def publish(self):
            self.calls += 1
            self.called.release()
            self.answers.wait(10)

    made = Broker()
    monkeypatch.setattr(wake, "_publisher", [made.publish])
    monkeypatch.setattr(wake, "_bell", wake._Bell())
    monkeypatch.setattr(wake, "_breaker", wake._Breaker())
    yield made
    made.answers.set()


def test_nobody_waits_for_a_broker_that_does_not_answer(slow_broker):
    for _ in range(10):
        wake.wake()
    assert not slow_broker.answers.is_set()  # and yet we are here
    assert slow_broker.called.acquire(timeout=5)
    wake.wake()
    slow_broker.answers.set()
    assert slow_broker.called.acquire(timeout=5)  # what rang meanwhile is heard
    assert slow_broker.calls <= 3


def test_nobody_is_woken_before_the_commit(broker):
    with transaction.atomic():
        wake.wake()
        assert broker.calls == 0
    assert broker.calls == 1


def test_nobody_is_woken_by_what_was_rolled_back(broker):
    def roll_back():
        with transaction.atomic():
            wake.wake()
            raise LookupError

    with pytest.raises(LookupError):
        roll_back()
    assert broker.calls == 0


def test_a_broker_that_is_down_does_not_fail_the_request(broker):
    broker.down = True
    with transaction.atomic():
        wake.wake()
    assert broker.calls == 1


def test_a_broker_that_stays_down_is_left_alone_for_a_while(broker, monkeypatch):
    broker.down = True
    for _ in range(10):
        wake.wake()
    assert broker.calls == wake.FAILURES_BEFORE_REST
    monkeypatch.setattr(wake._breaker, "_rest_until", 0.0)
    broker.down = False
    wake.wake()
    wake.wake()
    assert broker.calls == wake.FAILURES_BEFORE_REST + 2


def test_without_a_publisher_waking_is_nothing(monkeypatch):
    monkeypatch.setattr(wake, "_publisher", [])
    wake.wake()
