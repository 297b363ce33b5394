"""Finishing an erasure: once nothing is owed any more, the key and all that is readable go at once.

A removal that nobody confirms is waited for, but not for ever: the log says how many remained.
"""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts import erasures, forgetting
from accounts.models import Athlete, Erasure
from audit.crashpoint import crashpoint
from audit.log import Log, audited_atomic
from audit.retrying import retried
from sharing import clock, fan_out, promises
from sharing.erasure import traces
from sharing.models import Attempt, Delivery, Feed, Lane, RemoteRecord

UNFINISHED = "athlete_erased"  # why a removal ended that nobody confirmed
FOLLOWED = timedelta(days=2)  # calendars come by once a day; one that does not is not waited for
UNCONFIRMED = (Delivery.State.DEAD, Delivery.State.UNKNOWN)


def finish_due() -> int:
    """Finish every erasure whose time has come; how many that were."""
    asked = Erasure.objects.filter(state=Erasure.State.ASKED)
    return sum(finish(erasure) for erasure in asked if _is_due(erasure))


def owing(athlete_id: UUID) -> QuerySet[Lane]:
    """Lanes of which something may still be at the destination, or on its way there."""
    mine = {"lane": OuterRef("pk")}
    there = RemoteRecord.objects.filter(**mine).exclude(state=RemoteRecord.State.REMOVED)
    under_way = Attempt.objects.filter(**mine, settled_at=None)
    waiting = Delivery.objects.filter(**mine, state=Delivery.State.WAITING)
    owed = Q(Exists(there)) | Q(Exists(under_way)) | Q(Exists(waiting))
    return Lane.objects.filter(owed, plan__athlete=athlete_id)


def _is_due(erasure: Erasure) -> bool:
    since = clock.now() - erasure.asked_at
    if since > settings.BATON_ERASURE_PATIENCE:
        return True
    emptied = since > FOLLOWED or not _followed(erasure)
    return emptied and not owing(erasure.athlete_id).exists()


def _followed(erasure: Erasure) -> bool:
    """Whether a calendar that follows a feed has not come by since: it must find it empty."""
    feeds = Feed.objects.filter(lane__plan__athlete=erasure.athlete_id, revoked_at=None)
    return feeds.filter(last_read_at__lt=erasure.asked_at).exists()


@retried
def finish(erasure: Erasure, *, at_once: bool = False) -> bool:
    """Destroy everything in one transaction; False when it is not its time, or done already."""
    with audited_atomic() as log:
        people = Athlete.objects.select_for_update(no_key=True, of=("self",))
        athlete = people.select_related("connection").get(pk=erasure.athlete_id)
        lanes = list(fan_out.lanes_of_athlete(athlete))
        row = Erasure.objects.filter(pk=erasure.pk, state=Erasure.State.ASKED).first()
        if row is None or not (at_once or _is_due(row)):
            return False
        remaining = _close(lanes, athlete, log)
        traces.remove(athlete)
        forgetting.forget(athlete)
        erasures.complete(row, athlete.organisation_id, remaining, log)
        erasures.note_outside(row)
        crashpoint("P21")
    return True


def _close(lanes: list[Lane], athlete: Athlete, log: Log) -> int:
    """End what still waits; in how many lanes nobody has confirmed the removal."""
    remaining = owing(athlete.pk).count()
    now = clock.now()
    for lane in lanes:
        for delivery in lane.deliveries.filter(state=Delivery.State.WAITING):
            delivery.lane = lane
            promises.end(delivery, Delivery.State.BLOCKED, log, now, reason=UNFINISHED)
    nobody = Delivery.objects.filter(lane__in=lanes, state__in=UNCONFIRMED, archived_at=None)
    nobody.update(archived_at=now)
    return remaining
