"""Asking for an erasure: from its commit on, nothing is promised for the athlete but removal."""

from dataclasses import dataclass

from django.db.models import F, QuerySet

from accounts import consent, erasures
from accounts.consent import Basis
from accounts.models import Athlete, ConsentDecision, ConsentHead, Erasure
from audit.log import audited_atomic
from audit.retrying import retried
from sharing import clock, fan_out, promises
from sharing.models import Lane, PeriodicJob, Plan, Source
from sharing.models.base import LONG_AGO

BY_ERASURE = Basis(kind=ConsentDecision.Basis.ERASURE)
SUBSCRIPTIONS = "reconcile-subscriptions"  # the job that ends what nobody is read for


@dataclass(frozen=True)
class Extent:
    """What an erasure of this athlete concerns."""

    destinations: list[str]  # where something of theirs may be
    consents: int
    plans: int
    versions: int


def extent(athlete: Athlete) -> Extent:
    lanes = Lane.objects.filter(plan__athlete=athlete).select_related("destination")
    there = {lane.destination.name for lane in lanes if promises.ever_sent(lane)}
    plans = Plan.objects.filter(athlete=athlete)
    return Extent(
        destinations=sorted(there),
        consents=_granted(athlete).count(),
        plans=plans.count(),
        versions=sum(plan.versions.count() for plan in plans),
    )


@retried
def ask(athlete: Athlete) -> Erasure:
    """Record the wish, end every consent, read no more, and owe each destination the removal.

    Asked a second time, it is the same wish.
    """
    with audited_atomic() as log:
        row = Athlete.objects.select_for_update(no_key=True).get(pk=athlete.pk)
        if found := Erasure.objects.filter(athlete_id=row.pk).first():
            return found
        _stop_reading(row)
        lanes = _held(row)
        erasure = erasures.begin(row, log)
        for head in _granted(row):
            consent.decide(row, head.destination_id, ConsentDecision.Decision.WITHDRAWN, BY_ERASURE)
        fan_out.take_back(lanes, log)
        erasures.note_outside(erasure)
    return erasure


def _granted(athlete: Athlete) -> QuerySet[ConsentHead]:
    return ConsentHead.objects.filter(
        athlete=athlete, latest__decision=ConsentDecision.Decision.GRANTED
    )


def _stop_reading(athlete: Athlete) -> None:
    """Whoever reads now is fenced off; the subscriptions end at the next look, which is now."""
    Source.objects.filter(athlete=athlete).update(
        state=Source.State.SUSPENDED, lease_until=LONG_AGO, epoch=F("epoch") + 1
    )
    PeriodicJob.objects.filter(name=SUBSCRIPTIONS).update(next_run_at=clock.now())


def _held(athlete: Athlete) -> list[Lane]:
    """Plans before lanes, as whoever makes a version or opens a lane locks them."""
    list(Plan.objects.filter(athlete=athlete).order_by("pk").select_for_update(no_key=True))
    return list(fan_out.lanes_of_athlete(athlete))
