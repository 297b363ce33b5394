"""Which days a plan covers, and what of a difference is a change and not only time passing."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta

from plans.model import Session, in_order

SLICE = 42  # days: the source refuses more than 45


def rolling_window(today: date, weeks: int) -> tuple[date, date]:
    """From this week's Monday, so many whole weeks. Both days are inside."""
    monday = today - timedelta(days=today.weekday())
    return monday, monday + timedelta(weeks=weeks, days=-1)


def slices(start: date, end: date, days: int = SLICE) -> Iterator[tuple[date, date]]:
    """The days from start to end in pieces of at most `days`. Both ends of each are inside."""
    while start <= end:
        last = min(end, start + timedelta(days=days - 1))
        yield start, last
        start = last + timedelta(days=1)


def carry_over(
    before: Iterable[Session], after: Sequence[Session], window_start: date
) -> tuple[Session, ...]:
    """What of the earlier version still counts: not the sessions that the window has left behind.

    One that was left behind but is back on a later day has been moved, so it counts.
    """
    present = {session.item_id for session in after}
    return in_order(
        session for session in before if session.date >= window_start or session.item_id in present
    )


def keep_hidden_figures(before: Iterable[Session], after: Iterable[Session]) -> tuple[Session, ...]:
    """For a basic athlete the source hides load and intensity: hidden is not taken away.

    The figures of the earlier version stay as long as the rest of the training does.
    """
    earlier = {session.item_id: session for session in before}
    return in_order(_with_figures(session, earlier.get(session.item_id)) for session in after)


def _with_figures(session: Session, earlier: Session | None) -> Session:
    if earlier is None or _training(session) != _training(earlier):
        return session
    hidden = {
        name: getattr(earlier, name)
        for name in ("load", "intensity_factor")
        if getattr(session, name) is None
    }
    return session.model_copy(update=hidden)


def _training(session: Session) -> tuple[object, ...]:
    return (session.sport, session.duration_seconds, session.distance_meters, session.intervals)
