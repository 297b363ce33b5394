"""Processes of ours never outlive us, and two of us never share one directory."""

import contextlib
import ctypes
import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # loaded here: nothing may be loaded between fork and exec


def dying_with_parent() -> Callable[[], None]:
    """For `preexec_fn`: the child is told to end when the thread that started it ends."""
    parent = os.getpid()

    def tie() -> None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the tie held
            os._exit(1)

    return tie


def end_group(leader: int) -> None:
    """End what a session leader of ours left behind, for instance the pool of a killed worker."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


@contextlib.contextmanager
def held(path: Path, *, patiently: bool = False) -> Iterator[bool]:
    """Hold this lock file; False when another living process holds it and we do not wait."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if patiently else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
