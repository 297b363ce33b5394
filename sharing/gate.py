"""The gate: whether something may leave now.

Asked in the transaction that begins an attempt, and before each call.
"""

from dataclasses import dataclass
from uuid import UUID

from accounts import consent
from accounts.models import Athlete, ConsentDecision
from destinations.models import Destination
from sharing import clock
from sharing.models import Delivery, Lane, Route


@dataclass(frozen=True)
class Passage:
    """What the gate said: a refusal in one word, or the consent it rests on and the fields that may
    leave. `paused`: nothing is refused, but nothing may go before somebody resumes it.
    """

    refusal: str = ""
    consent_id: UUID | None = None
    fields: frozenset[str] = frozenset()
    paused: bool = False


@dataclass(frozen=True)
class _States:
    """Route, destination and athlete as they are now, whatever the lane in hand remembers."""

    route: str
    destination: str
    athlete: str

    @classmethod
    def of(cls, lane: Lane) -> "_States":
        named = ("route__state", "destination__state", "plan__athlete__state")
        return cls(*Lane.objects.values_list(*named).get(pk=lane.pk))

    @property
    def paused(self) -> bool:
        return self.route == Route.State.PAUSED or self.destination == Destination.State.PAUSED

    @property
    def refusal(self) -> str:
        if self.route == Route.State.RETIRED:
            return "route_retired"
        if self.destination == Destination.State.DISABLED:
            return "destination_disabled"
        if self.athlete in Athlete.LEAVING:
            return "athlete_erased"
        return "" if self.athlete == Athlete.State.ACTIVE else "athlete_detached"


def ask(lane: Lane, delivery: Delivery) -> Passage:
    """Ask again, under lock: route on, athlete attached, consent active, for which fields?

    Removing needs no consent: it is what a withdrawal asks for.
    """
    states = _States.of(lane)
    if delivery.intent == Delivery.Intent.REMOVE:
        return Passage(paused=states.paused)
    decision = consent.current(
        lane.plan.athlete_id, lane.destination_id, for_share=True, now=clock.now()
    )
    if states.refusal or decision is None:
        return Passage(refusal=states.refusal or "no_consent")
    fields = allowed_fields(lane.route, decision)
    return Passage(consent_id=decision.pk, fields=fields, paused=states.paused)


def allowed_fields(route: Route, decision: ConsentDecision) -> frozenset[str]:
    """Only what both the route names (with a purpose) and the athlete agreed to."""
    return frozenset(route.fields) & frozenset(decision.fields)
