"""Waiting is always for a condition, with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def until(
    found: Callable[[], Found], *, seconds: float, every: float = 0.05, why: str = ""
) -> Found:
    """What `found()` returns once it is something. Raises TimeoutError after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        if time.monotonic() > deadline:
            raise TimeoutError(why or "It did not happen.")
        time.sleep(every)
    return value
