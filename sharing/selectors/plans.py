"""Plans, their versions and how each stands at every destination."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from accounts.models import Athlete, User
from destinations.models import Destination
from sharing.cadence import zone_of
from sharing.clock import now
from sharing.models import Delivery, Lane, Plan, PlanVersion
from sharing.selectors.deliveries import newest_of_each_lane


@dataclass(frozen=True)
class AtDestination:
    """What one destination holds of a plan."""

    lane: Lane
    latest: Delivery | None
    holds: Delivery | None

    @property
    def destination(self) -> Destination:
        return self.lane.destination

    @property
    def behind(self) -> bool:
        """It holds an older version than the newest one."""
        return self.holds is None or self.holds.version.version < self.lane.plan.newest


def plans(user: User) -> QuerySet[Plan]:
    return Plan.objects.for_user(user).select_related("athlete")


def of_athlete(athlete: Athlete) -> list[Plan]:
    return list(athlete.plans.filter(archived_at=None).select_related("athlete"))


def newest_version(plan: Plan) -> PlanVersion | None:
    return (
        plan.versions.filter(version=plan.newest).select_related("plan__athlete").first()
        if plan.newest
        else None
    )


def versions(plan: Plan) -> QuerySet[PlanVersion]:
    return (
        plan.versions.select_related("plan__athlete")
        .prefetch_related(Prefetch("deliveries", newest_of_each_lane()), "acknowledgements")
        .order_by("-version")
    )


def at_destinations(plan: Plan) -> list[AtDestination]:
    """The status at each destination: the newest promise, and what was last delivered."""
    lanes = plan.lanes.select_related("destination", "route", "plan").order_by("destination__name")
    return [
        AtDestination(lane, _newest(lane), _newest(lane, state=Delivery.State.DELIVERED))
        for lane in lanes
    ]


def _newest(lane: Lane, **having: str) -> Delivery | None:
    return lane.deliveries.filter(**having).select_related("version").order_by("-revision").first()


def local_today(athlete: Athlete, moment: datetime | None = None) -> date:
    """The day it is where the athlete lives."""
    return (moment or now()).astimezone(zone_of(athlete.time_zone)).date()


def version_of(plan_id: UUID, number: int, user: User) -> PlanVersion | None:
    return (
        PlanVersion.objects.for_user(user)
        .filter(plan_id=plan_id, version=number)
        .select_related("plan__athlete")
        .first()
    )
