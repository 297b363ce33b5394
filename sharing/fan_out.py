"""From a new version (or a changed wish) to promises: one per active route that covers the plan."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts import erasures
from accounts.models import Athlete, Erasure
from audit.log import Log
from sharing import clock, lost, pinned, promises, wake
from sharing.models import Delivery, Lane, Plan, PlanVersion, Route


def routes_of(plan: Plan) -> QuerySet[Route]:
    """The routes that carry this plan. A paused route still promises; it only does not send."""
    covers = Q(audience=Route.Audience.EVERYONE) | Q(athletes=plan.athlete_id)
    return (
        Route.objects.filter(covers, organisation=plan.athlete.organisation_id, plan_kind=plan.kind)
        .exclude(state=Route.State.RETIRED)
        .select_related("destination")
        .distinct()
    )


def fan_out(version: PlanVersion, log: Log) -> None:
    """Promise this version in every lane of its plan, save where a roll back holds on.

    Part of the transaction that made it.
    """
    if erasures.begun(version.plan.athlete_id):
        return
    for route in routes_of(version.plan):
        lane = promises.lane_for(version.plan, route, log)
        if pinned.pin(lane) is None:
            promises.promise(lane, version, log)
    wake.wake()


def share_newest(lanes: Iterable[Lane], log: Log) -> list[Delivery]:
    """Owe each lane the newest version of its plan, now; what was rolled back stays so."""
    made = []
    for lane in _without_the_erased(lanes):
        version = pinned.owed(lane)
        if version is not None:
            made.append(promises.promise(lane, version, log, due_at=clock.now()))
    wake.wake()
    return made


def _without_the_erased(lanes: Iterable[Lane]) -> list[Lane]:
    held = list(lanes)
    people = {lane.plan.athlete_id for lane in held}
    leaving = set(
        Erasure.objects.filter(athlete_id__in=people).values_list("athlete_id", flat=True)
    )
    return [lane for lane in held if lane.plan.athlete_id not in leaving]


def take_back(lanes: Iterable[Lane], log: Log) -> list[Delivery]:
    """Owe each lane's destination nothing at all: waiting promises end, what was written is
    removed.
    """
    made = []
    for lane in lanes:
        version = pinned.newest(lane.plan)
        if version is None:
            continue
        if promises.ever_sent(lane) or lost.doubt_removals(lane):
            made.append(promises.promise(lane, version, log, intent=Delivery.Intent.REMOVE))
        else:
            _nothing_to_take_back(lane, log)
    wake.wake()
    return made


def _nothing_to_take_back(lane: Lane, log: Log) -> None:
    now = clock.now()
    promises.supersede_waiting(lane, log, now, reason=(Delivery.State.BLOCKED, promises.WITHDRAWN))
    Lane.objects.filter(pk=lane.pk).update(settled=lane.desired, state=Lane.State.CLOSED)


def lanes_of(*, athlete: UUID, destination: UUID) -> QuerySet[Lane]:
    return Lane.objects.locking().filter(plan__athlete=athlete, destination=destination)


def lanes_of_athlete(athlete: Athlete) -> QuerySet[Lane]:
    return Lane.objects.locking().filter(plan__athlete=athlete)


def lanes_of_plan(plan: Plan) -> QuerySet[Lane]:
    return Lane.objects.locking().filter(plan=plan)


def lanes_on(route: Route) -> QuerySet[Lane]:
    return Lane.objects.locking().filter(route=route)


def open_lanes(route: Route, log: Log) -> list[Lane]:
    """A lane for each plan the route covers and that has a version; the caller promises it.

    The plans are locked first, as whoever makes a version locks them: either that version
    is seen here, or its maker sees the route. Nobody may miss the other.
    """
    plans = Plan.objects.filter(
        athlete__organisation=route.organisation_id, kind=route.plan_kind
    ).select_related("athlete")
    plans = plans.exclude(athlete__state__in=Athlete.LEAVING)
    if route.audience == Route.Audience.CHOSEN:
        plans = plans.filter(athlete__in=route.athletes.all())
    locked = plans.select_for_update(of=("self",), no_key=True).order_by("pk")
    return [promises.lane_for(plan, route, log) for plan in locked if plan.newest]
