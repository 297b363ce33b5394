"""The roster: athletes with their consent for each destination beside the name."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import notices
from accounts.consent import Terms
from accounts.models import Athlete, ConsentDecision, ConsentHead, User
from destinations.models import Destination
from sharing.models import Route
from sharing.selectors.searching import findable


@dataclass(frozen=True)
class Standing:
    """How one athlete's consent for one destination stands now."""

    destination: Destination
    decision: ConsentDecision | None
    state: str  # granted, declined, withdrawn, expired or missing

    @property
    def granted(self) -> bool:
        return self.state == "granted"


def athletes(user: User, search: str = "") -> QuerySet[Athlete]:
    found = Athlete.objects.for_user(user).order_by("name", "pk")
    words = search.strip()
    if not findable(words):
        return found.none()
    return found.filter(Q(name__icontains=words) | Q(email__icontains=words)) if words else found


def destinations(user: User) -> list[Destination]:
    return list(
        Destination.objects.for_user(user)
        .exclude(state=Destination.State.DISABLED)
        .order_by("name")
    )


def standings(
    of: Iterable[Athlete], to: Sequence[Destination], now: datetime | None = None
) -> dict[UUID, list[Standing]]:
    """For each athlete, one standing per destination, in the destinations' order. One query."""
    people = list(of)
    heads = ConsentHead.objects.filter(
        athlete__in=people, destination_id__in=[destination.pk for destination in to]
    ).select_related("latest")
    newest = {(head.athlete_id, head.destination_id): head.latest for head in heads}
    return {
        athlete.pk: [
            _standing(destination, newest.get((athlete.pk, destination.pk)), now)
            for destination in to
            if destination.organisation_id == athlete.organisation_id
        ]
        for athlete in people
    }


def _standing(
    destination: Destination, decision: ConsentDecision | None, now: datetime | None
) -> Standing:
    if decision is None:
        return Standing(destination, None, "missing")
    over = decision.expires_at is not None and decision.expires_at <= (now or timezone.now())
    granted = decision.decision == ConsentDecision.Decision.GRANTED
    return Standing(destination, decision, "expired" if over and granted else decision.decision)


def fields_of(destination: Destination) -> dict[str, str]:
    """What the routes to a destination would share, with the purpose of each field."""
    fields: dict[str, str] = {}
    routes = Route.objects.filter(destination=destination).exclude(state=Route.State.RETIRED)
    for route in routes:
        fields.update(route.fields)
    return dict(sorted(fields.items()))


def terms_of(destination: Destination) -> Terms:
    """What a consent given now covers: exactly what the routes to the destination would share."""
    return Terms(fields=sorted(fields_of(destination)), purpose=purpose_of(destination))


def digest_of(destination: Destination) -> str:
    """What an athlete is shown before agreeing, in short: it differs when a coach changed it."""
    shown = [notices.newest().version, purpose_of(destination), fields_of(destination)]
    return sha256(json.dumps(shown).encode()).hexdigest()


def purpose_of(destination: Destination) -> str:
    """What the athlete is asked to agree to: the purposes of the routes, in one line."""
    routes = Route.objects.filter(destination=destination).exclude(state=Route.State.RETIRED)
    return "; ".join(dict.fromkeys(routes.values_list("purpose", flat=True)))[:200]
