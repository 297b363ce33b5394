"""One process in a group of its own: started, killed, frozen, armed, started again."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from devtools.environment import ROOT
from tests.faults.build.aimed import FILE
from tests.faults.servers import reaper

READY_WITHIN = 60.0  # seconds; a few on an idle machine
LOOK_EVERY = 0.02


@dataclass
class Process:
    """A command with its environment and its log. It stays down when it falls, until `start`.

    `ready` says whether it has come up; `user` runs it as somebody else when we are root.
    """

    name: str
    command: list[str]
    env: Mapping[str, str]
    log: Path
    ready: Callable[["Process"], bool] = lambda _: True
    user: str | None = None
    code: Path = ROOT  # of another release, where one is to run beside this one
    _running: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    _said_before: int = 0

    # --- its life --------------------------------------------------------------------------

    def start(self) -> Self:
        """Start it, without waiting until it is ready."""
        assert not self.alive, f"{self.name} runs already."
        self._leave_nothing()
        self._said_before = len(self.said())
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                self.command,
                cwd=self.code,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=reaper.watched(),  # noqa: PLW1509 - the only moment nothing can be lost
                **_as(self.user),
            )
        return self

    def await_ready(self, seconds: float = READY_WITHIN) -> Self:
        deadline = time.monotonic() + seconds
        while not self.ready(self):
            if not self.alive or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not come up:\n{self.tail()}")
            time.sleep(LOOK_EVERY)
        return self

    def restart(self) -> Self:
        """Kill it if it lives, and start it again."""
        self.kill()
        return self.start()

    def arm(self, crashpoint: str) -> Self:
        """Arm a crash point in it as it runs, for instance `P14:1` or `P16:1:stop`: each of its
        processes counts from now on, and so does each that takes the place of one that died.
        """
        written = self._armed.with_suffix(".new")
        written.write_text(crashpoint)
        written.replace(self._armed)
        return self

    def disarm(self) -> Self:
        """Nobody dies any more; who is down stays down."""
        self._armed.unlink(missing_ok=True)
        return self

    @property
    def _armed(self) -> Path:
        return Path(self.env[FILE])

    # --- what befalls it --------------------------------------------------------------------

    def kill(self) -> None:
        """SIGKILL for the whole group."""
        if self._running is not None:
            self.signal(signal.SIGKILL)
            self._running.wait(10)
            self._leave_nothing()

    def stop(self, number: signal.Signals = signal.SIGTERM, patience: float = 40.0) -> int:
        """Ask it to end; its exit status. Raises TimeoutExpired when it does not listen."""
        assert self._running is not None, f"{self.name} never ran."
        with contextlib.suppress(ProcessLookupError):
            self._running.send_signal(number)
        status = self._running.wait(patience)
        self._leave_nothing()
        return status

    def freeze(self) -> None:
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def signal(self, number: signal.Signals) -> None:
        """To every process of the group."""
        if self._running is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._running.pid, number)

    # --- how it is ---------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        return self._running is not None and self._running.poll() is None

    @property
    def pid(self) -> int:
        assert self._running is not None, f"{self.name} never ran."
        return self._running.pid

    @property
    def status(self) -> int | None:
        """Its exit status; minus the number of the signal that ended it; None while it runs."""
        return self._running.poll() if self._running is not None else None

    @property
    def frozen(self) -> bool:
        """Whether a signal has stopped it, for instance at an armed crash point."""
        return self.alive and state_of(self.pid) in {"T", "t"}

    def asleep(self) -> bool:
        """Whether any process of the group is stopped, for instance a child of a worker."""
        return self.alive and any(
            state in {"T", "t"} for group, state in _groups() if group == self.pid
        )

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def said_lately(self) -> str:
        """What it has said since it was started last."""
        return self.said()[self._said_before :]

    def tail(self, lines: int = 30) -> str:
        return "\n".join(self.said().splitlines()[-lines:])

    def _leave_nothing(self) -> None:
        """End what a fallen leader left behind, for instance its pool."""
        if self._running is not None:
            self.signal(signal.SIGKILL)
            self._running.wait(10)
            reaper.ended(self._running.pid)


def _groups() -> Iterator[tuple[int, str]]:
    """The process group and the state of everything that runs on this machine."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, group, *_ = path.read_text().rpartition(")")[2].split()
            yield int(group), state


def state_of(pid: int) -> str:
    """The kernel's letter for it: R, S, T …"""
    text = Path(f"/proc/{pid}/stat").read_text()
    return text.rpartition(")")[2].split()[0]


def _as(user: str | None) -> dict[str, Any]:
    if user is None or os.geteuid() != 0:
        return {}
    return {"user": user, "group": user, "extra_groups": []}
