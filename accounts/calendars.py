"""Calendars that an athlete publishes: the way in for a coach without access to the API.

Whoever has the address can read the calendar, so it is sealed like a token and never shown.
"""

from urllib.parse import SplitResult, urlsplit, urlunsplit

from django.conf import settings
from django.core.exceptions import ValidationError

from accounts.models import Connection, Organisation, User
from audit.log import Log, audited_atomic

VENDOR = "trainingpeaks.com"
REFUSED = "A calendar address starts with webcal://www.trainingpeaks.com/ical/."
TWICE = "This calendar is connected already."


def address(text: str) -> str:
    """The https address of a published calendar; only TrainingPeaks itself is ever asked.

    Raises ValidationError.
    """
    parts = _split(text.strip())
    simulated = settings.TRAININGPEAKS_INSECURE_TRANSPORT and parts.netloc == _sandbox().netloc
    if not simulated and not _vendors(parts.hostname or ""):
        raise ValidationError(REFUSED)
    scheme = _sandbox().scheme if simulated else "https"
    netloc = parts.netloc if simulated else str(parts.hostname)
    return urlunsplit((scheme, netloc, parts.path, parts.query, ""))


def _split(text: str) -> SplitResult:
    try:
        return urlsplit(text)
    except ValueError:
        raise ValidationError(REFUSED) from None


def _sandbox() -> SplitResult:
    return urlsplit(settings.TRAININGPEAKS_API_URL)


def _vendors(host: str) -> bool:
    return host == VENDOR or host.endswith(f".{VENDOR}")


def connect(user: User, organisation: Organisation, *, name: str, published_at: str) -> Connection:
    """One athlete's calendar. It does not say whose it is, so the coach gives the name."""
    with audited_atomic() as log:
        connection = Connection.objects.create(
            organisation=organisation,
            user=user,
            kind=Connection.Kind.CALENDAR_FEED,
            name=name,
            feed_url=_new_address(organisation, published_at),
        )
        _note(log, "connection.made", connection)
    return connection


def renew(connection: Connection, published_at: str) -> None:
    """Read the same athlete from a new address: it was published anew, or disconnected here."""
    with audited_atomic() as log:
        row = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        row.feed_url = _new_address(row.organisation, published_at)
        row.state = Connection.State.HEALTHY
        row.last_error = ""
        row.generation += 1
        row.save()
        _note(log, "connection.renewed", row)


def _new_address(organisation: Organisation, published_at: str) -> str:
    wanted = address(published_at)
    kept = Connection.objects.filter(
        organisation=organisation, kind=Connection.Kind.CALENDAR_FEED
    ).exclude(feed_url=None)
    if any(connection.feed_url == wanted for connection in kept):
        raise ValidationError(TWICE)
    return wanted


def _note(log: Log, action: str, connection: Connection) -> None:
    log.record(
        action,
        organisation=connection.organisation_id,
        outcome=connection.state,
        extra={"connection": str(connection.pk), "kind": connection.kind},
    )
