"""How a connection and its sources are doing, as reading them shows: said once, and recorded."""

from collections.abc import Collection
from datetime import timedelta

from django.db.models import Q

from accounts.models import Athlete, Connection
from audit.log import Log, audited_atomic
from audit.retrying import retried
from sharing import clock, intake, windows
from sharing.models import Hint, Source
from sharing.source.errors import NEEDS_TIME_ZONE, SourceError, SourceRefusedError

FRESH = timedelta(minutes=1)  # no need to write down a sign of life more often


@retried
def worked(
    connection: Connection | None, *, allowed: Collection[str] = (), refused: str = ""
) -> None:
    """The source answered under these scopes, except perhaps for one. Outside any transaction."""
    if connection is None:
        return
    if refused:
        with audited_atomic() as log:
            lacks(connection, SourceRefusedError(refused), log)
        return
    now = clock.now()
    mine = Connection.objects.filter(pk=connection.pk)
    stale = Q(last_ok_at=None) | Q(last_ok_at__lt=now - FRESH)
    mine.filter(stale | ~Q(last_error=""), state=Connection.State.HEALTHY).update(
        last_ok_at=now, last_error=""
    )
    for scope in allowed:
        if mine.filter(state=Connection.State.SCOPE_MISSING, last_error=_missing(scope)).exists():
            _whole_again(connection)


def lacks(connection: Connection | None, error: SourceRefusedError, log: Log) -> None:
    """A scope is missing: the coach must grant it. Said once, not at every try."""
    if connection is None:
        return
    mine, words = Connection.objects.filter(pk=connection.pk), _missing(error.scope)
    changed = mine.filter(state=Connection.State.HEALTHY).update(
        state=Connection.State.SCOPE_MISSING, last_error=words
    )
    mine.filter(state=Connection.State.SCOPE_MISSING).exclude(last_error=words).update(
        last_error=words
    )
    if changed:
        _record(connection, "connection.scope_missing", log, scope=error.scope.replace(":", "."))


def _missing(scope: str) -> str:
    return f"TrainingPeaks does not let us use “{scope}”. Connect again and allow it."[:200]


@retried
def _whole_again(connection: Connection) -> None:
    """The very scope that was missing has just worked."""
    with audited_atomic() as log:
        healed = Connection.objects.filter(
            pk=connection.pk, state=Connection.State.SCOPE_MISSING
        ).update(state=Connection.State.HEALTHY, last_error="", last_ok_at=clock.now())
        if healed:
            _record(connection, "connection.healthy", log)


def suspend(source: Source, state: Source.State, error: SourceError, log: Log) -> None:
    """Stop reading this athlete. The caller saves the row."""
    source.state = state
    athlete = source.athlete
    log.record(
        f"source.{state.value}",
        organisation=athlete.organisation_id,
        subject=athlete.pseudonym,
        outcome=error.code,
    )


def resume(source: Source, log: Log) -> None:
    """Read this athlete again, now. What suspended them stands until that went well."""
    doubt = source.last_error if source.state == Source.State.SUSPENDED else ""
    Source.objects.filter(pk=source.pk).update(
        state=Source.State.ACTIVE,
        failures=0,
        last_error=doubt,
        due_at=clock.now(),
        polled_at=None,  # the next look is the first again
    )
    athlete = source.athlete
    log.record("source.active", organisation=athlete.organisation_id, subject=athlete.pseudonym)
    intake.ask(source, Hint.Kind.SCHEDULE, at_once=True)


@retried
def resume_reconnected() -> int:
    """Sources that waited for their coach, and athletes who have a time zone now."""
    healthy = Q(athlete__connection__state=Connection.State.HEALTHY)
    waiting = Q(state=Source.State.NEEDS_RECONNECT) & healthy
    zoned = Q(state=Source.State.ACTIVE, last_error=NEEDS_TIME_ZONE) & ~Q(athlete__time_zone="")
    found = Source.objects.filter(waiting | zoned, athlete__state=Athlete.State.ACTIVE)
    known = [s for s in found.select_related("athlete") if _reasonable(s)]
    for source in known:
        with audited_atomic() as log:
            resume(source, log)
    return len(known)


def _reasonable(source: Source) -> bool:
    """Not if it waits for a time zone and has one that does not exist."""
    zoned = windows.local_day(source.athlete.time_zone, clock.now()) is not None
    return zoned or source.state != Source.State.ACTIVE


def _record(connection: Connection, action: str, log: Log, **extra: str) -> None:
    log.record(
        action,
        organisation=connection.organisation_id,
        extra={"connection": str(connection.pk), **extra},
    )


def complain(connection: Connection, words: str) -> None:
    """Something about the connection that a person should read."""
    Connection.objects.filter(pk=connection.pk).update(last_error=words[:200])


@retried
def troubled(connection: Connection, error: SourceError) -> None:
    """Looking after a connection failed: a missing scope is a finding, anything else is said."""
    if isinstance(error, SourceRefusedError):
        with audited_atomic() as log:
            lacks(connection, error, log)
    else:
        complain(connection, str(error))
