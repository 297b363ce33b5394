"""The nemesis: hurts one process after the other, by a plan that the seed draws."""

import random
import re
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from urllib.parse import urlsplit

from tests.faults.harness.profile import (
    ERASING,
    INTAKE,
    ROTATING,
    SIGNING,
    STOPPING,
    WITHDRAWING,
)
from tests.faults.harness.stage import Stage
from tests.faults.servers import Process

PAST_THE_LEASE = 6.5  # seconds; the lease is five
AWAKE = 2.0  # seconds in which a worker that wakes up too late may do what it was about to do
LOCKED = 6.0  # seconds that somebody else holds an SQLite database
LULL = 0.5  # seconds, where nothing is left to be done
PATIENCE = 1.6  # times the storm: the longest that the nemesis goes on when nothing is lacking …
LAST = 2.2  # … and the longest that it goes on at all
REMOVING, REFRESHING = ("P20",), ("P08", "P09", "P10")
MOST_HITS = 4  # times that a process may come to a point before it dies there
LOOK_EVERY = 0.1  # seconds
CRASHES, MANY = 3, 5  # deaths at one point before the next one is armed; where many are asked for
A_DEATH = 1.7  # seconds that one takes at the most
A_SIGNATURE = 12.0  # seconds in which a signer that was just started signs twice
FELL = re.compile(r"exited with 'signal 9|Worker \(pid:\d+\) was sent SIGKILL|died")
Act = Callable[[], None]


def nothing() -> None:
    """Urge nobody."""


