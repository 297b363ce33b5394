"""Watchdogs over lanes and what they owe: one finding for each destination that has trouble."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet

from destinations.errors import UnlistedError
from destinations.models import Destination
from insight.alerts import INSTALLATION, Finding
from sharing import claims
from sharing.models import Attempt, Delivery, Drift, Lane, Route
from sharing.stops import covering

MISSED_FOR = timedelta(days=1)  # how long a version is missed that only a newer one follows


def late(now: datetime) -> Iterator[Finding]:
    """Lanes that could have been claimed a minute ago. An open breaker has its own alert."""
    waiting = _claimable_since(now - settings.BATON_ALERT_LATE)
    yield from _by_destination("lane_late", waiting, "", "due_at")


def nothing_claimed(now: datetime) -> Iterator[Finding]:
    """Something is due for a minute, and in that minute no attempt began anywhere."""
    since = now - settings.BATON_ALERT_LATE
    begun = Attempt.objects.filter(
        Q(settled_at=None) | Q(settled_at__gte=since), started_at__gte=since
    )
    waiting = _claimable_since(since)
    if waiting.exists() and not begun.exists():
        yield Finding("nothing_claimed", INSTALLATION, count=waiting.count())


def _claimable_since(moment: datetime) -> QuerySet[Lane]:
    return claims.due_lanes(moment).filter(destination__breaker_state=Destination.Breaker.CLOSED)


def unsettled(now: datetime) -> Iterator[Finding]:
    """Attempts without an end whose lease is over, and no worker has looked after them."""
    abandoned = Attempt.objects.filter(
        settled_at=None, lane__lease_until__lt=now - settings.BATON_ALERT_UNSETTLED
    )
    yield from _by_destination("attempt_unsettled", abandoned, "lane__", "started_at")


def failing(now: datetime) -> Iterator[Finding]:
    """Lanes whose tries fail one after the other, also where they are too few and too far apart
    to open the breaker: one finding for each destination and cause. No stop holds them.
    """
    rows = Delivery.objects.filter(
        ~covering.held_deliveries(),
        state=Delivery.State.WAITING,
        started_at__isnull=False,
        lane__state=Lane.State.ACTIVE,
        lane__tries__gte=settings.BATON_ALERT_TRIES,
        lane__route__state__in=[Route.State.ACTIVE, Route.State.RETIRED],
        lane__destination__state=Destination.State.ACTIVE,
        lane__destination__breaker_state=Destination.Breaker.CLOSED,
    )
    yield from _by_destination("tries_failing", rows, "lane__", "started_at", by="reason")


def dead(now: datetime) -> Iterator[Finding]:
    """One finding for each destination and cause, however many deliveries it cost. Each one more
    is news, also to whoever has acknowledged the others.
    """
    given_up = Delivery.objects.filter(state=Delivery.State.DEAD, archived_at=None)
    rows = given_up.filter(~Exists(_newer()) | _missed(now))
    for found in _by_destination("delivery_dead", rows, "lane__", "settled_at", by="reason"):
        yield replace(found, adds_up=True)


def unlisted(now: datetime) -> Iterator[Finding]:
    """Athletes whom a destination's settings do not list: their lanes wait for a person."""
    rows = Delivery.objects.filter(state=Delivery.State.WAITING, reason=UnlistedError.code)
    yield from _by_destination("athletes_unlisted", rows, "lane__", "accepted_at")


def unknown(now: datetime) -> Iterator[Finding]:
    """Newer promises wait behind them: they are no answer to the question that was asked."""
    rows = Delivery.objects.filter(
        state=Delivery.State.UNKNOWN, lane__state=Lane.State.UNKNOWN, archived_at=None
    ).filter(revision__gt=F("lane__settled"))
    yield from _by_destination("outcome_unknown", rows, "lane__", "settled_at")


def removal_late(now: datetime) -> Iterator[Finding]:
    """Whatever became of them: what was to be taken back may still be there."""
    owed = _last_word(Delivery.State.WAITING, Delivery.State.UNKNOWN, Delivery.State.DEAD).filter(
        intent=Delivery.Intent.REMOVE, accepted_at__lt=now - settings.BATON_ALERT_TAKE_BACK
    )
    yield from _by_destination("removal_late", owed, "lane__", "accepted_at")


def drifted(now: datetime) -> Iterator[Finding]:
    rows = Drift.objects.filter(state=Drift.State.OPEN)
    yield from _by_destination("drift_found", rows, "lane__", "found_at")


def _last_word(*states: Delivery.State) -> QuerySet[Delivery]:
    """Deliveries in these states that no newer promise of their lane has replaced."""
    return Delivery.objects.filter(~Exists(_newer()), state__in=states, archived_at=None)


def _missed(now: datetime) -> Q:
    """Where every version is wanted, a newer one makes up for nothing; nor can it be sent any
    more, so it is said for a day.
    """
    made_up_for = _newer().filter(Q(version=OuterRef("version")) | Q(intent=Delivery.Intent.REMOVE))
    return ~Exists(made_up_for) & Q(
        lane__destination__delivery_mode=Destination.DeliveryMode.EVERY,
        intent=Delivery.Intent.SHARE,
        settled_at__gte=now - MISSED_FOR,
    )


def _newer() -> QuerySet[Delivery]:
    return Delivery.objects.filter(lane=OuterRef("lane"), revision__gt=OuterRef("revision"))


def _by_destination(
    kind: str, rows: QuerySet[Any], lane: str, since: str, *, by: str = ""
) -> Iterator[Finding]:
    """Count the rows of each destination, and of each cause if `by` names a column for it."""
    place = [f"{lane}destination", f"{lane}destination__organisation"]
    counted = (
        rows.order_by()
        .values_list(*place, *filter(None, [by]))
        .annotate(how_many=Count("pk"), since=Min(since))
    )
    for destination, organisation, *cause, how_many, first in counted:
        facts: dict[str, Any] = {"since": int(first.timestamp())}
        if cause:
            facts["reason"] = cause[0]
        yield Finding(
            kind,
            ":".join(["destination", str(destination), *cause]),
            organisation=organisation,
            destination=destination,
            count=how_many,
            facts=facts,
        )
