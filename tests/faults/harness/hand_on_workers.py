"""The hand on who delivers, and on what everybody shares: workers, pump, broker, database."""

import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from urllib.parse import urlsplit

from tests.faults.harness import sleepers
from tests.faults.harness.hand import A_DEATH, MANY, Act, Hand, fallen, nothing
from tests.faults.harness.profile import STOPPING
from tests.faults.harness.sleepers import LATE
from tests.faults.servers import Process

PAST_THE_LEASE = 6.5  # seconds; the lease is five
AWAKE = 2.0  # seconds in which a worker that wakes up too late may do what it was about to do
BUSY, ASLEEP = 10.0, 5.0  # seconds until a worker holds a lane, and until a signal has stopped it
LOCKED = 6.0  # seconds that somebody else holds an SQLite database
REMOVING, REFRESHING = ("P20",), ("P08", "P09", "P10")
MOST_HITS = 4  # times that a process may come to a point before it dies there
CRASHES = 3  # deaths at one point before the next one is armed
RENEWALS = 2  # … and of those over a renewal: each keeps everybody from the next for a lease


class HandOnWorkers(Hand):
    @property
    def crashes(self) -> int:
        return MANY if self.stage.profile.per_point else CRASHES

    @property
    def _renewals(self) -> int:
        return RENEWALS if self.stage.profile.per_point else 1

    def acts(self) -> list[Act]:
        profile = self.stage.profile
        return [
            *[self.kill_a_worker] * (profile.worker_kills // 3),
            *[self.kill_the_pump] * profile.pump_kills,
            *[self.wipe_the_broker] * profile.wipes,
            *[self.restart_the_database] * profile.restarts,
            *[self.stop_past_the_lease] * (profile.stops - profile.stops // 2),
            *[partial(self.stop_at, self._stopping()) for _ in range(profile.stops // 2)],
            *[self.roll] * profile.rolls,
        ]

    def lacking(self) -> Act | None:
        profile = self.stage.profile
        if self.done["stop"] < profile.stops or (profile.stops and not self.done["fenced"]):
            return self.stop_past_the_lease
        if self.done["worker_kill"] + self.done["worker_crash"] < profile.worker_kills:
            return self.at(self.chance.choice(STOPPING))
        return None

    def at(self, point: str) -> Act:
        """A worker dies each time it has come to this point so and so often, for a while."""

        def act() -> None:
            worker = self.stage.workers[0]
            before = fallen(worker)
            most = 1 if point in (*REMOVING, *REFRESHING) else MOST_HITS
            worker.arm(f"{point}:{self.chance.randint(1, most)}")
            with self._alone(point), self._led_to(point):
                urge = self._expire if point in REFRESHING else nothing
                enough = before + self._wanted(point)
                self.wait(lambda: fallen(worker) >= enough, A_DEATH * self.crashes, urge)
            worker.disarm()
            crashes = fallen(worker) - before
            self.done[point] += crashes
            self.tried[point] += 1
            self.did("worker_crash", worker, times=crashes, point=point)

        return act

    def _wanted(self, point: str) -> int:
        """Deaths before the next point is armed: no more than are still lacking at this one."""
        most = self._renewals if point in REFRESHING else self.crashes
        lacking = self.stage.profile.per_point - self.done[point]
        return min(most, lacking) if lacking > 0 else most

    def kill_a_worker(self) -> None:
        worker = self.chance.choice(self.stage.workers)
        worker.restart()
        self.did("worker_kill", worker)

    def kill_the_pump(self) -> None:
        self.did("pump_kill", self.stage.processes["pump"].restart())

    def wipe_the_broker(self) -> None:
        self.stage.redis.wipe()
        self.did("wipe")

    def restart_the_database(self) -> None:
        with self.shared:
            self.stage.note("database_down")
            if self.stage.postgres is not None:
                self.stage.postgres.restart_immediately()
            else:
                self._lock_the_file()
        self.did("restart")

    def _lock_the_file(self) -> None:
        """SQLite has no server to restart; somebody else writes and takes a long time over it."""
        path = urlsplit(self.stage.database.url).path.removeprefix("/")
        with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(LOCKED)
            other.execute("ROLLBACK")

    def stop_past_the_lease(self) -> None:
        """A worker falls asleep over a lane, loses its lease, and wakes up none the wiser."""
        worker = self.stage.workers[1]
        self.wait(lambda: self._asleep_over_a_lane(worker), BUSY)
        self._oversleep(worker)

    def _asleep_over_a_lane(self, worker: Process) -> bool:
        """Whoever held nothing when it fell asleep goes on."""
        worker.freeze()
        self.wait(worker.asleep, ASLEEP)
        if sleepers.held(self.stage, worker):
            return True
        worker.thaw()
        return False

    def stop_at(self, point: str) -> None:
        """The same at a point between the claim and the settlement."""
        worker = self.stage.workers[0]
        worker.arm(f"{point}:{self.chance.randint(1, 4)}:stop")
        self.wait(worker.asleep, ASLEEP)
        worker.disarm()  # or it would fall asleep again
        self._oversleep(worker, point=point)

    def _oversleep(self, worker: Process, **how: str) -> None:
        """Who is asleep over a lane stays so until its lease is over; then it may do what it was
        about to do, until it was heard of.
        """
        held, since = sleepers.held(self.stage, worker), time.time()
        if held:
            time.sleep(PAST_THE_LEASE)  # that long is the fault
        worker.thaw()
        woke = time.time()
        self.wait(lambda: sleepers.heard_of(self.stage, held), AWAKE)
        ends = sleepers.slept_over(self.stage, held, since)
        self.done["fenced"] += sum(end.startswith(LATE) for end in ends)
        self.did("stop", worker, int(bool(ends)), attempts=held, since=since, woke=woke, **how)

    def roll(self) -> None:
        """A release: every worker is asked to end and started anew."""
        for worker in self.stage.workers:
            try:
                worker.stop()
            except subprocess.TimeoutExpired:  # as every supervisor does in the end
                worker.kill()
            worker.start()
        self.did("roll")

    def _stopping(self) -> str:
        return self.chance.choice(self.stage.profile.stopping)

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

    def _expire(self) -> None:
        """Whoever reads next must renew its access."""
        self.stage.sandbox.post("/control/expire", {})
