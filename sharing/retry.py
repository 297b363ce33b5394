"""When to try again. The schedule is a table; nothing waits in the broker."""

import random
from datetime import timedelta

SCHEDULE = tuple(timedelta(seconds=seconds) for seconds in (0, 5, 30, 120, 600, 1_800)) + tuple(
    timedelta(hours=hours) for hours in (1, 2, 4, 6, 8, 12, 18, 24)
)
PAYLOAD_TRIES = 3
PAYLOAD_SPACING = timedelta(minutes=5)  # three tries then span ten minutes or more
LONGEST_RETRY_AFTER = timedelta(hours=24)


def delay(tries: int, retry_after: timedelta | None = None) -> timedelta | None:
    """How long to wait before the next try after `tries` failed ones; None when the schedule is
    over.
    """
    if tries >= len(SCHEDULE):
        return None
    jittered = SCHEDULE[tries] * random.uniform(0.5, 1.5)  # noqa: S311 - jitter, not a secret
    if retry_after is None:
        return jittered
    asked = min(retry_after, LONGEST_RETRY_AFTER)
    return max(jittered, asked) + asked * random.uniform(0, 0.1)  # noqa: S311 - jitter, not a secret


def payload_delay(tries: int) -> timedelta | None:
    """A refused payload is tried a few times more, in case the destination was wrong."""
    return None if tries >= PAYLOAD_TRIES else PAYLOAD_SPACING
