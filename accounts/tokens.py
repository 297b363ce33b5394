"""Access tokens: renewed early, by one worker at a time, and never while a transaction is open.

A refresh token may work only once, so the worker that renews takes a lease on the row; the
others wait and read what it brought. A new pair is stored before it is used.
"""

import random
import time
from datetime import datetime
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import Case, F, Q, Value, When

from accounts import oauth, provider
from accounts.models import Connection
from audit.crashpoint import crashpoint
from audit.log import audited_atomic, now
from audit.retrying import retried

EARLY = 0.2  # of its life left: renew now
PATIENCE = 5.0  # seconds to wait for the worker that renews: it may have died
LOOK_EVERY = 0.1


class NeedsReauthError(Exception):
    """The coach must connect again: the refresh token is refused."""


class TokenUnavailableError(Exception):
    """No token right now; the refresh token is kept and it may work later."""


def fresh_access_token(connection_id: UUID, *, refused: str | None = None) -> str:
    """A token that is good for a while. `refused` is one that the server did not take.

    Raises NeedsReauthError or TokenUnavailableError.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        connection = Connection.objects.get(pk=connection_id)
        _check(connection)
        moment = now()  # at the database: a worker's own clock may be wrong
        if not _stale(connection, refused, moment):
            return str(connection.access_token)
        spare = refused is None and not _expired(connection, moment)
        owner = _lease(connection, moment)
        if owner:
            return _renew(connection, owner, spare=spare)
        if spare:
            return str(connection.access_token)  # another worker renews it; this one still works
        time.sleep(LOOK_EVERY)
    raise TokenUnavailableError("Another worker is renewing the token and takes too long.")


def _check(connection: Connection) -> None:
    ended = connection.state in {Connection.State.NEEDS_REAUTH, Connection.State.DISCONNECTED}
    if ended or not connection.refresh_token:
        raise NeedsReauthError("This connection must be made again.")


def _stale(connection: Connection, refused: str | None, moment: datetime) -> bool:
    if refused is not None:
        return connection.access_token == refused
    if connection.expires_at is None or connection.lifetime is None:
        return True
    early = connection.lifetime * EARLY * random.uniform(0.8, 1.2)  # noqa: S311 - jitter, not a secret
    return connection.expires_at - early <= moment


def _expired(connection: Connection, moment: datetime) -> bool:
    return connection.expires_at is None or connection.expires_at <= moment


def _lease(connection: Connection, moment: datetime) -> str:
    """Take the right to renew this generation, or return the empty text."""
    owner = uuid4().hex
    free = Q(refresh_lease_until=None) | Q(refresh_lease_until__lt=moment)
    taken = Connection.objects.filter(
        free, pk=connection.pk, generation=connection.generation
    ).update(refresh_lease_until=moment + settings.BATON_REFRESH_LEASE, refresh_owner=owner)
    return owner if taken else ""


def _renew(connection: Connection, owner: str, *, spare: bool) -> str:
    """Ask for a new pair. With a spare token, one that still works, trouble can wait."""
    crashpoint("P08")
    try:
        pair = provider.refresh(str(connection.refresh_token))
    except provider.Refused as refusal:
        return _refused(connection, str(refusal))
    except provider.Unreachable as error:
        _release(connection, owner, error=str(error))
        if spare:
            return str(connection.access_token)
        raise TokenUnavailableError(f"TrainingPeaks gave no token ({error}).") from None
    crashpoint("P09")
    row = _keep(connection, pair)
    crashpoint("P10")
    if row.state == Connection.State.DISCONNECTED:
        provider.deauthorize(pair.access)  # it came too late: nobody is to hold it
    return _token_of(row)


@retried
def _keep(connection: Connection, pair: provider.TokenPair) -> Connection:
    """Store the pair, unless the coach connected anew or ended it meanwhile: that counts more."""
    with audited_atomic() as log:
        row = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        if row.generation != connection.generation:
            return row
        oauth.store(row, pair)
        row.refresh_lease_until, row.refresh_owner = None, ""
        row.save()
        log.record(
            "connection.refreshed",
            organisation=row.organisation_id,
            extra={"connection": str(row.pk), "generation": row.generation},
        )
    return row


def _token_of(row: Connection) -> str:
    _check(row)
    return str(row.access_token)


@retried
def _refused(connection: Connection, code: str) -> str:
    """Refused: unless the coach connected anew or ended it meanwhile, that must be done again."""
    with audited_atomic() as log:
        row = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        if row.generation != connection.generation:
            return _token_of(row)
        row.state = Connection.State.NEEDS_REAUTH
        row.last_error = code[:200]
        row.refresh_lease_until, row.refresh_owner = None, ""
        row.save()
        log.record(
            "connection.needs_reauth",
            organisation=row.organisation_id,
            extra={"connection": str(row.pk)},
        )
    raise NeedsReauthError("TrainingPeaks refused to renew the access.")


def _release(connection: Connection, owner: str, *, error: str) -> None:
    Connection.objects.filter(pk=connection.pk, refresh_owner=owner).update(
        refresh_lease_until=None,
        refresh_owner="",
        refresh_error=error[:200],
        last_error=Case(
            When(state=Connection.State.SCOPE_MISSING, then=F("last_error")),
            default=Value(error[:200]),
        ),
    )
