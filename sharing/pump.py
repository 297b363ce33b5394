"""The pump: asks the database what is due and does it.

Every worker runs some; one can run alone. Which thread does what is in `_duties`.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from sharing import clock, deliveries, incarnation, latency, periodic, reading, upkeep
from sharing.crew import ALONE, Crew
from sharing.models import Heartbeat

logger = logging.getLogger(__name__)

TURN = 10.0  # seconds a thread goes on before it looks up
BETWEEN_BEATS = 10.0  # seconds; less than a heartbeat may be old
BETWEEN_BEATS_AT_REST = 5.0  # who only looks need not say each time that it lives
LONGEST_TURN = 600.0  # seconds; who takes longer is taken for lost
REST_AFTER_FAULT = 1.0  # seconds
REST_WHILE_BEHIND = 30.0

DELIVER, RUN, READ, ASK = "deliver", "run", "read", "ask"  # ASK: a job that asks the source
OURS = (DELIVER, RUN)  # these never wait for TrainingPeaks
EVERYTHING = (*OURS, READ, ASK)

for _name, _every, _run in upkeep.JOBS:
    periodic.register(_name, _every, _run)


def work(worker: str, duties: Collection[str] = EVERYTHING, crew: Crew = ALONE) -> bool:
    """Do one thing of each sort that is due: bring a lane forward, run a job, read a source."""
    did = DELIVER in duties and deliveries.deliver_due(worker, crew)
    with crew.elsewhere():
        did |= RUN in duties and periodic.run_due(without=upkeep.ASK_THE_SOURCE)
        did |= READ in duties and reading.read_due(worker)
        did |= ASK in duties and periodic.run_due(only=upkeep.ASK_THE_SOURCE)
    return did


def drain(
    worker: str,
    budget: float,
    stopped: Callable[[], bool] = lambda: False,
    *,
    duties: Collection[str] = EVERYTHING,
    crew: Crew = ALONE,
) -> int:
    """Work until nothing is due, the budget (seconds) is used up, or we are stopped."""
    if incarnation.behind():
        return 0
    return _drain(worker, budget, stopped, duties, crew)


def _drain(
    worker: str, budget: float, stopped: Callable[[], bool], duties: Collection[str], crew: Crew
) -> int:
    deadline = time.monotonic() + budget
    done = 0
    while not stopped() and time.monotonic() < deadline and work(worker, duties, crew):
        done += 1
    return done


def _duties(number: int, threads: int) -> Collection[str]:
    """The first of three or more only delivers, the first half never wait for the source."""
    if threads == 1:
        return EVERYTHING
    if number == 0 and threads > 2:
        return (DELIVER,)
    return OURS if number < (threads + 1) // 2 else EVERYTHING


@dataclass
class Pump:
    """Some threads that look into the database at an interval, and one that says they live."""

    name: str
    threads: int = field(default_factory=lambda: settings.BATON_PUMP_THREADS)
    interval: float = field(default_factory=lambda: settings.BATON_PUMP_INTERVAL)
    beside: Callable[[], object] = lambda: None  # done with every beat

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._crew = Crew(self.threads)
        self._turns: dict[str, float] = {}  # worker → when its turn began
        self._beaten: dict[str, float] = {}  # worker → when it last said that it lives
        self._running: list[threading.Thread] = []

    def start(self) -> None:
        for number in range(self.threads):
            worker = f"{self.name}.{number}"
            self._run(worker, self._loop, worker, _duties(number, self.threads))
        self._run(f"{self.name}.beats", self._beat_beside)

    def _run(self, name: str, work: Callable[..., None], *about: object) -> None:
        thread = threading.Thread(target=work, args=about, name=name, daemon=True)
        thread.start()
        self._running.append(thread)

    def stop(self, timeout: float = 20.0) -> None:
        """Let every thread finish what it has begun."""
        self._stop.set()
        deadline = time.monotonic() + timeout
        for thread in self._running:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _loop(self, worker: str, duties: Collection[str]) -> None:
        while not self._stop.is_set():
            self._turn(worker, duties)
            self._turns.pop(worker, None)
            self._stop.wait(self.interval)
        connection.close()

    def _turn(self, worker: str, duties: Collection[str]) -> None:
        """One look. A fault in it is logged; the pump never dies of one."""
        try:
            close_old_connections()
            if why := incarnation.look():
                logger.error(why)
                self._stop.wait(REST_WHILE_BEHIND)
                return
            self._beat_at_rest(worker)
            self._turns[worker] = time.monotonic()
            latency.add_up()
            _drain(worker, TURN, self._stop.is_set, duties, self._crew)
        except DatabaseError as error:
            logger.warning("The database did not answer (%s); looking again.", error)
            connection.close()
            self._stop.wait(REST_AFTER_FAULT)
        except Exception:
            logger.exception("The pump %s met a fault; it goes on.", worker)
            self._stop.wait(REST_AFTER_FAULT)

    def _beat_at_rest(self, worker: str) -> None:
        now = time.monotonic()
        if now - self._beaten.get(worker, -math.inf) >= BETWEEN_BEATS_AT_REST:
            beat(worker)
            self._beaten[worker] = now

    def _beat_beside(self) -> None:
        """Beat for who is in a long turn: a reading or a job may take minutes."""
        while not self._stop.wait(BETWEEN_BEATS):
            try:
                for worker, began in list(self._turns.items()):
                    if time.monotonic() - began < LONGEST_TURN:
                        beat(worker)
                self.beside()
            except DatabaseError as error:
                logger.warning("A heartbeat could not be kept (%s).", error)
            except Exception:
                logger.exception("Beating met a fault; it goes on.")
            finally:
                connection.close()


def beat(worker: str) -> None:
    Heartbeat.objects.update_or_create(worker=worker[:64], defaults={"beat_at": clock.now()})
