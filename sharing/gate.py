"""The gate: whether something may leave now.

Asked in the transaction that begins an attempt, and before each call.
"""

from dataclasses import dataclass
from uuid import UUID

from accounts import consent
from accounts.models import Athlete, ConsentDecision
from destinations.models import Destination
from sharing.models import Delivery, Lane, Route


@dataclass(frozen=True)
class Passage:
    """What the gate said: a refusal in one word, or the consent it rests on and the fields that may
    leave.
    """

    refusal: str = ""
    consent_id: UUID | None = None
    fields: frozenset[str] = frozenset()


def ask(lane: Lane, delivery: Delivery) -> Passage:
    """Ask again, under lock: route on, athlete attached, consent active, for which fields?

    Removing needs no consent: it is what a withdrawal asks for.
    """
    if delivery.intent == Delivery.Intent.REMOVE:
        return Passage()
    decision = consent.current(lane.plan.athlete_id, lane.destination_id, for_share=True)
    refusal = _refusal(lane, decision)
    if refusal or decision is None:
        return Passage(refusal=refusal or "no_consent")
    return Passage(consent_id=decision.pk, fields=allowed_fields(lane.route, decision))


def _refusal(lane: Lane, decision: ConsentDecision | None) -> str:
    if lane.route.state == Route.State.RETIRED:
        return "route_retired"
    if lane.destination.state == Destination.State.DISABLED:
        return "destination_disabled"
    if lane.plan.athlete.is_leaving:
        return "athlete_erased"
    if lane.plan.athlete.state != Athlete.State.ACTIVE:
        return "athlete_detached"
    return "" if decision else "no_consent"


def allowed_fields(route: Route, decision: ConsentDecision) -> frozenset[str]:
    """Only what both the route names (with a purpose) and the athlete agreed to."""
    return frozenset(route.fields) & frozenset(decision.fields)
