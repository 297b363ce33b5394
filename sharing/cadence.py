"""When a change on a route is due: at once, or at the next hour, night or week of the athlete."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sharing.models import Route


def zone_of(name: str) -> ZoneInfo:
    """The athlete's time zone; an athlete whose zone is unknown is scheduled by UTC, never planned
    by it.
    """
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def due_at(route: Route, *, time_zone: str, now: datetime, urgent: bool) -> datetime:
    if urgent and route.urgent_at_once:
        return now
    match route.cadence:
        case Route.Cadence.HOURLY:
            return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        case Route.Cadence.NIGHTLY:
            return _next_local(route, zone_of(time_zone), now, weekday=None)
        case Route.Cadence.WEEKLY:
            return _next_local(route, zone_of(time_zone), now, weekday=route.weekday)
    return now


def _next_local(route: Route, zone: ZoneInfo, now: datetime, *, weekday: int | None) -> datetime:
    """The next time the athlete's clock shows the route's time (on that weekday).

    Once per local day.
    """
    day = now.astimezone(zone).date()
    for _ in range(15):
        if weekday is None or day.weekday() == weekday:
            moment = datetime.combine(day, route.local_time, zone).astimezone(UTC)
            if moment > now:
                return moment
        day += timedelta(days=1)
    raise AssertionError("A weekday comes round within a fortnight.")
