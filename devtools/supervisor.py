"""The processes of one machine: started together, restarted when they fall, stopped in order."""

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from devtools.environment import ROOT, Problem, say

PR_SET_PDEATHSIG = 1
LONGEST_REST = 15.0  # seconds between two starts of a process that keeps falling
STEADY = 30.0  # seconds after which a process counts as well again


@dataclass
class Program:
    """One process: how it starts, when it is ready, how long it may take to stop."""

    name: str
    command: list[str]
    ready: Callable[[], bool] = lambda: True
    patience: float = 30.0
    stop_signal: signal.Signals = signal.SIGTERM
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    falls: int = 0
    started: float = 0.0

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Starts programs in the given order and stops them in the order of `stop_order`."""

    def __init__(self, programs: list[Program], env: dict[str, str], logs: Path) -> None:
        self.programs = programs
        self.env = {**os.environ, **env}
        self.logs = logs
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        for program in self.programs:
            self._spawn(program)
            self._await(program)
        self._watcher.start()

    def stop(self, order: list[str]) -> None:
        """Stop cleanly, each one after the one that feeds it."""
        self._stopping.set()
        by_name = {program.name: program for program in self.programs}
        rest = [program.name for program in self.programs if program.name not in order]
        for name in [*order, *rest]:
            if name in by_name:
                _stop(by_name[name])

    def _spawn(self, program: Program) -> None:
        with (self.logs / f"{program.name}.log").open("ab") as log:
            program.process = subprocess.Popen(
                program.command,
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - Linux's own way to leave no orphan
                start_new_session=True,
            )
        program.started = time.monotonic()

    def _await(self, program: Program) -> None:
        deadline = time.monotonic() + program.patience
        while time.monotonic() < deadline:
            if not program.alive():
                raise Problem(f"{program.name} did not start:\n{self._tail(program)}")
            if program.ready():
                return
            time.sleep(0.1)
        raise Problem(f"{program.name} was not ready in time:\n{self._tail(program)}")

    def _tail(self, program: Program) -> str:
        text = (self.logs / f"{program.name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-15:])

    def _watch(self) -> None:
        while not self._stopping.wait(0.5):
            for program in self.programs:
                if not program.alive():
                    self._revive(program)

    def _revive(self, program: Program) -> None:
        """Start it again, a little later each time it falls soon after its start."""
        soon = time.monotonic() - program.started < STEADY
        program.falls = program.falls + 1 if soon else 1
        rest = min(0.5 * 2 ** (program.falls - 1), LONGEST_REST)
        code = program.process.returncode if program.process else None
        say(f"  {program.name} ended ({code}); starting it again in {rest:.1f} s.")
        if not self._stopping.wait(rest):
            self._spawn(program)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _stop(program: Program) -> None:
    process = program.process
    if process is None or process.poll() is not None:
        return
    process.send_signal(program.stop_signal)
    try:
        process.wait(program.patience)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)
