"""One rate limit for all workers, kept in the database (generic cell rate algorithm)."""

from datetime import datetime, timedelta

from django.db import transaction

from audit.retrying import retried
from sharing import clock
from sharing.models import Limiter


@retried
def take(key: str, *, rate: float, burst: int = 1) -> timedelta:
    """Take one call at `rate` per second if it is on time; otherwise say how long to wait.

    Zero means the call may go now and has been counted. Anything else means nothing
    was taken.
    """
    interval = timedelta(seconds=1 / rate)
    with transaction.atomic():
        row, _ = Limiter.objects.select_for_update(no_key=True).get_or_create(key=key)
        now = clock.now()
        early = _early(row.on_time_at, now, rate, burst)
        if early > timedelta(0):
            return early
        row.on_time_at = max(row.on_time_at, now) + interval
        row.save(update_fields=["on_time_at"])
    return timedelta(0)


@retried
def hold(key: str, pause: timedelta) -> None:
    """The other side asked for a pause: nobody calls before it is over."""
    with transaction.atomic():
        row, _ = Limiter.objects.select_for_update(no_key=True).get_or_create(key=key)
        row.on_time_at = max(row.on_time_at, clock.now() + pause)
        row.save(update_fields=["on_time_at"])


def on_time(key: str, now: datetime) -> bool:
    """Whether a call could go now. Takes nothing."""
    return not Limiter.objects.filter(key=key, on_time_at__gt=now).exists()


def wait(key: str, *, rate: float, burst: int = 1) -> timedelta:
    """How long `take` would say to wait. Takes nothing."""
    row = Limiter.objects.filter(key=key).first()
    early = _early(row.on_time_at, clock.now(), rate, burst) if row else timedelta(0)
    return max(early, timedelta(0))


def _early(on_time_at: datetime, now: datetime, rate: float, burst: int) -> timedelta:
    """How much too early a call would be now; a burst may go ahead of its time."""
    return on_time_at - now - timedelta(seconds=1 / rate) * (burst - 1)
