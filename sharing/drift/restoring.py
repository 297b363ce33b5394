"""Repairing many: after a person confirmed, or as the route's policy says. Lane by lane, each a
transaction of its own, so that it can stop anywhere and go on.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import User
from audit import actor
from audit.log import Log, audited_atomic
from audit.retrying import retried
from destinations.models import Destination
from sharing import clock, wake
from sharing.drift import policy
from sharing.drift.comparing import log_entry
from sharing.drift.repairing import kept, may_be_kept, rewrite, why_not
from sharing.models import Delivery, Drift, Lane, RemoteRecord

State = Drift.State
PRESENT = RemoteRecord.State.PRESENT


def waiting_for_confirmation(destination: Destination) -> QuerySet[Drift]:
    """Differences that the policy would have repaired, had there not been so many at once.

    Not copies: they are taken away one by one, so that restoring never deletes anything. Nor what
    the route keeps, except for sessions that are missing: nobody deletes so many on purpose. Nor
    where the last delivery was given up: only a person delivers there again.
    """
    waiting = Drift.objects.filter(lane__destination=destination, state=State.OPEN)
    waiting = waiting.exclude(lane__state=Lane.State.DEAD)
    lost = Q(kind=Drift.Kind.MISSING, policy=policy.Choice.KEEP)
    repaired = Q(policy=policy.Choice.SOURCE) & ~Q(kind=Drift.Kind.EXTRA)
    return waiting.filter(repaired | lost)


def restore(destination: Destination, by: User | None = None) -> int:
    """A person confirmed: repair everything that waits for it. The deliveries follow at once."""
    with audited_atomic() as log:
        waiting = dict(waiting_for_confirmation(destination).values_list("pk", "lane"))
        entry = log.record(
            "drift.restore",
            organisation=destination.organisation_id,
            destination=destination.pk,
            actor=actor.user(by.pk) if by else None,
            extra={"differences": len(waiting), "lanes": len(set(waiting.values()))},
        )
        Drift.objects.filter(pk__in=waiting, state=State.OPEN).update(
            state=State.REPAIRING, settled_by=by, settled_at=clock.now(), audit_entry_id=entry
        )
    wake.wake()
    return len(waiting)


def repair_due() -> int:
    """Owe every lane what was confirmed for it, and look at repairs whose delivery has ended."""
    done = 0
    lanes = Drift.objects.filter(state=State.REPAIRING).values_list("lane", flat=True)
    for lane_id in lanes.order_by("lane").distinct():
        done += _repair_lane(lane_id)
    if done:
        wake.wake()
    return done


@retried
def _repair_lane(lane_id: UUID) -> int:
    with audited_atomic() as log:
        lane = Lane.objects.locked(lane_id)
        now = clock.now()
        if lane.desired > lane.settled or lane.lease_until > now:
            return 0  # its delivery is on the way
        rows = list(lane.drifts.filter(state=State.REPAIRING).select_related("record"))
        begun = [row for row in rows if _is_begun(row)]
        for row in begun:
            _delivery_ended(lane, row, log, now)
        todo = [row for row in rows if row not in begun]
        if why_not(lane) or lane.state == Lane.State.DEAD:
            _reopen(lane, todo, log)
        elif todo:
            rewrite(lane, todo, log)
    return len(todo)


def _is_begun(row: Drift) -> bool:
    """Whether a delivery was owed for it: its record is no longer as it was found."""
    found_as = RemoteRecord.State.COPY if row.kind == Drift.Kind.EXTRA else PRESENT
    return bool(row.record.state != found_as)


def _reopen(lane: Lane, rows: Iterable[Drift], log: Log) -> None:
    """Nothing can be written in this lane now: a person looks again."""
    for row in rows:
        row.state, row.settled_at = State.OPEN, None
        row.audit_entry_id = log_entry(log, lane, row, "found")
        row.save()


def _delivery_ended(lane: Lane, row: Drift, log: Log, now: datetime) -> None:
    """The record was not written: the plan has no such session any more, or the delivery failed."""
    last = lane.deliveries.order_by("-revision").first()
    arrived = last is not None and last.state == Delivery.State.DELIVERED
    row.state = State.VANISHED if arrived else State.OPEN
    row.settled_at = now if arrived else None
    if row.kind == Drift.Kind.EXTRA and not arrived:
        RemoteRecord.objects.filter(pk=row.record_id).update(state=RemoteRecord.State.COPY)
    row.audit_entry_id = log_entry(log, lane, row, "vanished" if arrived else "found")
    row.save()


@retried
def by_policy(lane_id: UUID, drifts: Iterable[UUID]) -> None:
    """Settle what a check found in a lane as the route says. What cannot be settled stays open."""
    with audited_atomic() as log:
        lane = Lane.objects.locked(lane_id)
        if why_not(lane):
            return
        found = Drift.objects.filter(pk__in=list(drifts), state=State.OPEN)
        if lane.state == Lane.State.DEAD:  # only a person delivers there again
            found = found.exclude(policy=policy.Choice.SOURCE)
        repaired = [
            row
            for row in found.select_related("record")
            if _settled_by_policy(lane, row, log) == State.REPAIRING
        ]
        if repaired:
            rewrite(lane, repaired, log)
    wake.wake()


@retried
def let_go(lane_id: UUID, drift: UUID) -> None:
    """Nobody decided before the session's day: what was done there counts."""
    with audited_atomic() as log:
        lane = Lane.objects.locked(lane_id)
        row = Drift.objects.select_related("record").get(pk=drift)
        if row.state != State.OPEN:
            return
        row.lane = row.record.lane = lane
        row.settled_at = clock.now()
        if may_be_kept(row):
            kept(lane, row, log)
        else:
            row.state = State.VANISHED
            row.audit_entry_id = log_entry(log, lane, row, "vanished")
        row.save()


def _settled_by_policy(lane: Lane, row: Drift, log: Log) -> str:
    row.lane = row.record.lane = lane
    row.settled_at = clock.now()
    if row.policy == policy.Choice.SOURCE:
        row.state = State.REPAIRING
        row.audit_entry_id = log_entry(log, lane, row, "repair")
    elif may_be_kept(row):
        kept(lane, row, log)
    else:
        return row.state
    row.save()
    return row.state
