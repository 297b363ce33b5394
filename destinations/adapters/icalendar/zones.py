"""Time zones as a calendar file wants them: when each offset begins, in the time before it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard

HOUR = timedelta(hours=1)


def zone_named(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def rules(zone: ZoneInfo, first_year: int, last_year: int) -> Timezone:
    """The zone's offsets from the beginning of one year to the end of another."""
    begins = datetime(first_year, 1, 1, tzinfo=UTC)
    component = Timezone()
    component.add("tzid", zone.key)
    component.add_component(_observance(zone, begins, begins))
    for moment in changes(zone, begins, datetime(last_year + 1, 1, 1, tzinfo=UTC)):
        component.add_component(_observance(zone, moment - timedelta(seconds=1), moment))
    return component


def changes(zone: ZoneInfo, begins: datetime, ends: datetime) -> Iterator[datetime]:
    """The moments at which the clocks change, to the minute."""
    day = timedelta(days=1)
    while begins < ends:
        if _offset(zone, begins) != _offset(zone, begins + day):
            yield _within(zone, begins, begins + day)
        begins += day


def _within(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The first minute of the new offset, which `high` has and `low` has not."""
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) // 2
        middle = middle.replace(second=0, microsecond=0)
        if _offset(zone, middle) == _offset(zone, high):
            high = middle
        else:
            low = middle
    return high


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def _observance(
    zone: ZoneInfo, before: datetime, moment: datetime
) -> TimezoneStandard | TimezoneDaylight:
    local = moment.astimezone(zone)
    part = TimezoneDaylight() if local.dst() else TimezoneStandard()
    offset_before = _offset(zone, before)
    part.add("dtstart", (moment + offset_before).replace(tzinfo=None))
    part.add("tzoffsetfrom", offset_before)
    part.add("tzoffsetto", _offset(zone, moment))
    part.add("tzname", local.tzname() or zone.key)
    return part
