"""What keeps calendars from being read now, in the words that every page has for it."""

from dataclasses import dataclass

from accounts.models import Connection
from destinations.errors import ErrorKind
from sharing.models import Quarantine, Source
from sharing.reasons import known
from sharing.source.errors import (
    KEPT_LIST,
    LIST_TOO_SHORT,
    NEEDS_TIME_ZONE,
    AthleteDetachedError,
    BadAnswerError,
    NeedsReconnectError,
    SourceRefusedError,
)

CONNECTIONS: dict[str, str] = {
    Connection.State.NEEDS_REAUTH: NeedsReconnectError.code,
    Connection.State.SCOPE_MISSING: SourceRefusedError.code,
}
SOURCES: dict[str, str] = {
    Source.State.NEEDS_RECONNECT: NeedsReconnectError.code,
    Source.State.SUSPENDED: AthleteDetachedError.code,
}


@dataclass(frozen=True)
class Trouble:
    code: str
    kind: ErrorKind

    @property
    def state(self) -> str:
        """How it looks: failing where nothing is read before a person has acted."""
        return "failing" if self.code == NeedsReconnectError.code else "unsteady"


def of_connection(connection: Connection | None) -> Trouble | None:
    """What its state says."""
    return _trouble(CONNECTIONS.get(connection.state, "")) if connection else None


def of_source(source: Source) -> Trouble | None:
    """What its connection says, or its own state, or what the last reading met."""
    theirs = of_connection(source.athlete.connection)
    return theirs or _trouble(SOURCES.get(source.state) or _met(source))


def of_kept(row: Quarantine) -> Trouble | None:
    """What an answer in quarantine means, until it is settled."""
    if row.state != Quarantine.State.OPEN:
        return None
    return _trouble(LIST_TOO_SHORT if row.contract == KEPT_LIST else BadAnswerError.code)


def _met(source: Source) -> str:
    """Only while it lasts: what one look for changes met is over with the next."""
    lasts = source.failures or source.last_error == NEEDS_TIME_ZONE
    return source.last_error if lasts else ""


def _trouble(code: str) -> Trouble | None:
    row = known(code)
    return Trouble(code, row) if row else None
