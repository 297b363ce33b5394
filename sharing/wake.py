"""Waking a worker up: a hint through the broker after the commit. Losing it costs one look.

Publishing never fails and never delays a request: a thread of its own does it, and after a
few failures the broker is left alone for a while, because every worker asks the database by
itself anyway.
"""

import logging
import os
import threading
import time
from collections.abc import Callable

from django.db import transaction

logger = logging.getLogger(__name__)

FAILURES_BEFORE_REST = 3
REST = 30.0  # seconds


class _Breaker:
    """Counts this process's failures to reach the broker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._rest_until = 0.0

    def open(self) -> bool:
        return time.monotonic() < self._rest_until

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES_BEFORE_REST:
                self._rest_until = time.monotonic() + REST
                self._failures = 0

    def succeeded(self) -> None:
        self._failures = 0


class _Bell:
    """Publishes in a thread, so that nobody waits for a broker that does not answer.

    However often it is rung meanwhile, one hint more is enough: it says only "look".
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rung = threading.Event()
        self._thread: threading.Thread | None = None

    def ring(self) -> None:
        self._rung.set()
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._answer, name="wake", daemon=True)
                self._thread.start()

    def _answer(self) -> None:
        while self._rung.wait():
            self._rung.clear()
            _publish()


_breaker = _Breaker()
_bell = _Bell()
_publisher: list[Callable[[], None]] = []


def _hang_a_new_bell() -> None:
    """A forked process has no thread of its parent's."""
    global _bell  # noqa: PLW0603 - one for each process
    _bell = _Bell()


os.register_at_fork(after_in_child=_hang_a_new_bell)


def publish_with(publish: Callable[[], None]) -> None:
    """Say how a hint is published, in every process; without it, waking does nothing."""
    _publisher[:] = [publish]


def wake() -> None:
    """Wake a worker once the current transaction has committed."""
    transaction.on_commit(_ring, robust=True)


def _ring() -> None:
    if _publisher:
        _bell.ring()


def _publish() -> None:
    if not _publisher or _breaker.open():
        return
    try:
        _publisher[0]()
    except Exception as error:  # noqa: BLE001 - whatever the broker does, the request goes on
        _breaker.failed()
        logger.warning("The broker did not take a wake-up call (%s).", type(error).__name__)
    else:
        _breaker.succeeded()
