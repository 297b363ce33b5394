"""A hand of the nemesis: a thread with a plan of its own, for a part of the stage of its own."""

import random
import re
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from threading import Lock
from typing import Any

from tests.faults.harness.stage import Stage
from tests.faults.servers import Process

LULL = 0.5  # seconds, where nothing is left to be done
PATIENCE = 1.6  # times the storm: the longest that a hand goes on when nothing is lacking …
LAST = 3.0  # … and the longest that it goes on at all, on a slow machine too
LOOK_EVERY = 0.1  # seconds
MANY = 5  # deaths at one point before the next one is armed, where many are asked for
A_DEATH = 1.7  # seconds that one takes at the most
FELL = re.compile(r"exited with 'signal 9|Worker \(pid:\d+\) was sent SIGKILL")
Act = Callable[[], None]


def nothing() -> None:
    """Urge nobody."""


class Hand(ABC):
    """`run` carries out the whole plan; what was done is counted and kept in the history.

    Whoever has `shared` has the database as it is: nobody takes it away meanwhile.
    """

    def __init__(
        self, stage: Stage, points: Sequence[str], visited: Sequence[str], shared: Lock
    ) -> None:
        self.stage = stage
        self.shared = shared
        self.points = points
        self.visited = visited
        self.chance = random.Random(f"{type(self).__name__} {stage.seed}")
        self.done: Counter[str] = Counter()
        self.tried: Counter[str] = Counter()

    def run(self, enough: Callable[[], bool]) -> None:
        """The acts one after the other, and deaths until there was enough of everything."""
        begun, storm = time.monotonic(), self.stage.profile.storm
        for act in self._shuffled():
            self.do(act)
            time.sleep(self.chance.uniform(0.1, 0.6))
        while time.monotonic() < begun + LAST * storm:
            lacking = self.lacking() or self._too_few_deaths()
            if lacking is None and (enough() or time.monotonic() > begun + PATIENCE * storm):
                break
            self.do(lacking or self._another())

    @abstractmethod
    def acts(self) -> list[Act]:
        """Everything the profile asks for beside the points that are visited."""

    @abstractmethod
    def lacking(self) -> Act | None:
        """What the profile asks for and has not happened yet, for whatever reason."""

    @abstractmethod
    def at(self, point: str) -> Act:
        """What lets somebody die at a crash point."""

    def do(self, act: Act) -> None:
        act()

    def _shuffled(self) -> Iterator[Act]:
        acts = [*[self.at(point) for point in self.visited], *self.acts()]
        self.chance.shuffle(acts)
        yield from acts

    def _too_few_deaths(self) -> Act | None:
        if not self.points:
            return None
        rarest = self._rarest()
        return self.at(rarest) if self.done[rarest] < self.stage.profile.per_point else None

    def _another(self) -> Act:
        return (lambda: time.sleep(LULL)) if self._spent() else self.at(self._rarest())

    def _spent(self) -> bool:
        """Whether as many have died at each point as may."""
        most = self.stage.profile.most_per_point
        return all(self.done[point] >= most for point in self.points)

    def _rarest(self) -> str:
        """The point at which the fewest have died; any of those that are even."""
        drawn = self.chance.sample(self.points, len(self.points))
        return min(drawn, key=lambda point: self.done[point])

    def did(self, what: str, process: Process | None = None, times: int = 1, **how: Any) -> None:
        self.done[what] += times
        name = process.name if process else ""
        self.stage.note(what, process=name, times=times, **how)

    def wait(
        self, until: Callable[[], bool], seconds: float, urge: Callable[[], None] = nothing
    ) -> None:
        deadline = time.monotonic() + seconds
        while not until() and time.monotonic() < deadline:
            urge()
            time.sleep(LOOK_EVERY)


def fallen(process: Process) -> int:
    """How often a child of this process was killed, as its own log says."""
    return len(FELL.findall(process.said()))
