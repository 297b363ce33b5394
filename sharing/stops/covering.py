"""Which stops lie over which lanes. Asked in the database: for one lane before each call, and for
all that are due inside the query that claims.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from accounts.models import Cohort
from sharing.models import Delivery, Lane, Stop

KILL, DRAIN = Stop.Mode.KILL, Stop.Mode.DRAIN
LANE = {
    "organisation": "route__organisation",
    "destination": "destination",
    "route": "route",
    "athlete": "plan__athlete",
}  # what a stop may name → where a lane has it


def in_force() -> QuerySet[Stop]:
    return Stop.objects.filter(lifted_at=None)


def over(lane: Lane) -> QuerySet[Stop]:
    """Every stop in force that covers this lane."""
    if not in_force().exists():  # as nearly always, and asked several times for each delivery
        return Stop.objects.none()
    plan, route = lane.plan, lane.route
    return _covering(
        organisation=route.organisation_id,
        destination=lane.destination_id,
        route=lane.route_id,
        athlete=plan.athlete_id,
    )


def not_held(lanes: QuerySet[Lane]) -> QuerySet[Lane]:
    """Those of which something may be begun now. A drain lets out what waited when it was put.

    A stop that is put meanwhile is met before the first call.
    """
    if not in_force().exists():  # a claim need not ask lane by lane
        return lanes
    waiting = Delivery.objects.filter(lane=OuterRef(OuterRef("pk")), state=Delivery.State.WAITING)
    oldest = Subquery(waiting.order_by("revision").values("accepted_at")[:1])
    return lanes.exclude(Exists(_over_rows("").filter(_holds(accepted_at=oldest))))


def held_deliveries() -> Exists:
    """As a condition on deliveries: if it waits, a stop holds it."""
    return Exists(_over_rows("lane__").filter(_holds(accepted_at=OuterRef("accepted_at"))))


def holding(delivery: Delivery) -> QuerySet[Stop]:
    """The stops that hold this delivery; none when it does not wait."""
    if delivery.state != Delivery.State.WAITING:
        return Stop.objects.none()
    return over(delivery.lane).filter(_holds(accepted_at=delivery.accepted_at))


def forbids(lane: Lane, delivery: Delivery, *, begun: bool) -> bool:
    """Whether the next call must not be made. Only the kill switch stops who has begun."""
    found = over(lane)
    if begun:
        return found.filter(mode=KILL).exists()
    return found.filter(_holds(accepted_at=delivery.accepted_at)).exists()


def killed(lane: Lane) -> bool:
    return over(lane).filter(mode=KILL).exists()


def drained_since(lane: Lane) -> datetime | None:
    """Up to when what was accepted is let out by the drain over this lane, if there is one."""
    drains = over(lane).filter(mode=DRAIN).order_by("stopped_at")
    return drains.values_list("stopped_at", flat=True).first()


def let_out(lane: Lane, waiting: Sequence[Delivery]) -> list[Delivery]:
    """Those of a lane's waiting deliveries that no drain holds."""
    since = drained_since(lane)
    return [each for each in waiting if since is None or each.accepted_at <= since]


def behind(stop: Stop) -> QuerySet[Delivery]:
    """The deliveries that wait because of this stop."""
    waiting = Delivery.objects.filter(
        lane__in=Lane.objects.filter(covered_by(stop)), state=Delivery.State.WAITING
    )
    return waiting.filter(accepted_at__gt=stop.stopped_at) if stop.mode == DRAIN else waiting


def _holds(*, accepted_at: Any) -> Q:
    return ~Q(mode=DRAIN) | Q(stopped_at__lt=accepted_at)


def _over_rows(prefix: str) -> QuerySet[Stop]:
    return _covering(**{name: OuterRef(f"{prefix}{path}") for name, path in LANE.items()})


def _covering(*, athlete: Any, **named: Any) -> QuerySet[Stop]:
    """The stops in force over what is named; a column that a stop leaves empty covers all."""
    within = OuterRef(athlete) if isinstance(athlete, OuterRef) else athlete
    mine = Cohort.objects.filter(pk=OuterRef("cohort"), athletes=within)
    found = in_force().filter(Q(athlete=None) | Q(athlete=athlete))
    for name, value in named.items():
        found = found.filter(Q(**{name: None}) | Q(**{name: value}))
    return found.filter(Q(cohort=None) | Exists(mine))


def covered_by(stop: Stop) -> Q:
    """As a condition on lanes: this stop lies over it."""
    if stop.cohort_id is not None:
        return Q(plan__athlete__cohorts=stop.cohort_id)
    named = {path: getattr(stop, f"{name}_id") for name, path in LANE.items()}
    return Q(**{path: value for path, value in named.items() if value is not None})
