"""Attempts whose worker never came back: fence it off, doubt what it began, go on or give up."""

from datetime import datetime, timedelta
from itertools import takewhile

from audit.log import Log
from sharing import records, retry, unknown
from sharing.models import Delivery, Lane
from sharing.settlement import CRASHED, Settlement, give_up


def settle(lane: Lane, log: Log, now: datetime) -> bool:
    """Settle attempts whose worker never came back. False when the lane may not go on now.

    An attempt without a settlement is evidence of an unknown outcome, not of nothing;
    if no step was begun, nothing left this machine.
    """
    crashed = list(
        lane.attempts.filter(settled_at__isnull=True).select_related("delivery__version")
    )
    if crashed:
        _fence_off(lane)
    for attempt in crashed:
        attempt.delivery.lane = lane
        settlement = Settlement(lane, attempt.delivery, attempt, log, now)
        begun = records.doubt(attempt)
        settlement.close_attempt(CRASHED)
        if not _resume_after_crash(settlement, begun=begun):
            return False
    return True


def _fence_off(lane: Lane) -> None:
    """Whoever is taken for dead owns the lane no more, even while nobody else has claimed it."""
    lane.epoch += 1
    lane.save(update_fields=["epoch"])


def _resume_after_crash(settlement: Settlement, *, begun: bool) -> bool:
    lane, delivery = settlement.lane, settlement.delivery
    waiting = delivery.state == Delivery.State.WAITING
    asks = begun and unknown.needs_a_person(lane.destination, delivery)
    if waiting and not asks and _in_a_row(delivery) >= retry.CRASHES:
        if begun:
            unknown.hold(settlement, settlement.attempt.deadline_at, over=True)
        give_up(settlement, "crashes")
        return False
    if begun and waiting:
        unknown.go_on(settlement, timedelta(0), since=settlement.attempt.deadline_at)
        lane.tries = max(0, lane.tries - 1)  # a crash of ours is no failure of theirs
    lane.save()
    return lane.state == Lane.State.ACTIVE and lane.hold_until <= settlement.now


def _in_a_row(delivery: Delivery) -> int:
    """How many of this delivery's newest attempts had workers that never came back."""
    newest = delivery.attempts.order_by("-number").values_list("outcome", flat=True)
    return sum(1 for _ in takewhile(CRASHED.__eq__, newest[: retry.CRASHES]))
