"""Ends what a test began, even when the test itself is killed: a process that waits for us to end.

Every process writes its group's number into the reaper's pipe before it becomes its program,
so nothing can be started and forgotten. When the last writer is gone, the reaper kills the
groups and takes the mounts down. As a program: `python reaper.py`, with the pipe as its input.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import cache

ADDED, ENDED, MOUNTED = b"+", b"-", b"m"


@cache
def _pipe() -> int:
    """The pipe to this process's reaper, which is started on first use."""
    reading, writing = os.pipe()
    subprocess.Popen(
        [sys.executable, "-S", __file__], stdin=reading, start_new_session=True, close_fds=True
    )
    os.close(reading)
    return writing


def watched() -> Callable[[], None]:
    """For `preexec_fn`, with a session of its own: the child tells the reaper of itself."""
    pipe = _pipe()

    def tell() -> None:
        os.write(pipe, b"%s%d\n" % (ADDED, os.getpid()))

    return tell


def began(group: int) -> None:
    """A group that could not tell of itself, because somebody else started it for us."""
    os.write(_pipe(), b"%s%d\n" % (ADDED, group))


def ended(group: int) -> None:
    """This group is gone; its number may come to belong to somebody else."""
    os.write(_pipe(), b"%s%d\n" % (ENDED, group))


def mounted(path: str) -> None:
    os.write(_pipe(), b"%s%s\n" % (MOUNTED, os.fsencode(path)))


def main() -> None:
    groups: set[int] = set()
    mounts: list[bytes] = []
    for line in sys.stdin.buffer:
        mark, said = line[:1], line[1:].strip()
        if mark == ADDED:
            groups.add(int(said))
        elif mark == ENDED:
            groups.discard(int(said))
        else:
            mounts.append(said)
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
    for path in mounts:
        subprocess.run(["umount", "-l", path], stderr=subprocess.DEVNULL, check=False)


if __name__ == "__main__":
    main()
