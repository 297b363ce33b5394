"""A turn at a destination: the pause it asked for, then its rate and its burst; the same for
whoever calls or only asks.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from audit.retrying import retried
from destinations.models import Destination
from sharing import clock, limiter, retry
from sharing.limiter import NONE


def take(destination: Destination, calls: int = 1) -> timedelta:
    """Take so many calls, or say how long to wait. Zero: they may be made now."""
    return _pause(destination) or limiter.take(
        _key(destination), calls=calls, **_limit(destination)
    )


def waits(destinations: Collection[Destination]) -> dict[UUID, timedelta]:
    """What `take` would say at each, by these rows. Takes nothing."""
    now = clock.now()
    early = limiter.waits({_key(each): _limit(each) for each in destinations}, now)
    return {each.pk: _left(each.held_until, now) or early[_key(each)] for each in destinations}


@retried
def hold(destination_id: UUID, pause: timedelta | None) -> None:
    """It asked for a pause, which it says for all: nobody calls it before that is over."""
    if pause is None or pause <= NONE:
        return
    until = clock.now() + min(pause, retry.LONGEST_RETRY_AFTER)
    lesser = Q(held_until=None) | Q(held_until__lt=until)
    Destination.objects.filter(lesser, pk=destination_id).update(held_until=until)


def _pause(destination: Destination) -> timedelta:
    """As the row says now: a person may have lifted it."""
    rows = Destination.objects.filter(pk=destination.pk, held_until__isnull=False)
    return _left(rows.values_list("held_until", flat=True).first(), clock.now())


def _left(until: datetime | None, now: datetime) -> timedelta:
    return max(until - now, NONE) if until else NONE


def _key(destination: Destination) -> str:
    return f"destination:{destination.pk}"


def _limit(destination: Destination) -> limiter.Limit:
    return {"rate": destination.rate_per_second, "burst": destination.burst}
