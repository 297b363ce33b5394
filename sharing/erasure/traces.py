"""What the engine holds of an athlete beside the sealed versions: removed, or emptied where the row
itself must stay. Other rooms name theirs with `also`.

Versions, acknowledgements and consent decisions are written once. They stay, and what is sealed in
them opens no more.
"""

from collections.abc import Callable

from django.db.models import F, Q

from accounts.models import Athlete
from sharing import clock, departures
from sharing.models import (
    Attempt,
    BulkAction,
    BulkItem,
    Delivery,
    Feed,
    Lane,
    Plan,
    Quarantine,
    Remark,
    RemoteRecord,
    Source,
    Step,
    Stop,
)
from sharing.models.base import LONG_AGO

NAME = "Erased plan"
REASON = "An athlete was erased."

_others: list[Callable[[Athlete], object]] = []


def also(remove: Callable[[Athlete], object]) -> None:
    """Call this as well, in the transaction that erases an athlete."""
    if remove not in _others:
        _others.append(remove)


def remove(athlete: Athlete) -> None:
    """Done twice, it changes nothing more. The caller holds the athlete's lanes."""
    _at_the_source(athlete)
    _at_destinations(athlete)
    _in_words(athlete)
    athlete.routes.clear()
    for other in _others:
        other(athlete)


def _at_the_source(athlete: Athlete) -> None:
    """Hints, subscriptions and quarantine go with the source, and so does its secret address.

    A roster that could not be read was kept with one athlete and names all of them.
    """
    rosters = Quarantine.objects.filter(contract__in=(departures.ROSTER, departures.MASS_CHANGE))
    if athlete.connection_id:
        rosters.filter(source__athlete__connection=athlete.connection_id).delete()
    Source.objects.filter(athlete=athlete).delete()


def _at_destinations(athlete: Athlete) -> None:
    lanes = Lane.objects.filter(plan__athlete=athlete)
    RemoteRecord.objects.filter(lane__in=lanes).delete()  # and every drift of them
    Step.objects.filter(attempt__lane__in=lanes).delete()
    Attempt.objects.filter(lane__in=lanes).update(problem="", excerpt="")
    Delivery.objects.filter(lane__in=lanes).update(notes=[], withheld=[])
    Feed.objects.filter(lane__in=lanes, revoked_at=None).update(
        revoked_at=clock.now(), generation=F("generation") + 1
    )
    lanes.update(
        state=Lane.State.CLOSED, settled=F("desired"), last_error="", verify_needed=False,
        lease_until=LONG_AGO, epoch=F("epoch") + 1,
    )  # fmt: skip


def _in_words(athlete: Athlete) -> None:
    """What people wrote: about this athlete alone, as far as that can be told."""
    mine = Q(lane__plan__athlete=athlete)
    Plan.objects.filter(athlete=athlete, archived_at=None).update(archived_at=clock.now())
    Plan.objects.filter(athlete=athlete).update(name=NAME)
    Remark.objects.filter(delivery__lane__plan__athlete=athlete).delete()
    Stop.objects.filter(athlete=athlete).update(reason=REASON)
    others = BulkItem.objects.exclude(mine).values("action")
    alone = BulkAction.objects.filter(items__lane__plan__athlete=athlete).exclude(pk__in=others)
    BulkAction.objects.filter(pk__in=alone.values("pk")).exclude(reason="").update(reason=REASON)
