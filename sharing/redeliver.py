"""A person asks for a delivery again.

What was superseded or has no consent is refused with the reason.
"""

from accounts import consent
from audit.log import audited_atomic
from sharing import clock, promises, wake
from sharing.models import Delivery, Lane, RemoteRecord


class RedeliverRefused(Exception):  # noqa: N818 - reads as the sentence it is
    """Why this delivery cannot be made again, in words for the person who asked."""


def redeliver(delivery: Delivery) -> Delivery:
    """Promise the delivery's version once more; its key is the same, so a destination that honours
    keys applies it once.
    """
    with audited_atomic() as log:
        lane = (
            Lane.objects.select_for_update(of=("self",), no_key=True)
            .select_related("plan__athlete", "route", "destination")
            .get(pk=delivery.lane_id)
        )
        delivery = Delivery.objects.select_related("version__plan__athlete").get(pk=delivery.pk)
        delivery.lane = lane
        if refusal := why_not(lane, delivery):
            raise RedeliverRefused(refusal)
        lane.records.filter(state=RemoteRecord.State.PRESENT).update(
            state=RemoteRecord.State.UNCERTAIN
        )
        lane.tries = lane.crashes = 0
        if lane.state == Lane.State.UNKNOWN:
            lane.state = Lane.State.ACTIVE
        lane.save()
        again = promises.promise(
            lane, delivery.version, log, intent=Delivery.Intent(delivery.intent), due_at=clock.now()
        )
        log.record(
            "delivery.redelivered",
            organisation=lane.route.organisation_id,
            subject=lane.plan.athlete.pseudonym,
            plan=lane.plan_id,
            version=delivery.version.version,
            destination=lane.destination_id,
            delivery=delivery.pk,
        )
    wake.wake()
    return again


def why_not(lane: Lane, delivery: Delivery) -> str:
    if delivery.state == Delivery.State.WAITING:
        return "This delivery is still waiting; its next try is shown."
    newest = lane.plan.newest
    if delivery.version.version < newest:
        number = delivery.version.version
        return f"Version {number} was superseded by version {newest}: redeliver that one."
    granted = consent.current(lane.plan.athlete_id, lane.destination_id)
    if delivery.intent == Delivery.Intent.SHARE and granted is None:
        return "The athlete's consent for this destination is not active: nothing may be sent."
    return ""


def settle_unknown(delivery: Delivery, *, is_there: bool) -> Delivery:
    """A person looked: the version is at the destination, or it must be sent again."""
    if not is_there:
        return redeliver(delivery)
    with audited_atomic() as log:
        lane = Lane.objects.select_for_update(no_key=True).get(pk=delivery.lane_id)
        delivery = Delivery.objects.select_related(
            "version", "lane__plan__athlete", "lane__route"
        ).get(pk=delivery.pk, state=Delivery.State.UNKNOWN)
        delivery.lane = lane
        promises.end(
            delivery, Delivery.State.DELIVERED, log, clock.now(), reason="confirmed_by_person"
        )
        lane.records.filter(state=RemoteRecord.State.UNCERTAIN).update(
            state=RemoteRecord.State.PRESENT
        )
        Lane.objects.filter(pk=lane.pk).update(
            state=Lane.State.ACTIVE, settled=max(lane.settled, delivery.revision)
        )
    return delivery
