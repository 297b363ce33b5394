"""One rate limit for all workers, kept in the database (generic cell rate algorithm)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypedDict

from django.db import transaction

from audit.retrying import retried
from sharing import clock
from sharing.models import Limiter

NONE = timedelta(0)


class Limit(TypedDict):
    rate: float  # calls per second
    burst: int


@retried
def take(key: str, *, rate: float, burst: int = 1, calls: int = 1) -> timedelta:
    """Take calls at `rate` per second if they are on time; otherwise say how long to wait.

    Zero means they may go now and have been counted. Anything else means nothing
    was taken.
    """
    with transaction.atomic():
        row, _ = Limiter.objects.select_for_update(no_key=True).get_or_create(key=key)
        now = clock.now()
        early = row.on_time_at - now - _ahead(rate, burst)
        if early > NONE:
            return early
        row.on_time_at = max(row.on_time_at, now) + timedelta(seconds=calls / rate)
        row.save(update_fields=["on_time_at"])
    return NONE


def wait(key: str, *, rate: float, burst: int = 1) -> timedelta:
    """How long `take` would say to wait. Takes nothing."""
    return waits({key: {"rate": rate, "burst": burst}}, clock.now())[key]


def waits(limits: Mapping[str, Limit], now: datetime) -> dict[str, timedelta]:
    """The same for each of them, asked once."""
    rows = Limiter.objects.in_bulk(list(limits))
    early = {key: row.on_time_at - now - _ahead(**limits[key]) for key, row in rows.items()}
    return {key: max(early.get(key, NONE), NONE) for key in limits}


@retried
def hold(key: str, pause: timedelta, *, rate: float, burst: int = 1) -> None:
    """The other side asked for a pause: nobody calls before it is over, also not ahead of time."""
    with transaction.atomic():
        row, _ = Limiter.objects.select_for_update(no_key=True).get_or_create(key=key)
        row.on_time_at = max(row.on_time_at, clock.now() + pause + _ahead(rate, burst))
        row.save(update_fields=["on_time_at"])


def _ahead(rate: float, burst: int) -> timedelta:
    """How much earlier than on time a call may go."""
    return timedelta(seconds=(burst - 1) / rate)
