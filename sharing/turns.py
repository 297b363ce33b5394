"""A turn at a destination: its rate and its burst, the same for whoever calls or only asks."""

from datetime import timedelta

from destinations.models import Destination
from sharing import limiter


def take(destination: Destination, calls: int = 1) -> timedelta:
    """Take so many calls, or say how long to wait. Zero: they may be made now."""
    return limiter.take(_key(destination), calls=calls, **_limit(destination))


def wait(destination: Destination) -> timedelta:
    """What `take` would say. Takes nothing."""
    return limiter.wait(_key(destination), **_limit(destination))


def hold(destination: Destination, pause: timedelta) -> None:
    """It asked for a pause: nobody calls it before that is over."""
    limiter.hold(_key(destination), pause, **_limit(destination))


def _key(destination: Destination) -> str:
    return f"destination:{destination.pk}"


def _limit(destination: Destination) -> limiter.Limit:
    return {"rate": destination.rate_per_second, "burst": destination.burst}
