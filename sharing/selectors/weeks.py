"""A plan as weeks of days: what stands on which day, how much each week holds. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from plans.model import Plan, Session

WEEK = timedelta(days=7)
BAR_HEIGHT = 60


@dataclass(frozen=True)
class Day:
    date: date
    sessions: tuple[Session, ...]
    is_today: bool
    outside: bool  # of the plan's window


@dataclass(frozen=True)
class Week:
    number: int
    days: tuple[Day, ...]

    @property
    def monday(self) -> date:
        return self.days[0].date

    @property
    def sunday(self) -> date:
        return self.days[-1].date

    @cached_property
    def sessions(self) -> tuple[Session, ...]:
        return tuple(session for day in self.days for session in day.sessions)

    @property
    def seconds(self) -> int:
        return sum(session.duration_seconds or 0 for session in self.sessions)

    @property
    def load(self) -> float:
        return sum(session.load or 0 for session in self.sessions)

    @property
    def is_now(self) -> bool:
        return any(day.is_today for day in self.days)


@dataclass(frozen=True)
class Bar:
    """One week in the picture of the plan's volume."""

    label: str
    words: str
    x: int
    height: int
    is_now: bool

    @property
    def top(self) -> int:
        return BAR_HEIGHT - self.height


def weeks(plan: Plan, today: date) -> list[Week]:
    """Whole weeks, Monday to Sunday, from the plan's first day to its last."""
    first = plan.start_date - timedelta(days=plan.start_date.weekday())
    count = (plan.end_date - first).days // 7 + 1
    return [Week(number + 1, _days(plan, first + number * WEEK, today)) for number in range(count)]


def _days(plan: Plan, monday: date, today: date) -> tuple[Day, ...]:
    days = (monday + timedelta(days=offset) for offset in range(7))
    return tuple(
        Day(
            date=day,
            sessions=tuple(s for s in plan.exercise_list if s.date == day),
            is_today=day == today,
            outside=not plan.start_date <= day <= plan.end_date,
        )
        for day in days
    )


def volume(of: Sequence[Week]) -> list[Bar]:
    """The weeks as bars, the fullest one full height."""
    most = max((week.seconds for week in of), default=0) or 1
    return [
        Bar(
            label=f"{week.monday:%-d %b}",
            words=f"Week of {week.monday:%-d %B}: {week.seconds / 3600:.1f} hours",
            x=index * 48,
            height=max(1, round(week.seconds / most * BAR_HEIGHT)),
            is_now=week.is_now,
        )
        for index, week in enumerate(of)
    ]
