"""Named points at which a test may kill or freeze this process. Unarmed, they cost nothing.

`BATON_CRASHPOINT=P14:2` kills the process with SIGKILL the second time it comes to P14;
`BATON_CRASHPOINT=P14:2:stop` freezes it with SIGSTOP instead.
"""

import os
import signal
import threading

_armed = os.environ.get("BATON_CRASHPOINT", "")
_lock = threading.Lock()
_hits = 0


def armed(name: str) -> bool:
    """Whether a test means to stop this process at that point."""
    return bool(_armed) and _armed.partition(":")[0] == name


def crashpoint(name: str) -> None:
    if armed(name):
        _hit()


def _hit() -> None:
    global _hits  # noqa: PLW0603 - one count for all threads of the process
    _, wanted, how = (*_armed.split(":"), "1", "kill")[:3]
    with _lock:
        _hits += 1
        due = _hits == int(wanted or 1)
    if due:
        os.kill(os.getpid(), signal.SIGSTOP if how == "stop" else signal.SIGKILL)
