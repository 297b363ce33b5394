"""Consent decisions and what they set in motion: a grant shares the newest version, a withdrawal
takes everything back.
"""

from django.core.exceptions import ValidationError

from accounts import consent
from accounts.consent import Basis, Terms
from accounts.models import Athlete, ConsentDecision
from audit.crashpoint import crashpoint
from audit.log import audited_atomic
from audit.retrying import retried
from destinations.models import Destination
from sharing import fan_out
from sharing.models import Lane


@retried
def grant(
    athlete: Athlete, destination: Destination, *, terms: Terms, basis: Basis
) -> ConsentDecision:
    """Record the consent and share the newest version under it, in one transaction."""
    _check(athlete, destination)
    with audited_atomic() as log:
        list(Athlete.objects.filter(pk=athlete.pk).select_for_update(no_key=True))  # or be erased
        lanes = _lanes(athlete, destination)
        decision = consent.decide(
            athlete, destination.pk, ConsentDecision.Decision.GRANTED, basis, terms
        )
        fan_out.share_newest(lanes, log)
    return decision


def decline(athlete: Athlete, destination: Destination, *, basis: Basis) -> ConsentDecision:
    return _end(athlete, destination, ConsentDecision.Decision.DECLINED, basis)


def withdraw(athlete: Athlete, destination: Destination, *, basis: Basis) -> ConsentDecision:
    """No attempt starts after this commits; what was written is taken back in the same lanes."""
    return _end(athlete, destination, ConsentDecision.Decision.WITHDRAWN, basis)


@retried
def _end(athlete: Athlete, destination: Destination, what: str, basis: Basis) -> ConsentDecision:
    _check(athlete, destination)
    with audited_atomic() as log:
        lanes = _lanes(athlete, destination)
        decision = consent.decide(athlete, destination.pk, what, basis)
        crashpoint("P19")
        fan_out.take_back(lanes, log)
    return decision


def _check(athlete: Athlete, destination: Destination) -> None:
    if athlete.organisation_id != destination.organisation_id:
        raise ValidationError("Choose a destination of the athlete’s own organisation.")


def _lanes(athlete: Athlete, destination: Destination) -> list[Lane]:
    """Locked before the decision, because a sender locks its lane and then asks for consent."""
    return list(fan_out.lanes_of(athlete=athlete.pk, destination=destination.pk))
