"""Unknown outcomes: nobody can say whether a call was applied. What may be done, by class.

Who compares versions or honours keys may be asked again; where a late call could undo a newer one
the lane is held; where nobody can look, a person decides.
"""

from datetime import datetime, timedelta

from audit.log import Log
from destinations import registry
from destinations.models import Destination
from destinations.port import Finds, IdempotencyClass, ReadBack
from sharing import incarnation, promises, records
from sharing.models import Delivery, Lane
from sharing.models.base import LONG_AGO
from sharing.promises import UNCERTAIN, WITHDRAWN
from sharing.settlement import Settlement, give_up

UNACKNOWLEDGED = "never_acknowledged"  # it was asked until the schedule was over


def go_on(settlement: Settlement, wait: timedelta | None, *, since: datetime) -> None:
    """By class: who compares versions or honours keys may be asked again; the others are held, or a
    person decides. What is to be taken back is never sent again, and nobody is asked about it.
    """
    lane, delivery = settlement.lane, settlement.delivery
    lane.verify_needed = True
    taken_back = _is_taken_back(delivery)
    hold(settlement, since, over=taken_back or wait is None)
    if taken_back:
        settlement.end(Delivery.State.BLOCKED, WITHDRAWN)
    elif needs_a_person(lane.destination, delivery):
        ask_a_person(lane, delivery, settlement.log, settlement.now, why=UNCERTAIN)
    elif wait is None:
        give_up(settlement, UNACKNOWLEDGED)
    else:
        settlement.try_again(settlement.now + wait, UNCERTAIN)


def _is_taken_back(delivery: Delivery) -> bool:
    """Whether the removal of what this shares waits behind it."""
    removal = Delivery.objects.filter(
        lane=delivery.lane_id,
        revision__gt=delivery.revision,
        intent=Delivery.Intent.REMOVE,
        state=Delivery.State.WAITING,
    )
    return delivery.intent != Delivery.Intent.REMOVE and removal.exists()


def hold(settlement: Settlement, since: datetime, *, over: bool) -> None:
    """Let the lane wait until nothing of the call can be applied any more, where that matters.

    `over`: it is not sent again, so not even its key will be acknowledged.
    """
    lane = settlement.lane
    if _must_hold(lane.destination, settlement.delivery, over=over):
        lane.hold_until = max(lane.hold_until, since + lane.destination.late_apply_window)


def _must_hold(place: Destination, delivery: Delivery, *, over: bool) -> bool:
    if place.idempotency_class == IdempotencyClass.KEYED:
        return over or delivery.intent == Delivery.Intent.REMOVE
    return place.idempotency_class != IdempotencyClass.VERSIONED


def needs_a_person(destination: Destination, delivery: Delivery) -> bool:
    return delivery.intent != Delivery.Intent.REMOVE and not can_be_asked(destination)


def can_be_asked(destination: Destination) -> bool:
    """Whether it refuses doubles or can be looked at; otherwise only a person can find out."""
    return destination.idempotency_class != IdempotencyClass.NONE or _can_be_seen(destination)


def _can_be_seen(destination: Destination) -> bool:
    adapter = registry.adapter_class(destination.kind)
    return issubclass(adapter, ReadBack) or issubclass(adapter, Finds)


def doubt_goes_first(destination: Destination) -> bool:
    """Whether nothing newer goes before a call in doubt is settled: by its acknowledgement where
    keys are honoured, by a person where nobody else can find out.
    """
    return destination.idempotency_class == IdempotencyClass.KEYED or not can_be_asked(destination)


def question(lane: Lane, delivery: Delivery, now: datetime) -> str:
    """Why a person is asked before this goes out; empty when it may go.

    Judged by what the destination promises now: when the call was made that is in doubt, it may
    have passed for one that recognises keys.
    """
    if not needs_a_person(lane.destination, delivery):
        return "unknown_key_expired" if _key_forgotten(lane, delivery, now) else ""
    if incarnation.unseen(lane):
        return "unknown_since_restore"
    return UNCERTAIN if records.in_doubt(delivery).exists() else ""


def _key_forgotten(lane: Lane, delivery: Delivery, now: datetime) -> bool:
    """Whether a call of unknown outcome is so old that its key no longer keeps a second one out.

    Only where nobody can look: a destination that shows what it holds is read first anyway.
    """
    place = lane.destination
    lifetime = registry.adapter_class(place.kind).capabilities.key_lifetime
    if lifetime is None or place.idempotency_class != IdempotencyClass.KEYED:
        return False
    if delivery.intent == Delivery.Intent.REMOVE or _can_be_seen(place):
        return False
    return records.in_doubt(delivery).filter(intended_at__lt=now - lifetime).exists()


def ask_a_person(lane: Lane, delivery: Delivery, log: Log, now: datetime, *, why: str) -> None:
    """Nothing is sent on this lane until somebody has said whether it is there."""
    lane.state = Lane.State.UNKNOWN
    lane.lease_until = LONG_AGO
    lane.save()
    promises.end(delivery, Delivery.State.UNKNOWN, log, now, reason=why)
