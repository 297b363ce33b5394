"""A frozen process that holds SQLite's one write lock holds up everybody: it is ended.

Frozen is who has shown no sign of life for half a minute: no heartbeat in the database and no
time on a processor. Who only waits for the lock, or works on something long, still uses some.
"""

import contextlib
import os
import re
import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from devtools.environment import say

PATIENCE = 30.0  # seconds
_HOST = socket.gethostname()[:32]
_PUMP = re.compile(r"(?P<host>.*):(?P<pid>\d+)\..*")

Sign = tuple[str, int]  # the newest heartbeat, and clock ticks on a processor


@dataclass
class Watch:
    """Looks at the pumps of these process groups, by the database that they beat in."""

    database: Path
    leaders: Callable[[], Iterable[int]]
    patience: float = PATIENCE
    clock: Callable[[], float] = time.monotonic  # stands still while the machine sleeps
    _seen: dict[int, tuple[Sign, float]] = field(default_factory=dict)

    def look(self) -> list[int]:
        """End what is frozen, and say which processes those were."""
        signs, now = self._signs(), self.clock()
        self._seen = {pid: (sign, self._since(pid, sign, now)) for pid, sign in signs.items()}
        frozen = [pid for pid, (_, since) in self._seen.items() if now - since > self.patience]
        for pid in frozen:
            say(f"  A worker process ({pid}) is frozen; ending it.")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return frozen

    def _since(self, pid: int, sign: Sign, now: float) -> float:
        before, since = self._seen.get(pid, (None, now))
        return since if sign == before else now

    def _signs(self) -> dict[int, Sign]:
        ours = set(self.leaders())
        newest: dict[int, str] = {}
        for worker, beat_at in self._beats():
            if (found := _PUMP.fullmatch(worker)) and found["host"] == _HOST:
                pid = int(found["pid"])
                newest[pid] = max(newest.get(pid, ""), beat_at)
        return {pid: (beat, _ticks(pid)) for pid, beat in newest.items() if _leader(pid) in ours}

    def _beats(self) -> list[tuple[str, str]]:
        """Reading waits for no writer. A database that is not there yet has no beats."""
        try:
            with contextlib.closing(
                sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True, timeout=1)
            ) as database:
                return database.execute("SELECT worker, beat_at FROM sharing_heartbeat").fetchall()
        except sqlite3.Error:
            return []


def _leader(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def _ticks(pid: int) -> int:
    """Of all its threads, in user and in kernel mode. Zero when it is gone."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(after_name[11]) + int(after_name[12])
