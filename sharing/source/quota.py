"""Our own limits on calls to TrainingPeaks, shared by all workers, and the pauses it asks us for.

One limit is on the calls of everybody. The other one is on the readings of each coach: whatever is
announced about their athletes, true or not, cannot use up what everybody has.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from django.conf import settings

from sharing import limiter
from sharing.source.errors import SourceDownError

KEY = "trainingpeaks"
BURST = 2
PATIENCE = 30.0  # seconds a call waits for its turn
UNTOLD = timedelta(seconds=10)  # the pause after a refusal that names none
LONGEST_HOLD = timedelta(hours=1)

LONG = 5.0  # seconds without an answer that others should be spared
SILENCE = timedelta(seconds=15)  # the pause after a call that took so long
BEGINS = timedelta(seconds=2)  # who would wait longer for the first call begins nothing

Pause = Callable[[float], None]


def wait_turn(pause: Pause = time.sleep) -> None:
    """Wait until the call is within our limit. Too long a queue is an answer, too: later."""
    left = PATIENCE
    while wait := limiter.take(KEY, **_limit()):
        seconds = wait.total_seconds() * random.uniform(1.0, 1.2)  # noqa: S311 - jitter, not a secret
        if seconds > left:
            raise SourceDownError("Other calls to TrainingPeaks come first.", retry_after=wait)
        pause(seconds)
        left -= seconds


def hold(asked: timedelta | None) -> None:
    """TrainingPeaks is overloaded: nobody calls it before the pause is over."""
    pause = min(UNTOLD if asked is None else asked, LONGEST_HOLD)
    limiter.hold(KEY, pause, **_limit())


@contextmanager
def spared() -> Iterator[None]:
    """Who waited long for a call and got nothing spares the others that for a while."""
    began = time.monotonic()
    try:
        yield
    except SourceDownError:
        if time.monotonic() - began >= LONG:
            hold(SILENCE)
        raise


def held() -> bool:
    """Whether everybody waits now."""
    return limiter.wait(KEY, **_limit()) > BEGINS


def take_reading(connection: UUID) -> timedelta:
    """Count a reading of this coach's calendars, or say how long they wait. Zero: it may begin."""
    in_an_hour = settings.TRAININGPEAKS_READINGS_PER_HOUR
    return limiter.take(f"{KEY}:{connection}", rate=in_an_hour / 3600, burst=in_an_hour // 2)


def _limit() -> limiter.Limit:
    return {"rate": settings.TRAININGPEAKS_RATE_PER_SECOND, "burst": BURST}
