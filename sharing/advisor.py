"""Which cadence suits a route: how often plans change, the platform's ability, what is at stake."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from destinations import registry
from destinations.models import Destination
from sharing.clock import now
from sharing.models import PlanVersion, Route

LOOKED_AT = timedelta(days=28)
OFTEN = (
    1.0  # versions per athlete and day, from which on a slow platform should not be asked each time
)
CRITICAL = 0.2  # share of versions that move a day, a time or a duration
SLOW = 1.0  # calls per second that the platform takes


@dataclass(frozen=True)
class Advice:
    """The three inputs, in words, and what follows from them. The coach may choose otherwise."""

    frequency: str
    ability: str
    criticality: str
    cadence: str
    because: str

    @property
    def cadence_label(self) -> str:
        return str(Route.Cadence(self.cadence).label)


def advise(organisation: UUID, destination: Destination) -> Advice:
    per_week, urgent = _history(organisation)
    cadence, because = _suggestion(per_week, urgent, destination)
    return Advice(
        frequency=_frequency(per_week),
        ability=_ability(destination),
        criticality=_criticality(urgent),
        cadence=cadence,
        because=because,
    )


def _history(organisation: UUID) -> tuple[float | None, float | None]:
    """Versions per plan and week, and the share of them that was urgent; None before any."""
    recent = PlanVersion.objects.filter(
        plan__athlete__organisation=organisation, published_at__gte=now() - LOOKED_AT, version__gt=1
    )
    count = recent.count()
    if not count:
        return None, None
    plans = recent.values("plan").distinct().count()
    weeks = LOOKED_AT / timedelta(weeks=1)
    return count / plans / weeks, recent.filter(urgent=True).count() / count


def _suggestion(
    per_week: float | None, urgent: float | None, destination: Destination
) -> tuple[Route.Cadence, str]:
    capabilities = registry.adapter_class(destination.kind).capabilities
    if capabilities.published:
        return Route.Cadence.REAL_TIME, "It is read from Baton, so being current costs nothing."
    if not capabilities.update:
        return (
            Route.Cadence.NIGHTLY,
            "It cannot change what it has, so one settled version a day is kinder.",
        )
    if urgent is None or per_week is None or urgent >= CRITICAL:
        return Route.Cadence.REAL_TIME, "Changes of day, time or length matter at once."
    if per_week / 7 >= OFTEN and destination.rate_per_second <= SLOW:
        return (
            Route.Cadence.HOURLY,
            "Plans change often and the platform is slow: gather an hour's changes.",
        )
    return (
        Route.Cadence.NIGHTLY,
        "Most changes are notes and details; what is urgent still goes at once.",
    )


def _frequency(per_week: float | None) -> str:
    if per_week is None:
        return "No changes seen yet in the last four weeks"
    return f"{per_week:.1f} changes per plan and week, over the last four weeks"


def _ability(destination: Destination) -> str:
    capabilities = registry.adapter_class(destination.kind).capabilities
    if capabilities.published:
        return "Reads the plan from Baton whenever it likes"
    change = "can change what it holds" if capabilities.update else "cannot change what it holds"
    return f"Takes {destination.rate_per_second:g} calls per second and {change}"


def _criticality(urgent: float | None) -> str:
    if urgent is None:
        return "Not known yet; treated as critical"
    return f"{urgent:.0%} of changes move a day, a time or a length"
