"""An admin who stops things for a moment, each in its own way, and lets them go on."""

import random
import time
from itertools import cycle, islice

from tests.faults.harness.stage import Stage

HELD = 5.0  # seconds that a stop stands
MODES = ("pause", "kill")  # a drain lets out what waits: that is tested by itself


class Admin:
    """Stops a destination, everything there is, an athlete; switches a destination off and on."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.chance = random.Random(stage.seed + 5)
        self.destinations = [one["id"] for one in stage.delivered_to]

    def work(self) -> None:
        """As often as the profile asks for, spread over the storm."""
        profile = self.stage.profile
        ways = cycle(
            [self.stop_a_destination, self.stop_everything, self.stop_an_athlete, self.off]
        )
        for way in islice(ways, profile.halts):
            rest = max(0.0, profile.storm / profile.halts - HELD)
            time.sleep(self.chance.uniform(0.2, 0.8) * rest)
            way()

    def stop_a_destination(self) -> None:
        self._stop("destination", self.chance.choice(self.destinations))

    def stop_everything(self) -> None:
        self._stop("", "")

    def stop_an_athlete(self) -> None:
        staying = self.stage.staying([int(each) for each in self.stage.cast["athletes"]])
        number = self.chance.choice([each for each in staying if each not in self.stage.reserved])
        self._stop("athlete", self.stage.cast["athletes"][str(number)])

    def off(self) -> None:
        destination = self.chance.choice(self.destinations)
        self.stage.people.do("pause", destination=destination)
        time.sleep(HELD)
        self.stage.people.do("resume", destination=destination)

    def _stop(self, scope: str, target: str) -> None:
        mode = self.chance.choice(MODES)
        put = self.stage.people.do("put_stop", scope=scope, target=target, mode=mode)
        time.sleep(HELD)
        self.stage.people.do("lift_stop", stop=put["stop"])
