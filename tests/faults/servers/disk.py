"""A disk that is full when the test says so: a small file system in memory."""

import contextlib
import errno
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults.servers import reaper

BALLAST = "ballast"
PIECE = b"\0" * 4096


@dataclass(frozen=True)
class SmallDisk:
    path: Path

    def fill(self) -> None:
        """Take every byte that is left."""
        with (self.path / BALLAST).open("ab", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(PIECE)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise

    def free(self) -> None:
        (self.path / BALLAST).unlink(missing_ok=True)


def available() -> bool:
    """Whether this machine lets us mount: asked by doing it once."""
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as folder:
        if not _mount(Path(folder), 1):
            return False
        _unmount(Path(folder))
    return True


@contextlib.contextmanager
def small_disk(megabytes: int) -> Iterator[SmallDisk]:
    """A file system of this size. Only for root: ask `available()` first."""
    with tempfile.TemporaryDirectory(prefix="baton-disk-") as folder:
        path = Path(folder)
        if not _mount(path, megabytes):
            raise RuntimeError("This machine does not let us mount a small disk.")
        reaper.mounted(folder)
        try:
            yield SmallDisk(path)
        finally:
            _unmount(path)


def _mount(path: Path, megabytes: int) -> bool:
    size = f"size={megabytes}m,mode=700"
    made = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(path)]
    return subprocess.run(made, capture_output=True, check=False).returncode == 0


def _unmount(path: Path) -> None:
    subprocess.run(["umount", "-l", str(path)], capture_output=True, check=True)
