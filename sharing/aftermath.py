"""After a restore from a backup: what was done since the backup is not known here any more.

A new life begins, in which no key and no number of the lost one comes up again. Every calendar
is read again as a whole; until then its lanes wait. Then each lane owes its newest version once
more, and its destination is asked first what it holds, as far as its class allows.
"""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.sessions.models import Session
from django.db.models import F, QuerySet

from audit.log import Log, audited_atomic
from audit.models import Entry
from audit.retrying import retried
from destinations.models import Destination
from sharing import clock, fan_out, incarnation, intake, mark, promises, unknown
from sharing.erasure import again
from sharing.models import (
    Attempt,
    Delivery,
    Hint,
    Installation,
    Lane,
    PeriodicJob,
    Plan,
    RemoteRecord,
    Route,
    Source,
)
from sharing.models.base import LONG_AGO

RESTORED = "restored"  # why a promise of the earlier life ended


@dataclass(frozen=True)
class Inventory:
    """What a restore concerns."""

    life: int
    written_until: datetime | None  # the last entry of the audit log
    calendars: int
    lanes: int
    for_a_person: int
    unsettled: int
    erasures: int  # of the lost life, which are carried out once more


def inventory() -> Inventory:
    last = Entry.objects.order_by("-seq").values_list("at", flat=True).first()
    return Inventory(
        life=max(incarnation.current().number, mark.life()) + 1,
        written_until=last,
        calendars=_calendars().count(),
        lanes=_lanes().count(),
        for_a_person=sum(_asks_a_person(destination) for destination in Destination.objects.all()),
        unsettled=Attempt.objects.filter(settled_at=None).count(),
        erasures=len(again.concerned()),
    )


def _calendars() -> QuerySet[Source]:
    return Source.objects.exclude(state=Source.State.SUSPENDED)


def _lanes() -> QuerySet[Lane]:
    return Lane.objects.exclude(state=Lane.State.CLOSED)


def _asks_a_person(destination: Destination) -> int:
    if unknown.can_be_asked(destination):
        return 0
    return _lanes().filter(destination=destination).count()


def begin(*, erasures_lost: bool = False) -> Inventory:
    """Begin the new life, all of it or nothing. Safe to do again: then another life begins.

    Raises ErasureListError while the list of erasures is not whole, unless it is lost for good.
    """
    if erasures_lost:
        again.write_anew()
    again.check()
    return _begin(inventory())


@retried
def _begin(found: Inventory) -> Inventory:
    with audited_atomic() as log:
        now = clock.now()
        Installation.objects.update_or_create(
            pk=1, defaults={"incarnation": found.life, "restored_at": now}
        )
        erased = again.replay(log)
        _doubt_everything()
        _read_everything(now)
        PeriodicJob.objects.update(lease_until=LONG_AGO, next_run_at=LONG_AGO)
        Session.objects.all().delete()  # who signed out since the backup stays outside
        log.record(
            "installation.restored",
            extra={
                "incarnation": found.life,
                "lanes": found.lanes,
                "calendars": found.calendars,
                "erased": erased,
            },
        )
    return found


def _doubt_everything() -> None:
    """Whoever held a lane holds it no more, and what is recorded as present may be older than what
    is there. What was taken back, too, may have been shared again: a closed lane looks first when
    it is shared or taken back next.
    """
    Lane.objects.update(verify_needed=True, lease_until=LONG_AGO, epoch=F("epoch") + 1)
    there = RemoteRecord.objects.filter(state=RemoteRecord.State.PRESENT)
    there.update(state=RemoteRecord.State.UNCERTAIN)


def _read_everything(now: datetime) -> None:
    Source.objects.update(
        read_at=None, cursor=None, polled_at=None, lease_until=LONG_AGO, epoch=F("epoch") + 1
    )
    for source in _calendars().select_related("athlete"):
        intake.ask(source, Hint.Kind.SCHEDULE, at_once=True)


def catch_up(plan: Plan, log: Log) -> None:
    """The plan was read for the first time since the restore: its lanes may go on.

    Older promises end, because newer ones may have been kept in the life that was lost; and each
    lane that has no newer promise now owes its version once more.
    """
    restored = incarnation.restored_at()
    if restored is None or plan.created_at >= restored:
        return
    lanes = fan_out.lanes_of_plan(plan)
    for lane in lanes:
        last = lane.deliveries.order_by("-revision").first()
        if last is not None and last.accepted_at < restored and _still_owed(lane, last):
            fan_out.share_newest([lane], log)
        _end_older(lane, log)
    Lane.objects.filter(plan=plan, created_at__gte=restored).update(verify_needed=True)


def _still_owed(lane: Lane, last: Delivery) -> bool:
    living = lane.state in {Lane.State.ACTIVE, Lane.State.DEAD}
    shared = last.intent == Delivery.Intent.SHARE and last.state != Delivery.State.BLOCKED
    return living and shared and lane.route.state != Route.State.RETIRED


def _end_older(lane: Lane, log: Log) -> None:
    """All but the newest, if that one was promised after the restore."""
    waiting = lane.deliveries.filter(
        state=Delivery.State.WAITING, intent=Delivery.Intent.SHARE, revision__lt=lane.desired
    )
    for delivery in waiting.select_related("version"):
        delivery.lane = lane
        promises.end(delivery, Delivery.State.SUPERSEDED, log, clock.now(), reason=RESTORED)
