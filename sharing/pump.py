"""The pump: asks the database what is due and does it.

Every worker runs some; one can run alone.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from sharing import clock, deliveries, incarnation, latency, periodic, reading, upkeep
from sharing.models import Heartbeat

logger = logging.getLogger(__name__)

BETWEEN_BEATS = 10.0  # seconds; with one slow call more, still less than a heartbeat may be old
REST_AFTER_FAULT = 1.0  # seconds
REST_WHILE_BEHIND = 30.0

for _name, _every, _run in upkeep.JOBS:
    periodic.register(_name, _every, _run)


def work(worker: str) -> bool:
    """Do one thing of each sort that is due: read a source, bring a lane forward, run a job."""
    did_read = reading.read_due(worker)
    did_deliver = deliveries.deliver_due(worker)
    did_job = periodic.run_due()
    return did_read or did_deliver or did_job


def drain(worker: str, budget: float, stopped: Callable[[], bool] = lambda: False) -> int:
    """Work until nothing is due, the budget (seconds) is used up, or we are stopped."""
    deadline = time.monotonic() + budget
    done = 0
    if incarnation.behind():
        return done
    while not stopped() and time.monotonic() < deadline and work(worker):
        done += 1
    return done


@dataclass
class Pump:
    """Some threads that look into the database at an interval. `wake` makes them look at once."""

    name: str
    threads: int = field(default_factory=lambda: settings.BATON_PUMP_THREADS)
    interval: float = field(default_factory=lambda: settings.BATON_PUMP_INTERVAL)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._running: list[threading.Thread] = []

    def start(self) -> None:
        for number in range(self.threads):
            worker = f"{self.name}.{number}"
            thread = threading.Thread(target=self._loop, args=(worker,), name=worker, daemon=True)
            thread.start()
            self._running.append(thread)

    def stop(self, timeout: float = 20.0) -> None:
        """Let every thread finish what it has begun."""
        self._stop.set()
        deadline = time.monotonic() + timeout
        for thread in self._running:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _loop(self, worker: str) -> None:
        while not self._stop.is_set():
            self._turn(worker)
            self._stop.wait(self.interval)
        connection.close()

    def _turn(self, worker: str) -> None:
        """One look. A fault in it is logged; the pump never dies of one."""
        try:
            close_old_connections()
            if why := incarnation.behind():
                logger.error(why)
                self._stop.wait(REST_WHILE_BEHIND)
                return
            beat(worker)
            incarnation.remember()
            latency.add_up()
            drain(worker, budget=BETWEEN_BEATS, stopped=self._stop.is_set)
        except DatabaseError as error:
            logger.warning("The database did not answer (%s); looking again.", error)
            connection.close()
            self._stop.wait(REST_AFTER_FAULT)
        except Exception:
            logger.exception("The pump %s met a fault; it goes on.", worker)
            self._stop.wait(REST_AFTER_FAULT)


def beat(worker: str) -> None:
    Heartbeat.objects.update_or_create(worker=worker[:64], defaults={"beat_at": clock.now()})
