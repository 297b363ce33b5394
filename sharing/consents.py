"""Consent decisions and what they set in motion: a grant shares the newest version, a withdrawal
takes everything back.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from accounts import consent
from accounts.models import Athlete, ConsentDecision, User
from audit.log import audited_atomic
from destinations.models import Destination
from sharing import fan_out


@dataclass(frozen=True, kw_only=True)
class Basis:
    """How a decision was given: through the athlete's own link, or recorded by the coach with a
    note.
    """

    kind: str = ConsentDecision.Basis.ATHLETE_LINK
    note: str = ""
    decided_by: User | None = None


def grant(
    athlete: Athlete,
    destination: Destination,
    *,
    fields: Collection[str],
    purpose: str,
    basis: Basis,
    expires_at: datetime | None = None,
) -> ConsentDecision:
    """Record the consent and share the newest version under it, in one transaction."""
    with audited_atomic() as log:
        decision = consent.decide(
            athlete,
            destination.pk,
            ConsentDecision.Decision.GRANTED,
            fields=fields,
            purpose=purpose,
            basis=basis.kind,
            basis_note=basis.note,
            decided_by=basis.decided_by,
            expires_at=expires_at,
        )
        fan_out.share_newest(fan_out.lanes_of(athlete=athlete.pk, destination=destination.pk), log)
    return decision


def decline(athlete: Athlete, destination: Destination, *, basis: Basis) -> ConsentDecision:
    return _end(athlete, destination, ConsentDecision.Decision.DECLINED, basis)


def withdraw(athlete: Athlete, destination: Destination, *, basis: Basis) -> ConsentDecision:
    """No attempt starts after this commits; what was written is taken back in the same lanes."""
    return _end(athlete, destination, ConsentDecision.Decision.WITHDRAWN, basis)


def _end(athlete: Athlete, destination: Destination, what: str, basis: Basis) -> ConsentDecision:
    with audited_atomic() as log:
        decision = consent.decide(
            athlete,
            destination.pk,
            what,
            basis=basis.kind,
            basis_note=basis.note,
            decided_by=basis.decided_by,
        )
        fan_out.take_back(fan_out.lanes_of(athlete=athlete.pk, destination=destination.pk), log)
    return decision
