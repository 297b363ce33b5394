"""Promises: a lane owes its destination a version, or nothing at all.

Every wish becomes a new promise.
"""

from datetime import datetime
from uuid import UUID

from django.db.models import F

from accounts import erasures
from audit.log import Log
from sharing import cadence, clock, records
from sharing.models import Delivery, Lane, Plan, PlanVersion, RemoteRecord, Route
from sharing.stops import covering

UNCERTAIN = "outcome_unknown"  # why a delivery waits whose last call may have been applied
WITHDRAWN = "withdrawn"  # why a delivery ended: what it shared is to be taken back


def lane_for(plan: Plan, route: Route, log: Log) -> Lane:
    """The plan's lane on this route, locked for the rest of the transaction."""
    found = Lane.objects.select_for_update(no_key=True).filter(plan=plan, route=route).first()
    if found:
        return found
    entry = log.record(
        "lane.opened",
        organisation=route.organisation_id,
        subject=plan.athlete.pseudonym,
        plan=plan.pk,
        destination=route.destination_id,
    )
    return Lane.objects.create(
        plan=plan, route=route, destination_id=route.destination_id, audit_entry_id=entry
    )


def promise(
    lane: Lane,
    version: PlanVersion,
    log: Log,
    *,
    intent: Delivery.Intent = Delivery.Intent.SHARE,
    due_at: datetime | None = None,
    fresh_key: bool = False,
) -> Delivery:
    """Owe the lane's destination this version, or its removal; older promises not begun end here.

    With `fresh_key` it is no repetition: what was written once was changed there since.

    The caller holds the lane's row. A new promise does not reset the back-off of a
    failing lane, but it gives a lane that was given up or closed a fresh start.
    """
    if intent == Delivery.Intent.SHARE and erasures.begun(lane.plan.athlete_id):
        raise TypeError("Nothing but removal is promised for an athlete who is being erased.")
    now = clock.now()
    due = due_at or _due(lane, version, intent, now)
    if intent == Delivery.Intent.REMOVE:
        _wait_for_the_last(lane)
    if lane.destination.delivery_mode == "latest" or intent == Delivery.Intent.REMOVE:
        supersede_waiting(lane, log, now, reason=_why_ended(intent))
    delivery = Delivery(
        lane=lane,
        revision=lane.desired + 1,
        keyed_as=lane.desired + 1 if fresh_key else _keyed_as(lane, version, intent),
        intent=intent,
        version=version,
        due_at=due,
        accepted_at=now,
        rules=version.rules,
    )
    delivery.audit_entry_id = record(delivery, "accepted", log)
    delivery.save(force_insert=True)
    _expect(lane, delivery, now)
    return delivery


def _wait_for_the_last(lane: Lane) -> None:
    """Hold a removal until no call before it can be applied any more, which would undo it.

    Not where versions are compared: there what comes late is refused.
    """
    place = lane.destination
    deadline = records.last_deadline(lane)
    if deadline is not None and place.idempotency_class != place.IdempotencyClass.VERSIONED:
        lane.hold_until = max(lane.hold_until, deadline + place.late_apply_window)


def _keyed_as(lane: Lane, version: PlanVersion, intent: Delivery.Intent) -> int:
    """Asking for the same once more keeps its key; coming back to it later does not."""
    last = lane.deliveries.order_by("-revision").first()
    same = last is not None and (last.version_id, last.intent) == (version.pk, intent)
    return last.keyed_as if last is not None and same else lane.desired + 1


def _due(lane: Lane, version: PlanVersion, intent: Delivery.Intent, now: datetime) -> datetime:
    if intent == Delivery.Intent.REMOVE:
        return now
    zone = lane.plan.athlete.time_zone
    return cadence.due_at(lane.route, time_zone=zone, now=now, urgent=version.urgent)


