"""Watchdogs over destinations: failing, stopped by an error, too many errors in a short time."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count

from destinations.errors import CATALOGUE
from destinations.models import SWITCHED_OFF, Destination
from insight.alerts import Finding
from sharing.models import Attempt
from sharing.reasons import OWN

# How an attempt ends that the destination, or we, got wrong.
ERRORS = (
    "transient", "unknown", "payload", "unsupported", "permanent", "gone", "crashed",
    "late_failure",
)  # fmt: skip


def breaker_open(now: datetime) -> Iterator[Finding]:
    for each in Destination.objects.exclude(breaker_state=Destination.Breaker.CLOSED).exclude(
        state=Destination.State.DISABLED
    ):
        yield _of("breaker_open", each, reason=each.last_error_code)


def stopped(now: datetime) -> Iterator[Finding]:
    """By an error: its code stands as the reason. A person's own pause is no alert."""
    for each in Destination.objects.exclude(state=Destination.State.ACTIVE):
        if each.paused_reason in CATALOGUE or each.paused_reason in OWN:
            yield _of("destination_stopped", each, reason=each.paused_reason)


def failing(now: datetime) -> Iterator[Finding]:
    """On the way to being switched off: half of the days have passed, or more."""
    for each in Destination.objects.filter(
        state=Destination.State.ACTIVE, warned_percent__range=(1, SWITCHED_OFF - 1)
    ):
        percent = each.warned_percent
        yield _of("destination_failing", each, level=percent, percent=percent)


def _of(kind: str, destination: Destination, level: int = 0, **facts: str | int) -> Finding:
    return Finding(
        kind,
        f"destination:{destination.pk}",
        organisation=destination.organisation_id,
        destination=destination.pk,
        level=level,
        facts=facts,
    )


def errors(now: datetime) -> Iterator[Finding]:
    """Destinations whose failed attempts within the window have reached the threshold."""
    failed = Attempt.objects.filter(
        settled_at__gte=now - settings.BATON_ALERT_WINDOW, outcome__in=ERRORS
    )
    place: list[Any] = ["lane__destination", "lane__destination__organisation"]
    counted = failed.order_by().values_list(*place).annotate(how_many=Count("pk"))
    for destination, organisation, how_many in counted.filter(
        how_many__gte=settings.BATON_ALERT_ERRORS
    ):
        yield Finding(
            "destination_errors",
            f"destination:{destination}",
            organisation=organisation,
            destination=destination,
            count=how_many,
            facts={"window": int(settings.BATON_ALERT_WINDOW.total_seconds())},
        )
