"""A person asks for a delivery again.

What was superseded or has no consent is refused with the reason.
"""

from typing import NamedTuple
from uuid import UUID

from accounts import consent, erasures
from audit.log import Log, audited_atomic
from audit.retrying import retried
from sharing import clock, promises, records, wake
from sharing.models import Delivery, Lane, RemoteRecord

SUPERSEDED, BLOCKED = "superseded", "blocked"
NEVER_SENT = (Delivery.State.BLOCKED, Delivery.State.SUPERSEDED)


class RedeliverRefused(Exception):  # noqa: N818 - reads as the sentence it is
    """Why this delivery cannot be made again, in words for the person who asked."""


class Objection(NamedTuple):
    """What speaks against it: superseded by something newer, or blocked; and the sentence."""

    kind: str
    words: str


@retried
def redeliver(delivery: Delivery) -> Delivery:
    with audited_atomic() as log:
        lane = Lane.objects.locked(delivery.lane_id)
        again = _once_more(lane, in_lane(lane, delivery.pk), log)
    wake.wake()
    return again


def _once_more(lane: Lane, delivery: Delivery, log: Log) -> Delivery:
    if refusal := why_not(lane, delivery):
        raise RedeliverRefused(refusal)
    return promise_again(lane, delivery, log)


def promise_again(lane: Lane, delivery: Delivery, log: Log) -> Delivery:
    """Promise the delivery's version once more; its key is the same, so a destination that honours
    keys applies it once. The caller holds the lane.

    What was delivered is written again as a whole; after anything else, only what is not known to
    be there.
    """
    if delivery.state == Delivery.State.DELIVERED:
        lane.records.filter(state=RemoteRecord.State.PRESENT).update(
            state=RemoteRecord.State.UNCERTAIN
        )
    lane.tries = 0
    if lane.state == Lane.State.UNKNOWN:  # and a person has looked
        lane.state, lane.verify_needed = Lane.State.ACTIVE, False
    lane.save()
    again = promises.promise(
        lane, delivery.version, log, intent=Delivery.Intent(delivery.intent), due_at=clock.now()
    )
    promises.record(delivery, "redelivered", log)
    return again


def in_lane(lane: Lane, delivery_id: UUID) -> Delivery:
    delivery = Delivery.objects.select_related("version__plan__athlete").get(pk=delivery_id)
    delivery.lane = lane
    return delivery


def why_not(lane: Lane, delivery: Delivery) -> str:
    found = objection(lane, delivery)
    return found.words if found else ""


def objection(lane: Lane, delivery: Delivery) -> Objection | None:
    """What speaks against delivering this again, if anything does."""
    if delivery.state == Delivery.State.WAITING:
        return Objection(SUPERSEDED, "This delivery is still waiting; its next try is shown.")
    if words := _overtaken(lane, delivery):
        return Objection(SUPERSEDED, words)
    if delivery.intent == Delivery.Intent.SHARE and erasures.begun(lane.plan.athlete_id):
        return Objection(BLOCKED, "This athlete is being erased: nothing is shared any more.")
    granted = consent.current(lane.plan.athlete_id, lane.destination_id)
    if delivery.intent == Delivery.Intent.SHARE and granted is None:
        words = "The athlete's consent for this destination is not active: nothing may be sent."
        return Objection(BLOCKED, words)
    return None


def _overtaken(lane: Lane, delivery: Delivery) -> str:
    """Which later promise counts instead. A removal is owed until something is shared again."""
    number = delivery.version.version
    later = lane.deliveries.filter(revision__gt=delivery.revision)
    if delivery.intent == Delivery.Intent.REMOVE:
        shared = later.filter(intent=Delivery.Intent.SHARE).exclude(state__in=NEVER_SENT)
        return "Something was shared here again since." if shared.exists() else ""
    last = later.select_related("version").order_by("-revision").first()
    if last is None or (last.version_id, last.intent) == (delivery.version_id, delivery.intent):
        return ""
    if last.intent == Delivery.Intent.REMOVE:
        return "Everything was taken back here since."
    if last.version.version < number:
        return f"The plan was rolled back to version {last.version.version} here since."
    return f"Version {number} was superseded by version {last.version.version}: redeliver that one."


@retried
def settle_unknown(delivery: Delivery, *, is_there: bool) -> Delivery:
    """A person looked: the version is at the destination, or it must be sent again.

    Where a newer promise waits behind it, that one is sent instead.
    """
    with audited_atomic() as log:
        lane = Lane.objects.locked(delivery.lane_id)
        delivery = in_lane(lane, delivery.pk)
        if delivery.state != Delivery.State.UNKNOWN:
            raise RedeliverRefused("Somebody has answered this already: see how it stands.")
        settled = _settled(lane, delivery, log, is_there=is_there)
    wake.wake()
    return settled


def _settled(lane: Lane, delivery: Delivery, log: Log, *, is_there: bool) -> Delivery:
    newer = lane.deliveries.filter(revision__gt=delivery.revision)
    if is_there:
        records.confirm(delivery)
        return _end(lane, delivery, Delivery.State.DELIVERED, records.CONFIRMED, log)
    if newer.filter(state=Delivery.State.WAITING).exists():
        return _end(lane, delivery, Delivery.State.SUPERSEDED, "newer_version", log)
    same = newer.filter(version=delivery.version_id, intent=delivery.intent)
    if same.exclude(state__in=NEVER_SENT).exists():
        raise RedeliverRefused("This was sent again already: see the later delivery.")
    return _once_more(lane, delivery, log)


def _end(lane: Lane, delivery: Delivery, state: Delivery.State, reason: str, log: Log) -> Delivery:
    """End what was unknown, and let the lane go on."""
    promises.end(delivery, state, log, clock.now(), reason=reason)
    Lane.objects.filter(pk=lane.pk).update(
        state=Lane.State.ACTIVE,
        settled=max(lane.settled, delivery.revision),
        verify_needed=False,
    )
    return delivery
