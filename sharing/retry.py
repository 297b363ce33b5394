"""When to try again. The schedule is a table; nothing waits in the broker."""

import random
from collections.abc import Sequence
from datetime import timedelta

from django.db import InterfaceError, OperationalError

from destinations import schedule

SCHEDULE = tuple(timedelta(seconds=seconds) for seconds in schedule.DEFAULT)
CRASHES = 3  # workers in a row that did not come back, before what they had is left alone
PAYLOAD_TRIES = 3
PAYLOAD_SPACING = timedelta(minutes=5)  # three tries then span ten minutes or more
LOOK_AGAIN = timedelta(hours=6)  # at an athlete whom a destination's settings do not list
LONGEST_RETRY_AFTER = timedelta(hours=24)
UNWELL = (OperationalError, InterfaceError)  # the database; other errors of it are about the data
BREATHER = timedelta(seconds=2)  # for a database of ours that has just failed


def delay(
    tries: int, retry_after: timedelta | None = None, *, waits: Sequence[int] | None = None
) -> timedelta | None:
    """How long to wait before the next try after `tries` failed ones; None when the schedule is
    over. `waits` are a destination's own seconds before each try.
    """
    planned = schedule.of(waits)
    if tries >= len(planned):
        return None
    jittered = timedelta(seconds=planned[tries]) * random.uniform(0.5, 1.5)  # noqa: S311 - jitter, not a secret
    if retry_after is None or retry_after < timedelta(0):
        return jittered
    asked = min(retry_after, LONGEST_RETRY_AFTER)
    return max(jittered, asked) + asked * random.uniform(0, 0.1)  # noqa: S311 - jitter, not a secret


def payload_delay(tries: int) -> timedelta | None:
    """A refused payload is tried a few times more, in case the destination was wrong."""
    return None if tries >= PAYLOAD_TRIES else PAYLOAD_SPACING