class Nemesis:
    """`run` carries out the whole plan; what was done is counted and kept in the history."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.chance = random.Random(stage.seed + 2)
        self.points = stage.profile.points
        self.crashes = MANY if stage.profile.per_point else CRASHES
        self.done: Counter[str] = Counter()
        self.tried: Counter[str] = Counter()

    def run(self, enough: Callable[[], bool]) -> None:
        """The acts one after the other, and crashes until there was enough of everything."""
        begun, storm = time.monotonic(), self.stage.profile.storm
        for act in self.plan():
            act()
            time.sleep(self.chance.uniform(0.1, 0.6))
        while time.monotonic() < begun + LAST * storm:
            lacking = self._lacking()
            if lacking is None and (enough() or time.monotonic() > begun + PATIENCE * storm):
                break
            (lacking or self._another())()

    def _lacking(self) -> Act | None:
        """What the profile asks for and has not happened yet, for whatever reason."""
        profile = self.stage.profile
        if self.done["stop"] < profile.stops:
            return self.stop_past_the_lease
        if self.done["web_kill"] < profile.web_kills:
            return partial(self.crash_the_web, self._intake())
        if self.done["worker_kill"] + self.done["worker_crash"] < profile.worker_kills:
            return self._arm(self.chance.choice(STOPPING))
        if not self.points:
            return None
        rarest = self._rarest()
        return self._at(rarest) if self.done[rarest] < profile.per_point else None

    def _another(self) -> Act:
        return self._at(self._rarest()) if self.points else partial(time.sleep, LULL)

    def _rarest(self) -> str:
        """The point at which the fewest have died; any of those that are even."""
        drawn = self.chance.sample(self.points, len(self.points))
        return min(drawn, key=lambda point: self.done[point])

    def _at(self, point: str) -> Act:
        special = {
            WITHDRAWING: self.die_withdrawing,
            ERASING: self.die_erasing,
            ROTATING: self.die_rotating,
        }
        if point in INTAKE:
            return partial(self.crash_the_web, point)
        if point in SIGNING:
            return partial(self.crash_the_signer, point)
        return special.get(point) or self._arm(point)

    def plan(self) -> Iterator[Act]:
        """Everything the profile asks for, shuffled."""
        profile = self.stage.profile
        acts: list[Act] = [
            *[self._at(point) for point in self._visited()],
            *[self.kill_a_worker] * (profile.worker_kills // 3),
            *[partial(self.crash_the_web, self._intake()) for _ in range(self._web_acts())],
            *[self.kill_the_pump] * profile.pump_kills,
            *[self.wipe_the_broker] * profile.wipes,
            *[self.restart_the_database] * profile.restarts,
            *[self.stop_past_the_lease] * (profile.stops - profile.stops // 2),
            *[partial(self.stop_at, self._stopping()) for _ in range(profile.stops // 2)],
            self.roll,
        ]
        self.chance.shuffle(acts)
        yield from acts

    def _web_acts(self) -> int:
        """Where many are to die at each point, those of the intake bring deaths enough."""
        return 0 if self.stage.profile.per_point else self.stage.profile.web_kills

    def heal(self) -> None:
        """Everything runs again, and nothing is armed."""
        for process in self.stage.processes.by_name.values():
            if process.armed or not process.alive:
                process.disarm()
        self.stage.processes.await_ready()
        self.stage.note("healed", **self.done)

    # --- the acts --------------------------------------------------------------------------

    def kill_a_worker(self) -> None:
        worker = self.chance.choice(self.stage.workers)
        worker.restart()
        self._did("worker_kill", worker)

    def _arm(self, point: str) -> Act:
        """A worker dies each time it has come to this point so and so often, for a while."""

        def act() -> None:
            worker = self.stage.workers[0]
            before = fallen(worker)
            most = 1 if point in (*REMOVING, *REFRESHING) else MOST_HITS
            worker.arm(f"{point}:{self.chance.randint(1, most)}").await_ready()
            with self._alone(point), self._led_to(point):
                urge = self._expire if point in REFRESHING else nothing
                enough = before + (1 if point in REFRESHING else self.crashes)
                self._wait(lambda: fallen(worker) >= enough, A_DEATH * self.crashes, urge)
            crashes = fallen(worker) - before
            self.done[point] += crashes
            self.tried[point] += 1
            self._did("worker_crash", worker, times=crashes, point=point)

        return act

    @contextmanager
    def _alone(self, point: str) -> Iterator[None]:
        """Where nobody died although it was tried, the others are away for a moment.

        Whoever sleeps may have the only lock of SQLite in its hands; whoever is dead has none.
        """
        others = [self.stage.workers[1], self.stage.processes["pump"]]
        missed = self.tried[point] and not self.done[point]
        away = others if missed or point in REFRESHING else []
        for process in away:
            process.kill()
        yield
        for process in away:
            process.start()

    @contextmanager
    def _led_to(self, point: str) -> Iterator[None]:
        """Records are removed only when somebody withdraws."""
        several = self.crashes * MOST_HITS if point in REMOVING else 0
        self.stage.decide("withdraw", several)
        yield
        self.stage.decide("grant", several)

    def crash_the_web(self, point: str) -> None:
        web = self.stage.processes["web"]
        before = fallen(web)
        web.arm(f"{point}:{self.chance.randint(2, 6)}").await_ready()
        wanted = self.crashes if self.stage.profile.per_point else 1
        self._wait(lambda: fallen(web) >= before + wanted, A_DEATH * wanted)
        web.disarm().await_ready()
        self.done[point] += fallen(web) - before
        self._did("web_kill", web, times=max(1, fallen(web) - before), point=point)

    def crash_the_signer(self, point: str) -> None:
        """It dies over one of its next checkpoints; the one after it begins where that was left."""
        signer = self.stage.processes["signer"]
        signer.arm(f"{point}:{self.chance.randint(1, 2)}")
        self._wait(lambda: not signer.alive, A_SIGNATURE)
        died = int(signer.status == -signal.SIGKILL)
        signer.disarm().await_ready()
        self.done[point] += died
        self._did("signer_crash", signer, times=died, point=point)

    def die_withdrawing(self) -> None:
        """Whoever writes the withdrawal down dies over it, and it is said again."""
        died = self.stage.withdraw_dying(f"{WITHDRAWING}:1")
        self.done[WITHDRAWING] += died
        self._did("withdraw_crash", times=died, point=WITHDRAWING)

    def die_erasing(self) -> None:
        """Whoever destroys what is readable dies before the commit, and it is done again."""
        died = self.stage.erase_dying(f"{ERASING}:1")
        self.done[ERASING] += died
        self._did("erase_crash", times=died, point=ERASING)

    def die_rotating(self) -> None:
        """Half of the secrets under the new key, half under the old: all of them open."""
        died = self.stage.rotate_dying(f"{ROTATING}:1")
        self.done[ROTATING] += died
        self._did("rotate_crash", times=died, point=ROTATING)

    def kill_the_pump(self) -> None:
        self._did("pump_kill", self.stage.processes["pump"].restart())

    def wipe_the_broker(self) -> None:
        self.stage.redis.wipe()
        self._did("wipe")

    def restart_the_database(self) -> None:
        if self.stage.postgres is not None:
            self.stage.note("database_down")
            self.stage.postgres.restart_immediately()
        else:
            self._lock_the_file()
        self._did("restart")

    def _lock_the_file(self) -> None:
        """SQLite has no server to restart; somebody else writes and takes a long time over it."""
        path = urlsplit(self.stage.database.url).path.removeprefix("/")
        self.stage.note("database_down")
        with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(LOCKED)
            other.execute("ROLLBACK")

    def stop_past_the_lease(self) -> None:
        """A worker falls asleep where it is, loses its leases, and wakes up none the wiser."""
        worker = self.stage.workers[1]
        worker.freeze()
        time.sleep(PAST_THE_LEASE)
        worker.thaw()
        self._did("stop", worker)

    def stop_at(self, point: str) -> None:
        """The same at a point between the claim and the settlement."""
        worker = self.stage.workers[0]
        worker.arm(f"{point}:{self.chance.randint(1, 4)}:stop").await_ready()
        self._wait(worker.asleep, 5.0)
        times = int(worker.asleep())
        time.sleep(PAST_THE_LEASE * times)
        worker.thaw()
        self._wait(lambda: not worker.asleep(), 5.0)
        time.sleep(AWAKE)
        worker.disarm()  # or its next child would fall asleep as well
        self._did("stop", worker, times=times, point=point)

    def roll(self) -> None:
        """A release: every worker is asked to end and started anew."""
        for worker in self.stage.workers:
            try:
                worker.stop()
            except subprocess.TimeoutExpired:  # as every supervisor does in the end
                worker.kill()
            worker.start()
        self._did("roll")

    def _visited(self) -> list[str]:
        return self.chance.sample(self.points, min(len(self.points), self.stage.profile.visits))

    def _intake(self) -> str:
        return self.chance.choice(INTAKE)

    def _stopping(self) -> str:
        return self.chance.choice(self.stage.profile.stopping)

    def _did(self, what: str, process: Process | None = None, times: int = 1, **how: str) -> None:
        self.done[what] += times
        name = process.name if process else ""
        self.stage.note(what, process=name, times=times, **how)

    def _expire(self) -> None:
        """Whoever reads next must renew its access."""
        self.stage.sandbox.post("/control/expire", {})

    def _wait(
        self, until: Callable[[], bool], seconds: float, urge: Callable[[], None] = nothing
    ) -> None:
        deadline = time.monotonic() + seconds
        while not until() and time.monotonic() < deadline:
            urge()
            time.sleep(LOOK_EVERY)


def fallen(process: Process) -> int:
    """How often a child of this process was killed, as its own log says."""
    return len(FELL.findall(process.said()))
