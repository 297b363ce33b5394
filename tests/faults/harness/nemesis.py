"""The nemesis: hurts one process after the other, with two hands, by plans that the seed draws."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from tests.faults.harness.hand import Hand
from tests.faults.harness.hand_on_the_rest import HandOnTheRest
from tests.faults.harness.hand_on_workers import HandOnWorkers
from tests.faults.harness.profile import WORKING
from tests.faults.harness.stage import Stage


class Nemesis:
    """`run` lets both hands do what they have to; `heal` makes everything run again."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        points, shared = stage.profile.points, Lock()
        chance = random.Random(stage.seed + 2)
        visited = chance.sample(points, min(len(points), stage.profile.visits))
        self.hands: tuple[Hand, ...] = (
            HandOnWorkers(stage, *_those(points, visited, working=True), shared),
            HandOnTheRest(stage, *_those(points, visited, working=False), shared),
        )

    def run(self, enough: Callable[[], bool]) -> None:
        """Raises what a hand raised, once the other has ended as well."""
        with ThreadPoolExecutor() as both:
            for ended in [both.submit(hand.run, enough) for hand in self.hands]:
                ended.result()

    @property
    def done(self) -> Counter[str]:
        return sum((hand.done for hand in self.hands), Counter())

    def silence(self) -> None:
        """Every worker is dead and the broker empty: nobody is told of what is to be done now."""
        for worker in self.stage.workers:
            worker.kill()
        self.stage.redis.wipe()
        self.stage.note("silenced")

    def heal(self) -> None:
        """Everything runs again, and nothing is armed."""
        for process in self.stage.processes.by_name.values():
            process.disarm()
            if not process.alive:
                process.start()
        self.stage.processes.await_ready()
        self.stage.note("healed", **self.done)


def _those(
    points: tuple[str, ...], visited: list[str], *, working: bool
) -> tuple[list[str], list[str]]:
    """The points at which workers die, or the others; and those of them that are visited."""

    def of(some: "list[str] | tuple[str, ...]") -> list[str]:
        return [point for point in some if (point in WORKING) == working]

    return of(points), of(visited)