def _why_ended(intent: Delivery.Intent) -> tuple[Delivery.State, str]:
    if intent == Delivery.Intent.REMOVE:
        return Delivery.State.BLOCKED, WITHDRAWN
    return Delivery.State.SUPERSEDED, "newer_version"


def supersede_waiting(
    lane: Lane,
    log: Log,
    now: datetime,
    *,
    reason: tuple[Delivery.State, str],
    drained: bool = False,
) -> None:
    """End the lane's waiting deliveries that a new promise makes pointless.

    Not one whose attempt may still be on its way. And when something is to be shared:
    not a removal, which is owed whatever comes after it, not one whose outcome is
    unknown, because only its acknowledgement proves that it will not arrive late, and, unless
    what is `drained` ends too, not one that a drain still lets out while it holds what is newer.
    """
    if reason[1] == WITHDRAWN and lane.state == Lane.State.UNKNOWN:
        _withdraw_the_question(lane, log, now)
    waiting = lane.deliveries.filter(state=Delivery.State.WAITING)
    if not waiting.exists():
        return
    if reason[0] == Delivery.State.SUPERSEDED:
        waiting = waiting.exclude(intent=Delivery.Intent.REMOVE).exclude(records.doubtful())
        if not drained and (since := covering.drained_since(lane)):
            waiting = waiting.exclude(accepted_at__lte=since)
    for delivery in waiting.exclude(attempts__settled_at__isnull=True, attempts__isnull=False):
        end(delivery, reason[0], log, now, reason=reason[1])


def _withdraw_the_question(lane: Lane, log: Log, now: datetime) -> None:
    """Whether it is there matters no more: what may be there is taken back."""
    asked = lane.deliveries.filter(state=Delivery.State.UNKNOWN).order_by("-revision").first()
    if asked is not None:
        end(asked, Delivery.State.BLOCKED, log, now, reason=WITHDRAWN)


def end(
    delivery: Delivery, state: Delivery.State, log: Log, now: datetime, *, reason: str = ""
) -> None:
    """Settle a delivery for good, with its audit entry."""
    delivery.state = state
    delivery.reason = reason
    delivery.settled_at = now
    delivery.audit_entry_id = record(delivery, state.value, log, outcome=reason or None)
    delivery.save()


def record(delivery: Delivery, what: str, log: Log, outcome: str | None = None) -> UUID:
    lane = delivery.lane
    return log.record(
        f"delivery.{what}",
        organisation=lane.route.organisation_id,
        subject=lane.plan.athlete.pseudonym,
        plan=lane.plan_id,
        version=delivery.version.version,
        destination=lane.destination_id,
        delivery=delivery.pk,
        outcome=outcome,
        extra={"revision": delivery.revision, "intent": str(delivery.intent)},
    )


def _expect(lane: Lane, delivery: Delivery, now: datetime) -> None:
    """Raise what the lane owes and when it is due."""
    idle = lane.settled >= lane.desired
    restart = lane.state in _left_for(delivery)
    if restart:
        lane.state, lane.tries = Lane.State.ACTIVE, 0
    if idle or restart:
        lane.due_at = delivery.due_at
    elif lane.tries == 0:
        lane.due_at = min(lane.due_at, delivery.due_at)
    lane.desired = F("desired") + 1
    lane.audit_entry_id = delivery.audit_entry_id
    lane.save()
    lane.refresh_from_db(fields=["desired"])  # the rest is as it was just saved


def _left_for(delivery: Delivery) -> set[Lane.State]:
    """The states that a new promise ends. To take something back needs nobody who looks first."""
    left = {Lane.State.DEAD, Lane.State.CLOSED}
    return left | {Lane.State.UNKNOWN} if delivery.intent == Delivery.Intent.REMOVE else left


def ever_sent(lane: Lane) -> bool:
    """Whether anything of this lane may be at its destination."""
    return (
        lane.records.exclude(state=RemoteRecord.State.REMOVED).exists()
        or lane.attempts.filter(settled_at__isnull=True).exists()
    )
