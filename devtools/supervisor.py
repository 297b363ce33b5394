"""The processes of one machine: started together, restarted when they fall, stopped in order."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from devtools.environment import ROOT, Problem, say
from devtools.frozen import Watch
from devtools.processes import dying_with_parent, end_group

LONGEST_REST = 15.0  # seconds between two starts of a process that keeps falling
STEADY = 30.0  # seconds after which a process counts as well again
LOOK_EVERY = 0.5


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
    again_at: float | None = None

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Starts programs in the given order and stops them in the order of `stop_order`."""

    def __init__(
        self,
        programs: list[Program],
        env: dict[str, str],
        logs: Path,
        *,
        database: Path | None = None,
    ) -> None:
        """`database` is the SQLite file that the programs share, if they do."""
        self.programs = programs
        self.env = {**os.environ, **env}
        self.logs = logs
        self._frozen = Watch(database, self._leaders) if database else None
        self._stopping = threading.Event()
        self._stopped = threading.Event()
        self._spawning = threading.Lock()
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self) -> None:
        self.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        for program in self.programs:
            self._spawn(program)
            self._await(program)
        self._watcher.start()

    def stop(self, order: list[str]) -> None:
        """Stop cleanly, each one after the one that feeds it."""
        self._stopping.set()
        by_name = {program.name: program for program in self.programs}
        rest = [program.name for program in self.programs if program.name not in order]
        with self._spawning:  # nobody is being started now, and nobody will be
            for name in [*order, *rest]:
                if name in by_name:
                    _stop(by_name[name])
        self._stopped.set()

    def _spawn(self, program: Program) -> None:
        with self._spawning:
            if self._stopping.is_set():
                return
            with (self.logs / f"{program.name}.log").open("ab") as log:
                program.process = subprocess.Popen(
                    program.command,
                    cwd=ROOT,
                    env=self.env,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    preexec_fn=dying_with_parent(),  # noqa: PLW1509 - Linux's own way to leave no orphan
                    start_new_session=True,
                )
        program.started, program.again_at = time.monotonic(), None

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
        """What this thread starts dies with this thread: it stays until all are stopped."""
        while not self._stopping.wait(LOOK_EVERY):
            for program in self.programs:
                if not program.alive():
                    self._revive(program)
            if self._frozen:
                self._frozen.look()
        self._stopped.wait()

    def _leaders(self) -> list[int]:
        return [each.process.pid for each in self.programs if each.process and each.alive()]

    def _revive(self, program: Program) -> None:
        """Start it again, a little later each time it falls soon after its start."""
        now = time.monotonic()
        if program.again_at is None:
            program.falls = program.falls + 1 if now - program.started < STEADY else 1
            rest = min(LOOK_EVERY * 2 ** (program.falls - 1), LONGEST_REST)
            program.again_at = now + rest
            if program.process:
                end_group(program.process.pid)
                say(
                    f"  {program.name} ended ({program.process.returncode}); "
                    f"starting it again in {rest:.1f} s."
                )
        elif now >= program.again_at:
            self._spawn(program)


def _stop(program: Program) -> None:
    process = program.process
    if process is None:
        return
    if process.poll() is None:
        process.send_signal(program.stop_signal)
        try:
            process.wait(program.patience)
        except subprocess.TimeoutExpired:
            end_group(process.pid)
            process.wait(5)
    end_group(process.pid)
