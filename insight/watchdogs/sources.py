"""Watchdogs over the source: calendars not read, access that ends, silence, broken contracts."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from accounts.models import Athlete, Connection
from insight.alerts import Finding
from sharing.departures import MASS_CHANGE
from sharing.models import Quarantine, Source
from sharing.source.errors import AthleteDetachedError

GRACE = timedelta(seconds=30)  # a worker may be renewing the token right now
ROUNDS_MISSED = 3  # of polling, before it is more than one bad answer
USABLE = (Connection.State.HEALTHY, Connection.State.SCOPE_MISSING)
_POSITION = re.compile(r"\[\d+\]")


def dirty(now: datetime) -> Iterator[Finding]:
    """One for each connection. What a kept answer holds up has its own alert."""
    kept = Quarantine.objects.filter(source=OuterRef("pk"), state=Quarantine.State.OPEN)
    unread = _readable().filter(
        ~Exists(kept),
        dirty_seq__gt=F("clean_seq"),
        dirty_since__lt=now - settings.BATON_ALERT_UNREAD,
    )
    yield from _by_connection("source_dirty", unread, "dirty_since")


def _by_connection(kind: str, rows: QuerySet[Source], begun: Any) -> Iterator[Finding]:
    """How many of each connection it concerns, since when, and what was said last."""
    counted = (
        rows.order_by()
        .values_list("athlete__connection", "athlete__organisation")
        .annotate(how_many=Count("pk"), since=Min(begun), error=Max("last_error"))
    )
    for connection, organisation, how_many, since, error in counted:
        yield Finding(
            kind,
            f"connection:{connection}",
            organisation=organisation,
            connection=connection,
            count=how_many,
            facts={"since": int(since.timestamp()), "reason": error},
        )


def unpolled(now: datetime) -> Iterator[Finding]:
    """One for each connection: the changed feed of its athletes gave no answer for a few rounds.

    The cursor says it, because it moves only after success. Who waits for a first look, or for
    the first one after a pause, was not missed yet.
    """
    before = now - ROUNDS_MISSED * settings.BATON_POLL_EVERY
    missed = _readable().filter(
        Q(cursor__lt=before) | Q(cursor=None, polled_at__lt=before), polled_at__isnull=False
    )
    yield from _by_connection("polling_stuck", missed, Coalesce("cursor", "polled_at"))


def suspended(now: datetime) -> Iterator[Finding]:
    """One for each connection: athletes on its list whom TrainingPeaks does not show us.

    Who is read again because the list names them is still in doubt until that went well.
    """
    refused = Q(state=Source.State.SUSPENDED) | Q(last_error=AthleteDetachedError.code)
    rows = Source.objects.filter(
        refused, athlete__state=Athlete.State.ACTIVE, athlete__connection__state__in=USABLE
    )
    counted = rows.order_by().values_list("athlete__connection", "athlete__organisation")
    for connection, organisation, how_many in counted.annotate(how_many=Count("pk")):
        yield Finding(
            "athletes_not_shown",
            f"connection:{connection}",
            organisation=organisation,
            connection=connection,
            count=how_many,
        )


def silent(now: datetime) -> Iterator[Finding]:
    """Changes found by polling since the last webhook event: one for each athlete.

    Told are the kinds of events that TrainingPeaks refuses, and when they were first asked for if
    none ever came.
    """
    for source in _readable().filter(silent_changes__gt=0).select_related("athlete"):
        heard, asked = source.last_webhook_at, source.hooks_asked_at
        facts: dict[str, Any] = {"heard": int(heard.timestamp()) if heard else None}
        if asked and not heard:
            facts["asked"] = int(asked.timestamp())
        if source.hooks_refused:
            facts["refused"] = ", ".join(source.hooks_refused.split())
        yield Finding(
            "webhooks_silent",
            f"athlete:{source.athlete_id}",
            organisation=source.athlete.organisation_id,
            athlete=source.athlete_id,
            count=source.silent_changes,
            facts=facts,
        )


def _readable() -> QuerySet[Source]:
    return Source.objects.filter(
        state=Source.State.ACTIVE,
        athlete__state=Athlete.State.ACTIVE,
        athlete__connection__state__in=USABLE,
    )


def needs_reauth(now: datetime) -> Iterator[Finding]:
    rows = Connection.objects.filter(state=Connection.State.NEEDS_REAUTH)
    yield from _connections("needs_reauth", rows)


def refresh_failing(now: datetime) -> Iterator[Finding]:
    """The token has ended and the last try to renew it failed. Other trouble is no matter of it."""
    rows = Connection.objects.filter(
        kind=Connection.Kind.TRAININGPEAKS, state__in=USABLE, expires_at__lt=now - GRACE
    ).exclude(refresh_error="")
    yield from _connections("refresh_failing", rows)


def scope_missing(now: datetime) -> Iterator[Finding]:
    rows = Connection.objects.filter(state=Connection.State.SCOPE_MISSING)
    yield from _connections("scope_missing", rows)


def _connections(kind: str, rows: QuerySet[Connection]) -> Iterator[Finding]:
    for connection in rows:
        yield Finding(
            kind,
            f"connection:{connection.pk}",
            organisation=connection.organisation_id,
            connection=connection.pk,
        )


def quarantined(now: datetime) -> Iterator[Finding]:
    """One for each field that breaks a contract, whoever and how many it concerns."""
    kept: dict[tuple[Any, str, str], list[tuple[str, Any]]] = {}
    broken = Quarantine.objects.filter(state=Quarantine.State.OPEN).exclude(contract=MASS_CHANGE)
    rows = broken.order_by("created_at")
    columns = ("source__athlete__organisation", "contract", "field", "source__athlete")
    for organisation, contract, named, athlete in rows.values_list(*columns):
        place = (organisation, contract, _POSITION.sub("[]", named))
        kept.setdefault(place, []).append((named, athlete))
    for (organisation, contract, shape), found in kept.items():
        digest = sha256(f"{contract} {shape}".encode()).hexdigest()[:16]
        yield Finding(
            "quarantine_open",
            f"field:{organisation}:{digest}",
            organisation=organisation,
            athlete=_only({athlete for _, athlete in found}),
            count=len(found),
            facts={"contract": contract, "field": found[0][0]},
        )


def mass_change(now: datetime) -> Iterator[Finding]:
    """A list that was suddenly too short, kept until a person has said whether it is true."""
    stopped = Quarantine.objects.filter(state=Quarantine.State.OPEN, contract=MASS_CHANGE)
    counted = (
        stopped.order_by()
        .values_list("source__athlete__connection", "source__athlete__organisation")
        .annotate(how_many=Count("pk"), since=Min("created_at"))
    )
    for connection, organisation, how_many, since in counted:
        yield Finding(
            "mass_change",
            f"connection:{connection}",
            organisation=organisation,
            connection=connection,
            count=how_many,
            facts={"since": int(since.timestamp())},
        )


def _only(athletes: set[Any]) -> Any:
    """The one it is about, if it is one."""
    return athletes.pop() if len(athletes) == 1 else None
