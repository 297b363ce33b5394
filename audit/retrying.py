"""Doing a transaction again that the database gave up for reasons of its own.

Only whole ones: inside of an open transaction nothing is repeated, because what came before
would be lost. What is repeated must be free of calls to others, and mean the same twice.
"""

import logging
import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, connection

logger = logging.getLogger(__name__)

AGAIN = 3  # times, after the first
JITTER = 0.1  # seconds, times the number of tries so far
# serialization_failure, deadlock_detected, lock_not_available, and the end of a transaction in
# which whoever began it has slept: all of it is undone, and nothing of it was committed
GIVEN_UP = frozenset({"40001", "40P01", "55P03", "25P03"})
BUSY = ("database is locked", "database table is locked", "database schema is locked")

P = ParamSpec("P")
T = TypeVar("T")


def retried_within(seconds: float) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Run a whole transaction again, three times at most, when the database gave it up.

    No further try begins so many seconds after the first: then the failure is the caller's.
    """

    def decorate(work: Callable[P, T]) -> Callable[P, T]:
        @wraps(work)
        def patient(*args: P.args, **kwargs: P.kwargs) -> T:
            if connection.in_atomic_block:
                return work(*args, **kwargs)
            ends = time.monotonic() + seconds
            for tried in range(AGAIN):
                try:
                    return work(*args, **kwargs)
                except DatabaseError as error:
                    if not given_up(error) or time.monotonic() > ends:
                        raise
                    logger.info("The database gave a transaction up; once more (%d).", tried + 1)
                time.sleep(random.uniform(0, JITTER * (tried + 1)))  # noqa: S311 - jitter, not a secret
            return work(*args, **kwargs)

        return patient

    return decorate


retried = retried_within(12.0)


def given_up(error: DatabaseError) -> bool:
    """Whether nothing is wrong with the transaction itself: it met another one, or slept."""
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        return state in GIVEN_UP
    return str(error).startswith(BUSY)
