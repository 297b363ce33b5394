"""Which days each of an athlete's plans covers today, and which of them are worth reading."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from plans.window import rolling_window
from sharing.models import Plan

WHOLE_EVERY = timedelta(hours=24)  # each athlete is read as a whole so often at least
FARTHEST = timedelta(days=364)  # the source shows no day more than a year ahead
LAID_TO_REST = timedelta(days=14)  # a block that ended earlier is history


@dataclass(frozen=True)
class Window:
    """Both days are inside."""

    start: date
    end: date

    def holds(self, day: date) -> bool:
        return self.start <= day <= self.end


def local_day(time_zone: str, moment: datetime) -> date | None:
    """The day on the athlete's wall. Not known when the zone is not: UTC would be a guess."""
    try:
        return moment.astimezone(ZoneInfo(time_zone)).date() if time_zone else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def window_of(plan: Plan, moment: datetime) -> Window | None:
    """The days to read for this plan, or None: no time zone to roll by, or nothing left to read."""
    today = local_day(plan.athlete.time_zone, moment)
    if plan.kind == Plan.Kind.ROLLING:
        return Window(*rolling_window(today, plan.weeks)) if today else None
    return _block(plan, today or moment.date())


def _block(plan: Plan, today: date) -> Window | None:
    if plan.starts_on is None or plan.ends_on is None or plan.ends_on < today - LAID_TO_REST:
        return None
    end = min(plan.ends_on, today + FARTHEST)
    return Window(plan.starts_on, end) if plan.starts_on <= end else None


def needs_time_zone(plan: Plan) -> bool:
    known = local_day(plan.athlete.time_zone, datetime.now(UTC)) is not None
    return plan.kind == Plan.Kind.ROLLING and not known


def joined(windows: Iterable[Window]) -> list[Window]:
    """The same days with each day once: overlapping and touching windows become one."""
    result: list[Window] = []
    for window in sorted(windows, key=lambda window: (window.start, window.end)):
        if result and window.start <= result[-1].end + timedelta(days=1):
            result[-1] = Window(result[-1].start, max(result[-1].end, window.end))
        else:
            result.append(window)
    return result
