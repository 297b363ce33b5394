"""What may leave: the version limited to the agreed fields, the athlete as the destination may know
them.
"""

import hashlib
import hmac
from collections.abc import Iterable

from audit.retrying import retried
from destinations.port import Item, Recipient
from plans.fields import SESSION_FIELDS, only
from plans.model import Plan
from sharing.models import Delivery, Lane, PlanVersion


def shared_plan(version: PlanVersion, fields: frozenset[str]) -> Plan:
    """The canonical plan with every field that was not agreed taken out.

    Pure: the same in, the same out.
    """
    plan = version.canonical()
    sessions = tuple(only(session, set(fields)) for session in plan.exercise_list)
    total = sum(session.duration_seconds or 0 for session in sessions)
    return plan.model_copy(update={"exercise_list": sessions, "total_duration": total})


def recipient(lane: Lane) -> Recipient:
    """A pseudonym of its own for each destination; name and address only where they are wanted."""
    athlete = lane.plan.athlete
    token = pseudonym(athlete.pseudonym.bytes, lane.destination_id.bytes)
    if lane.destination.pseudonymous:
        return Recipient(pseudonym=token, time_zone=athlete.time_zone)
    return Recipient(
        pseudonym=token,
        name=athlete.name,
        email=athlete.email or None,
        time_zone=athlete.time_zone,
        source_id=athlete.source_id,
    )


def pseudonym(athlete: bytes, destination: bytes) -> str:
    """The same for the same athlete and destination, unrelated between destinations."""
    return hmac.new(athlete, destination, hashlib.sha256).hexdigest()[:32]


@retried
def remember_fidelity(
    delivery: Delivery, epoch: int, fields: frozenset[str], items: Iterable[Item]
) -> None:
    """Keep what was held back and what the destination cannot hold, for whoever asks later. Who
    holds the lane no more says nothing about it.
    """
    withheld = sorted(set(SESSION_FIELDS) - fields)
    notes = sorted({note.words for item in items for note in item.notes})
    if (withheld, notes) == (delivery.withheld, delivery.notes):
        return
    ours = Delivery.objects.filter(pk=delivery.pk, lane__epoch=epoch)
    ours.update(withheld=withheld, notes=notes)
    delivery.withheld, delivery.notes = withheld, notes  # not before they are kept: see `retried`
