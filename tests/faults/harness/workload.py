"""The workload: a coach who edits without rest, athletes who change their minds, an admin who
stops things.
"""

import random
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from tests.faults.harness.admin import Admin
from tests.faults.harness.stage import Stage
from tests.faults.harness.stranger import Stranger

PER_ATHLETE = 3  # sessions at the beginning
BATCH = 20  # edits in one call
LONGEST_BURST = 5  # edits of one athlete at once
DAYS = range(2, 16)  # from today: well inside the window that is shared
BUSY = 0.5  # of the athletes out of date: the coach takes a breath
Edit = dict[str, Any]


class Coach:
    """Edits sessions at random, the same ones for the same seed, and knows which there are."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.chance = random.Random(stage.seed)
        self.made = 0
        self.edits = 0
        self.sessions: dict[int, list[int]] = {int(number): [] for number in stage.cast["athletes"]}

    def begin(self) -> None:
        """A few sessions for everybody."""
        asked = [self._new(athlete) for athlete in self.sessions for _ in range(PER_ATHLETE)]
        for start in range(0, len(asked), 500):
            self._do(asked[start : start + 500])

    def edit(self, most: int = BATCH) -> int:
        """Some bursts of edits in one call; how many edits that were."""
        asked: list[Edit] = []
        while len(asked) < most:
            athlete = self.chance.choice(self.stage.staying(list(self.sessions)))
            burst = min(self.chance.randint(1, LONGEST_BURST), most - len(asked))
            asked += [self._one(athlete) for _ in range(burst)]
        self._do(asked)
        self.edits += len(asked)
        return len(asked)

    def touch(self, athlete: int) -> str:
        """One edit of one athlete; the title that it gave."""
        self._do([self._change(athlete)])
        return f"s-{self.made}"

    def _one(self, athlete: int) -> Edit:
        drawn = self.chance.random()
        if drawn < 0.06:
            return self._new(athlete)
        if drawn < 0.12 and len(self.sessions[athlete]) > 1:
            gone = self.sessions[athlete].pop(self.chance.randrange(len(self.sessions[athlete])))
            return {"workout": gone, "delete": True}
        return self._change(athlete)

    def _change(self, athlete: int) -> Edit:
        fields: Edit = {"Title": self._title()}
        if self.chance.random() < 0.1:
            fields["WorkoutDay"] = self._day()
        return {"workout": self.chance.choice(self.sessions[athlete]), "change": fields}

    def _new(self, athlete: int) -> Edit:
        fields = {"WorkoutDay": self._day(), "WorkoutType": "Run", "Title": self._title()}
        return {"athlete": athlete, "add": fields}

    def _title(self) -> str:
        self.made += 1
        return f"s-{self.made}"

    def _day(self) -> str:
        day = datetime.now(UTC).date() + timedelta(days=self.chance.choice(DAYS))
        return f"{day}T00:00:00"

    def _do(self, asked: list[Edit]) -> None:
        made = self.stage.sandbox.post("/control/edits", {"edits": asked})["workouts"]
        for edit, number in zip(asked, made, strict=True):
            if "add" in edit:
                self.sessions[edit["athlete"]].append(number)


class Workload:
    """Coach, athletes, admin and strangers at work, until the profile's numbers are met."""

    def __init__(self, stage: Stage, coach: Coach) -> None:
        self.stage = stage
        self.coach = coach
        self.chance = random.Random(stage.seed + 1)
        self.failure: BaseException | None = None
        self._over = threading.Event()
        self._edited = threading.Event()
        self.pace = stage.profile.changes / stage.profile.storm  # edits a second
        self._threads: list[threading.Thread] = [
            threading.Thread(target=self._guarded, args=(work,), daemon=True)
            for work in (
                self._edit,
                self._decide,
                self._erase,
                self._reconnect,
                Admin(stage).work,
            )
        ]
        if stage.profile.repeated + stage.profile.forged:
            self._threads.append(Stranger(stage, self._over))

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    @property
    def busy(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def finish(self, patience: float = 900.0) -> None:
        """Wait until everything was asked for. Raises what went wrong, or TimeoutError."""
        for thread in self._threads:
            thread.join(patience)
        if self.failure:
            raise self.failure
        if self.busy:
            raise TimeoutError("The workload did not come to its end.")

    @property
    def enough(self) -> bool:
        return self.coach.edits >= self.stage.profile.changes

    def stop(self) -> None:
        """No more edits than were asked for: the storm is over."""
        self._over.set()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            self.failure = error

    def _edit(self) -> None:
        """At an even pace, and on until the storm is over: a worker dies only while it works."""
        try:
            while not (self.enough and self._over.is_set()):
                self._edit_once()
        finally:
            self._edited.set()

    def _edit_once(self) -> None:
        begun = time.monotonic()
        count = self.coach.edit()
        while self._backlog() > BUSY * self.stage.profile.athletes and not self._over.is_set():
            time.sleep(0.2)
        time.sleep(max(0.0, count / self.pace - (time.monotonic() - begun)))

    def _backlog(self) -> int:
        with suppress(Exception):  # the database may be down: that is the point
            sql = "SELECT count(*) AS n FROM sharing_source WHERE dirty_seq > clean_seq"
            return int(self.stage.database.value(sql))
        return self.stage.profile.athletes

    def _reconnect(self) -> None:
        """The coach looks in and connects again where the product asks for it, to the last edit."""
        while not self._edited.wait(1.0):
            with suppress(sqlite3.Error, psycopg.Error):  # the database is down for a moment
                self.stage.reconnect()

    def _decide(self) -> None:
        """Withdraw; most agree again some time later, while the storm goes on."""
        athletes = self.stage.cast["athletes"]
        gone: list[tuple[float, str, str]] = []
        for _ in range(self.stage.profile.withdrawals):
            pause = self.stage.profile.storm / self.stage.profile.withdrawals
            time.sleep(self.chance.uniform(0.2, 0.8) * pause)
            destination = self.chance.choice(self.stage.delivered_to)
            athlete = athletes[str(self.chance.choice(self._deciding(destination)))]
            self.stage.people.do("withdraw", athlete=athlete, destination=destination["id"])
            gone.append((time.monotonic() + 3.0, athlete, destination["id"]))
            while gone and gone[0][0] < time.monotonic():
                _, back, where = gone.pop(0)
                if self.chance.random() < 0.6:
                    self.stage.people.do("grant", athlete=back, destination=where)

    def _deciding(self, destination: dict[str, Any]) -> list[int]:
        """Whoever is to be erased has one wish only."""
        athletes: list[int] = destination["athletes"]
        return [number for number in athletes if number not in self.stage.reserved]

    def _erase(self) -> None:
        """Ask for erasures, spread over the storm."""
        for number in self.stage.leaving:
            pause = self.stage.profile.storm / len(self.stage.leaving)
            time.sleep(self.chance.uniform(0.2, 0.8) * pause)
            self.stage.erase(number)
