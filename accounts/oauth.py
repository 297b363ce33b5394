"""Connecting TrainingPeaks: begun and finished by the same browser, once, within ten minutes."""

import secrets
from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256

from django.conf import settings
from django.db import transaction

from accounts import provider, roles
from accounts.models import Connection, OAuthFlow, Organisation, User
from audit import log as at_the_database
from audit.log import audited_atomic
from audit.retrying import retried

LIFETIME = timedelta(minutes=10)
FORGOTTEN = timedelta(days=1)
MIXED_UP = "This authorisation does not belong to this browser, or it was used before. Start again."


class ConnectRefused(Exception):  # noqa: N818 - reads as the sentence it is
    """Why TrainingPeaks could not be connected, in words for the coach."""


def new_browser() -> str:
    """Something that only one browser session knows."""
    return secrets.token_urlsafe(32)


def start(user: User, organisation: Organisation, browser: str) -> str:
    """Begin, and return the address to send the coach to. `browser` identifies the session."""
    OAuthFlow.objects.filter(started_at__lt=at_the_database.now() - FORGOTTEN).delete()
    state = secrets.token_urlsafe(32)
    verifier = secrets.token_urlsafe(64) if settings.TRAININGPEAKS_PKCE else None
    OAuthFlow.objects.create(
        state_digest=_digest(state),
        session_digest=_digest(browser),
        user=user,
        organisation=organisation,
        code_verifier=verifier,
        started_at=at_the_database.now(),
    )
    return provider.authorization_url(state, verifier)


def complete(user: User, browser: str, *, state: str, code: str, error: str = "") -> Connection:
    """Finish: check whose it is, trade the code for tokens, and store them sealed."""
    flow = _take(user, browser, state)
    if error:
        raise ConnectRefused(
            "TrainingPeaks says that access was not allowed. Nothing was connected."
        )
    if not code:
        raise ConnectRefused("TrainingPeaks sent no code. Start again.")
    try:
        pair = provider.exchange(code, flow.code_verifier)
    except provider.Refused:
        raise ConnectRefused("TrainingPeaks refused the code. Start again.") from None
    except provider.Unreachable:
        raise ConnectRefused("TrainingPeaks did not answer properly. Try again later.") from None
    return _keep(flow, pair)


def _take(user: User, browser: str, state: str) -> OAuthFlow:
    """Use the flow up, so that nobody can use it again, whatever happens next."""
    with transaction.atomic():
        flow = (
            OAuthFlow.objects.select_for_update(no_key=True)
            .filter(state_digest=_digest(state))
            .first()
        )
        if flow is None or flow.used_at is not None:
            raise ConnectRefused(MIXED_UP)
        flow.used_at = at_the_database.now()
        flow.save(update_fields=["used_at"])
    same_browser = secrets.compare_digest(flow.session_digest, _digest(browser))
    if flow.user_id != user.pk or not same_browser:
        raise ConnectRefused(MIXED_UP)
    roles.require(user, "manage_connection", flow.organisation)  # as it is today
    if flow.started_at < at_the_database.now() - LIFETIME:
        raise ConnectRefused("This took longer than ten minutes. Start again.")
    return flow


@retried
def _keep(flow: OAuthFlow, pair: provider.TokenPair) -> Connection:
    """One connection per coach and organisation: connecting again renews it."""
    with audited_atomic() as log:
        connection = Connection.objects.select_for_update(no_key=True).filter(
            organisation=flow.organisation, user=flow.user, kind=Connection.Kind.TRAININGPEAKS
        ).first() or Connection(organisation=flow.organisation, user=flow.user)
        store(connection, pair)
        connection.granted_scopes = list(pair.scopes)
        connection.last_error = ""
        connection.scope_findings, missing = findings(pair.scopes)
        connection.state = Connection.State.SCOPE_MISSING if missing else Connection.State.HEALTHY
        connection.save()
        log.record(
            "connection.made",
            organisation=connection.organisation_id,
            outcome=connection.state,
            extra={"connection": str(connection.pk), "scopes": len(pair.scopes)},
        )
    return connection


def store(connection: Connection, pair: provider.TokenPair) -> None:
    """Set a new pair on the row. The old one is worthless from here on."""
    now = at_the_database.now()
    connection.access_token = pair.access
    connection.refresh_token = pair.refresh
    connection.lifetime = pair.lifetime
    connection.expires_at = now + pair.lifetime
    connection.generation += 1
    connection.last_ok_at = now
    connection.refresh_error = ""
    if connection.state != Connection.State.SCOPE_MISSING:  # that is still what is wrong
        connection.last_error = ""


def findings(granted: Iterable[str]) -> tuple[list[str], bool]:
    """What was granted against what is documented: sentences, and whether something is missing."""
    given, wanted = set(granted), set(settings.TRAININGPEAKS_SCOPES)
    if not given:
        return [], False  # the server does not say; the first call will
    missing = [f"Not allowed: {scope}" for scope in sorted(wanted - given)]
    extra = [f"Allowed without need: {scope}" for scope in sorted(given - wanted)]
    return [*missing, *extra], bool(missing)


def disconnect(connection: Connection) -> None:
    """Tell TrainingPeaks to forget us, then destroy the tokens whatever it answered."""
    if connection.access_token:
        provider.deauthorize(connection.access_token)
    with audited_atomic() as log:
        row = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        row.access_token = row.refresh_token = row.feed_url = None
        row.state = Connection.State.DISCONNECTED
        row.generation += 1
        row.save()
        log.record(
            "connection.ended",
            organisation=row.organisation_id,
            extra={"connection": str(row.pk)},
        )


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
