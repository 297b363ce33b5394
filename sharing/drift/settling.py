"""At the end of a check: the route's policy, unless so much differs that a person must confirm."""

from collections import defaultdict
from datetime import timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from sharing import clock, mass_change
from sharing.drift import policy, restoring
from sharing.models import Drift, DriftCheck, Lane


def apply_policy(check: DriftCheck) -> None:
    """Lane by lane, each a transaction of its own; done twice it does no more than once.

    What was given up comes last and counts for itself: what differs there waits for a person, night
    after night, and must keep nobody else's from being repaired.
    """
    given_up = Q(lane__state=Lane.State.DEAD)
    for found in (found_by(check).exclude(given_up), found_by(check).filter(given_up)):
        if is_mass_change(check, found):
            return
        _apply_policy(found)


def _apply_policy(found: QuerySet[Drift]) -> None:
    by_lane: dict[UUID, list[UUID]] = defaultdict(list)
    todo = found.exclude(policy=policy.Choice.ASK).order_by("lane", "pk")
    for lane, drift in todo.values_list("lane", "pk"):
        by_lane[lane].append(drift)
    for lane, drifts in by_lane.items():
        restoring.by_policy(lane, drifts)


def let_go(check: DriftCheck) -> None:
    """What waits for a person until its day is over stays as it is: the past is not written."""
    yesterday = clock.now().date() - timedelta(days=1)  # over in every time zone
    over = Drift.objects.filter(
        lane__destination=check.destination_id, state=Drift.State.OPEN, record__day__lt=yesterday
    )
    for lane, drift in over.order_by("lane", "pk").values_list("lane", "pk"):
        restoring.let_go(lane, drift)


def is_mass_change(check: DriftCheck, found: QuerySet[Drift]) -> bool:
    differing = found.values("record").distinct().count()
    check.refresh_from_db(fields=["records_compared"])
    return mass_change.too_many(differing, check.records_compared)


def found_by(check: DriftCheck) -> QuerySet[Drift]:
    return check.drifts.filter(state=Drift.State.OPEN)
