"""The hand on the web, the signer and the people: whoever takes in, signs, withdraws and erases."""

import signal
from functools import partial

from tests.faults.harness.hand import A_DEATH, MANY, Act, Hand, fallen
from tests.faults.harness.profile import ERASING, INTAKE, ROTATING, SIGNING, WITHDRAWING

A_SIGNATURE = 12.0  # seconds in which a signer signs twice


class HandOnTheRest(Hand):
    def do(self, act: Act) -> None:
        """Who is started here asks the database for something."""
        with self.shared:
            act()

    def acts(self) -> list[Act]:
        """Where many are to die at each point, those of the intake bring deaths enough."""
        profile = self.stage.profile
        several = 0 if profile.per_point else profile.web_kills
        return [partial(self.crash_the_web, self._intake()) for _ in range(several)]

    def lacking(self) -> Act | None:
        if self.done["web_kill"] < self.stage.profile.web_kills:
            return partial(self.crash_the_web, self._intake())
        return None

    def at(self, point: str) -> Act:
        if point in INTAKE:
            return partial(self.crash_the_web, point)
        if point in SIGNING:
            return partial(self.crash_the_signer, point)
        dying = {
            WITHDRAWING: self.die_withdrawing,
            ERASING: self.die_erasing,
            ROTATING: self.die_rotating,
        }
        return dying[point]

    def crash_the_web(self, point: str) -> None:
        web = self.stage.processes["web"]
        before = fallen(web)
        web.arm(f"{point}:{self.chance.randint(2, 6)}")
        wanted = MANY if self.stage.profile.per_point else 1
        self.wait(lambda: fallen(web) >= before + wanted, A_DEATH * wanted)
        web.disarm().await_ready()
        died = fallen(web) - before
        self.done[point] += died
        self.did("web_kill", web, times=died, point=point)

    def crash_the_signer(self, point: str) -> None:
        """It dies over one of its next checkpoints; the one after it begins where that was left."""
        signer = self.stage.processes["signer"]
        signer.arm(f"{point}:{self.chance.randint(1, 2)}")
        self.wait(lambda: not signer.alive, A_SIGNATURE)
        died = int(signer.status == -signal.SIGKILL)
        signer.disarm()
        if not signer.alive:
            signer.start().await_ready()
        self.done[point] += died
        self.did("signer_crash", signer, times=died, point=point)

    def die_withdrawing(self) -> None:
        """Whoever writes the withdrawal down dies over it, and it is said again."""
        died = self.stage.withdraw_dying(f"{WITHDRAWING}:1")
        self.done[WITHDRAWING] += died
        self.did("withdraw_crash", times=died, point=WITHDRAWING)

    def die_erasing(self) -> None:
        """Whoever destroys what is readable dies before the commit, and it is done again."""
        died = self.stage.erase_dying(f"{ERASING}:1")
        self.done[ERASING] += died
        self.did("erase_crash", times=died, point=ERASING)

    def die_rotating(self) -> None:
        """Half of the secrets under the new key, half under the old: all of them open."""
        died = self.stage.rotate_dying(f"{ROTATING}:1")
        self.done[ROTATING] += died
        self.did("rotate_crash", times=died, point=ROTATING)

    def _intake(self) -> str:
        return self.chance.choice(INTAKE)
