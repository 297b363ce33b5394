"""What follows from an error of the source, beside trying again."""

from uuid import UUID

from audit.log import Log, audited_atomic
from audit.retrying import retried
from sharing import health, quarantine
from sharing.models import Source
from sharing.source.errors import (
    AthleteDetachedError,
    BadAnswerError,
    NeedsReconnectError,
    SourceError,
    SourceRefusedError,
)


@retried
def follows(source_id: UUID, error: SourceError) -> None:
    """The consequence alone, in a transaction of its own."""
    with audited_atomic() as log:
        row = Source.objects.select_for_update(of=("self",), no_key=True).select_related("athlete")
        source = row.filter(pk=source_id).first()
        if source is None:
            return  # the athlete was erased meanwhile
        consequence(source, error, log)
        source.last_error = error.code
        source.save(update_fields=["state", "last_error"])


def consequence(source: Source, error: SourceError, log: Log) -> None:
    """Part of the caller's transaction; the caller saves the row."""
    match error:
        case BadAnswerError():
            quarantine.keep(source, error, log)
        case AthleteDetachedError():
            health.suspend(source, Source.State.SUSPENDED, error, log)
        case NeedsReconnectError():
            health.suspend(source, Source.State.NEEDS_RECONNECT, error, log)
        case SourceRefusedError():
            health.lacks(source.athlete.connection, error, log)
