"""What is done regularly for every connection and source, whether or not anybody calls."""

import logging
from collections.abc import Callable
from datetime import date, timedelta

from django.conf import settings
from django.db.models import QuerySet

from accounts.models import Athlete, Connection
from sharing import (
    clock,
    departures,
    guardrails,
    health,
    intake,
    latency,
    polling,
    retry,
    reviving,
    roster,
    subscriptions,
    windows,
)
from sharing.bulk import running
from sharing.bulk.asking import end_stale
from sharing.drift import asking, checks, restoring
from sharing.erasure import finishing
from sharing.models import Hint, Source
from sharing.source.errors import NeedsReconnectError, OwnFaultError, SourceError

logger = logging.getLogger(__name__)

KEEP_HINTS = timedelta(days=7)
NEW = timedelta(minutes=10)  # a connection is new for so long


def sync_all_rosters() -> int:
    return _each(_usable(), roster.sync)


def reconcile_all_subscriptions() -> int:
    return _each(_usable().filter(kind=Connection.Kind.TRAININGPEAKS), subscriptions.reconcile)


def begin_new_connections() -> int:
    """A coach who has just connected should not wait for the next regular look."""
    new = _usable().filter(created_at__gt=clock.now() - NEW, athletes=None)
    return _each(new, _begin)


def _begin(connection: Connection) -> None:
    roster.sync(connection)
    if connection.kind == Connection.Kind.TRAININGPEAKS:
        subscriptions.reconcile(connection)


def _usable() -> QuerySet[Connection]:
    usable = (Connection.State.HEALTHY, Connection.State.SCOPE_MISSING)
    return Connection.objects.filter(state__in=usable).order_by("created_at")


def _each(connections: QuerySet[Connection], work: Callable[[Connection], object]) -> int:
    """One connection's trouble does not cost the others their turn."""
    done = 0
    for connection in connections:
        try:
            work(connection)
        except SourceError as error:
            logger.warning("A connection could not be looked after: %s", error.code)
            if not isinstance(error, NeedsReconnectError):
                health.troubled(connection, error)
        except retry.UNWELL:  # the database is unwell: all would fare alike
            raise
        except Exception:  # one connection's fault is not the others'
            logger.exception("Looking after a connection met a fault; it is tried again later.")
            health.troubled(connection, OwnFaultError())
        else:
            done += 1
    return done


def roll_windows() -> int:
    """Read again where a rolling window has moved on, and everybody once a day.

    The whole reading of the day is the authoritative one: it finds what neither an event
    nor the changed feed told.
    """
    now, asked = clock.now(), 0
    sources = Source.objects.filter(
        state=Source.State.ACTIVE, athlete__state=Athlete.State.ACTIVE
    ).select_related("athlete")
    for source in sources:
        if source.read_at is None or source.dirty_seq > source.clean_seq:
            continue  # it is due already
        if source.read_at < now - windows.WHOLE_EVERY or _moved_on(source):
            intake.ask(source, Hint.Kind.SCHEDULE)
            asked += 1
    return asked


def _moved_on(source: Source) -> bool:
    """Whether a week has begun, where the athlete lives, since the source was read."""
    zone = source.athlete.time_zone
    then = windows.local_day(zone, source.read_at or clock.now())
    today = windows.local_day(zone, clock.now())
    return then is not None and today is not None and _monday(then) != _monday(today)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def forget_old_hints() -> int:
    """Events have served once they are read; a trace needs them for a while."""
    old = Hint.objects.filter(received_at__lt=clock.now() - KEEP_HINTS)
    count, _ = old.delete()
    return count


def _often() -> timedelta:
    """Looks whether anything is due; the polling itself keeps its own distance."""
    return min(timedelta(seconds=30), settings.BATON_POLL_EVERY)


JOBS: tuple[tuple[str, Callable[[], timedelta], Callable[[], object]], ...] = (
    ("poll-sources", _often, polling.poll_due_sources),
    ("begin-new-connections", lambda: timedelta(seconds=5), begin_new_connections),
    ("resume-sources", lambda: timedelta(seconds=15), health.resume_reconnected),
    ("reconcile-subscriptions", lambda: timedelta(minutes=5), reconcile_all_subscriptions),
    (departures.JOB, lambda: timedelta(minutes=30), sync_all_rosters),
    ("roll-windows", lambda: timedelta(minutes=10), roll_windows),
    ("revive-lanes", lambda: timedelta(seconds=5), reviving.revive_due),
    ("finish-erasures", lambda: timedelta(seconds=5), finishing.finish_due),
    ("ask-for-drift-checks", lambda: timedelta(minutes=10), asking.ask_due),
    ("check-drift", lambda: timedelta(seconds=2), checks.run_due),
    ("repair-drift", lambda: timedelta(seconds=2), restoring.repair_due),
    ("carry-out-bulk-actions", lambda: timedelta(seconds=2), running.run_due),
    ("end-old-bulk-actions", lambda: timedelta(minutes=1), end_stale),
    ("watch-guardrails", lambda: timedelta(seconds=15), guardrails.hold_breaches),
    ("forget-latencies", lambda: timedelta(hours=6), latency.forget_old),
    ("forget-hints", lambda: timedelta(hours=6), forget_old_hints),
)

# These wait for TrainingPeaks. A thread that is to be there for deliveries never runs one.
ASK_THE_SOURCE = frozenset(
    {"poll-sources", "begin-new-connections", "reconcile-subscriptions", departures.JOB}
)
