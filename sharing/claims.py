"""Claiming: one due lane for one worker, under a lease with a fencing epoch.

Fair between destinations: the one with the fewest calls under way goes first, and one that
hangs fills only its own slots, and not all threads of a process. The attempt is on disk before
anything is sent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Count, F, Min, QuerySet

from audit.crashpoint import crashpoint
from audit.log import Log, audited_atomic
from audit.retrying import retried
from destinations.models import Destination
from sharing import (
    breaker,
    clock,
    crashed,
    gate,
    incarnation,
    pinned,
    promises,
    records,
    turns,
    unknown,
)
from sharing.crew import ALONE, Crew
from sharing.models import Attempt, Delivery, Lane, Route
from sharing.settlement import settle_lane
from sharing.stops import covering

MOST_SETTLED = 100  # lanes at one destination that one look settles without sending


@dataclass(frozen=True)
class Claim:
    """What a worker holds: a lane, the delivery it owes, and the epoch that proves the lease is
    still its own.
    """

    lane: Lane
    delivery: Delivery
    attempt: Attempt
    fields: frozenset[str]

    @property
    def epoch(self) -> int:
        return self.attempt.epoch


def due_lanes(now: datetime) -> QuerySet[Lane]:
    """Lanes with something owed that may be begun now; no stop holds them."""
    lanes = Lane.objects.filter(
        state=Lane.State.ACTIVE,
        desired__gt=F("settled"),
        due_at__lte=now,
        lease_until__lt=now,
        hold_until__lte=now,
        route__state__in=[Route.State.ACTIVE, Route.State.RETIRED],
        destination__state=Destination.State.ACTIVE,
    )
    return incarnation.with_read_calendars(covering.not_held(lanes))


def claim(worker: str, crew: Crew = ALONE) -> Claim | None:
    """Lease one due lane to this worker, or None when nothing is due that may go now.

    Who gets one tells its crew when the call has ended.
    """
    for destination_id in _destinations_in_turn():
        if not crew.begins(destination_id):
            continue
        found = None
        try:
            found = _claimed(destination_id, worker)
        finally:
            if found is None:
                crew.ends(destination_id)
        if found is not None:
            crashpoint("P11")
            return found
    return None


def _claimed(destination_id: UUID, worker: str) -> Claim | None:
    """A lane whose delivery the gate refuses is settled here and the next one is tried, up to so
    many: then other destinations have their turn, and these the next one.
    """
    for _ in range(MOST_SETTLED):
        outcome = _claim_at(destination_id, worker)
        if not isinstance(outcome, bool):
            return outcome
    return None


def _destinations_in_turn() -> Iterator[UUID]:
    """Destinations with due lanes and a free slot: the least busy first, then the longest due."""
    now = clock.now()
    oldest = dict(due_lanes(now).values_list("destination").annotate(Min("due_at")).order_by())
    if not oldest:  # as in most looks
        return
    busy = dict(
        Lane.objects.filter(lease_until__gt=now)
        .values_list("destination")
        .annotate(Count("pk"))
        .order_by()
    )
    destinations = Destination.objects.in_bulk(list(oldest))
    free = [d for d in destinations.values() if busy.get(d.pk, 0) < d.slots]
    waits = turns.waits(free)
    for destination in sorted(free, key=lambda d: (busy.get(d.pk, 0), oldest[d.pk])):
        if not waits[destination.pk]:
            yield destination.pk


@retried
def _claim_at(destination_id: UUID, worker: str) -> "Claim | bool | None":
    """A claim; True when a lane was settled without sending (look again); None when nothing is
    free.
    """
    with audited_atomic() as log:
        destination = (
            Destination.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(pk=destination_id)
            .first()
        )
        if destination is None or not _free(destination, now := clock.now()):
            return None
        lane = _oldest(destination, now)
        if lane is None:
            return None
        if not crashed.settle(lane, log, now):
            return True
        delivery = _owed(lane, log, now)
        if delivery is None:
            return True
        return _begin(lane, delivery, worker, log, now)


def _free(destination: Destination, now: datetime) -> bool:
    under_way = Lane.objects.filter(destination=destination, lease_until__gt=now).count()
    return under_way < destination.slots and breaker.allows(destination, now, under_way)


def _oldest(destination: Destination, now: datetime) -> Lane | None:
    return (
        due_lanes(now)
        .filter(destination=destination)
        .select_for_update(skip_locked=True, of=("self",), no_key=True)
        .select_related("plan__athlete__organisation", "route", "destination")
        .order_by("due_at")
        .first()
    )


def _owed(lane: Lane, log: Log, now: datetime) -> Delivery | None:
    """The delivery to work on; it supersedes older ones unless every version is wanted.

    After an unknown outcome at a destination that honours keys, the same delivery goes
    first again: only its acknowledgement proves that it will not arrive after a newer one. Where
    nobody but a person can tell, they are asked about it first.
    """
    waiting = list(
        lane.deliveries.filter(state=Delivery.State.WAITING)
        .select_related("version__plan__athlete", "lane__plan__athlete", "lane__route")
        .order_by("revision")
    )
    if not waiting:
        Lane.objects.filter(pk=lane.pk).update(settled=F("desired"))
        return None
    going = covering.let_out(lane, waiting)
    if not going:
        return None  # the drain's last delivery has just ended; what is newer waits
    chosen = _chosen(lane, going)
    for older in waiting:
        if older.revision < chosen.revision:
            promises.end(older, Delivery.State.SUPERSEDED, log, now, reason="newer_version")
    return chosen


def _chosen(lane: Lane, waiting: list[Delivery]) -> Delivery:
    removals = [d for d in waiting if d.intent == Delivery.Intent.REMOVE]
    if removals:
        return removals[-1]  # taking back comes before whatever may be shared after it
    if lane.destination.delivery_mode == "every":
        return _next_of_every(lane, waiting)
    *older, newest = waiting
    if unknown.doubt_goes_first(lane.destination):
        return next((d for d in older if records.in_doubt(d).exists()), newest)
    return newest


def _next_of_every(lane: Lane, waiting: list[Delivery]) -> Delivery:
    """In order. What was under way when a person rolled the lane back goes first only where it may
    still arrive, and its acknowledgement or a person would settle that it does not.
    """
    back = pinned.rolled_back_at(lane) if len(waiting) > 1 else 0
    first = unknown.doubt_goes_first(lane.destination)
    wanted = (d for d in waiting if d.revision >= back or (first and records.in_doubt(d).exists()))
    return next(wanted, waiting[0])


def _begin(lane: Lane, delivery: Delivery, worker: str, log: Log, now: datetime) -> "Claim | bool":
    passage = gate.ask(lane, delivery)
    if passage.refusal:
        promises.end(delivery, Delivery.State.BLOCKED, log, now, reason=passage.refusal)
        settle_lane(lane, delivery, now)
        return True
    if why := unknown.question(lane, delivery, now):
        unknown.ask_a_person(lane, delivery, log, now, why=why)
        return True
    until = now + settings.BATON_LEASE
    taken = Lane.objects.filter(pk=lane.pk, epoch=lane.epoch, lease_until__lt=now).update(
        lease_until=until, epoch=lane.epoch + 1
    )
    if not taken:
        return True
    lane.lease_until, lane.epoch = until, lane.epoch + 1
    attempt = _attempt(lane, delivery, passage, worker, log)
    if delivery.started_at is None:
        Delivery.objects.filter(pk=delivery.pk).update(started_at=now)
    return Claim(lane=lane, delivery=delivery, attempt=attempt, fields=passage.fields)


def _attempt(
    lane: Lane, delivery: Delivery, passage: gate.Passage, worker: str, log: Log
) -> Attempt:
    now = clock.now()
    attempt = Attempt(
        delivery=delivery,
        lane=lane,
        number=delivery.attempts.count() + 1,
        epoch=lane.epoch,
        plan_version=delivery.version.version,
        endpoint=lane.destination.endpoint,
        consent_id=passage.consent_id,
        idempotency_key="",
        worker=worker[:64],
        started_at=now,
        deadline_at=now + timedelta(seconds=settings.BATON_SEND_DEADLINE),
    )
    attempt.audit_entry_id = log.record(
        "attempt.started",
        organisation=lane.route.organisation_id,
        subject=lane.plan.athlete.pseudonym,
        plan=lane.plan_id,
        version=delivery.version.version,
        destination=lane.destination_id,
        delivery=delivery.pk,
        attempt=attempt.pk,
        consent=passage.consent_id,
    )
    attempt.save(force_insert=True)
    return attempt
