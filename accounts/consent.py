"""Consent: decide and ask. The latest decision wins; no decision means no."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError

from accounts import erasures, notices
from accounts.models import Athlete, ConsentDecision, ConsentHead, Organisation, User
from audit import log as at_the_database
from audit.log import audited_atomic
from plans.fields import SESSION_FIELDS


@dataclass(frozen=True, kw_only=True)
class Basis:
    """How a decision was given: by the athlete's own link, or recorded by a coach with a note."""

    kind: str = ConsentDecision.Basis.ATHLETE_LINK
    note: str = ""
    decided_by: User | None = None


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a grant covers: which fields, for what, until when."""

    fields: Collection[str] = ()
    purpose: str = ""
    expires_at: datetime | None = None


NOTHING = Terms()


def decide(
    athlete: Athlete, destination_id: UUID, decision: str, basis: Basis, terms: Terms = NOTHING
) -> ConsentDecision:
    """Add a decision; it is the latest from this transaction's commit on.

    Raises ValidationError for a decision that would not hold: see `_check`.
    """
    _check(athlete.organisation, decision, basis, terms)
    if decision == ConsentDecision.Decision.GRANTED and erasures.begun(athlete.pk):
        raise ValidationError("This athlete is being erased: nothing can be shared any more.")
    notice = notices.newest()
    with audited_atomic() as log:
        row = ConsentDecision(
            athlete=athlete,
            destination_id=destination_id,
            decision=decision,
            fields=sorted(terms.fields),
            purpose=terms.purpose,
            expires_at=terms.expires_at,
            basis=basis.kind,
            decided_by=basis.decided_by,
            decided_at=at_the_database.now(),
            notice_version=notice.version,
            notice_hash=notice.hash,
            language=notice.language,
        )
        row.seal_note(basis.note)
        row.audit_entry_id = log.record(
            f"consent.{decision}",
            organisation=athlete.organisation_id,
            subject=athlete.pseudonym,
            destination=destination_id,
            consent=row.pk,
            extra={"notice": notice.version, "basis": str(basis.kind)},
        )
        row.save(force_insert=True)
        ConsentHead.objects.update_or_create(
            athlete=athlete, destination_id=destination_id, defaults={"latest": row}
        )
    return row


def _check(organisation: Organisation, decision: str, basis: Basis, terms: Terms) -> None:
    if decision not in ConsentDecision.Decision.values:
        raise ValidationError("A decision is granted, declined or withdrawn.")
    if basis.kind == ConsentDecision.Basis.COACH_RECORD:
        _check_record(organisation, decision, basis)
    if unknown := sorted(set(terms.fields) - set(SESSION_FIELDS)):
        raise ValidationError(f"A plan has no such fields: {', '.join(unknown)}.")
    if terms.expires_at and terms.expires_at <= at_the_database.now():
        raise ValidationError("A consent must end after it begins.")


def _check_record(organisation: Organisation, decision: str, basis: Basis) -> None:
    """Who recorded it and how the athlete said so; a yes only where the policy lets coaches."""
    athletes_only = organisation.consent_policy == Organisation.ConsentPolicy.ATHLETE
    if athletes_only and decision == ConsentDecision.Decision.GRANTED:
        raise ValidationError("In this organisation the athlete must agree through their own link.")
    if basis.decided_by is None or not basis.note.strip():
        raise ValidationError("Say who recorded this, and how the athlete said so.")


def current(
    athlete_id: UUID,
    destination_id: UUID,
    *,
    for_share: bool = False,
    now: datetime | None = None,
) -> ConsentDecision | None:
    """The grant in force, or None. With `for_share` it stays in force until the transaction ends.

    The decision is read after its head is locked: read together with it, somebody who had to
    wait for a new decision would be shown none.
    """
    heads = ConsentHead.objects.filter(athlete_id=athlete_id, destination_id=destination_id)
    if for_share:
        heads = heads.select_for_update(no_key=True)
    head = heads.first()
    if head is None or head.latest.decision != ConsentDecision.Decision.GRANTED:
        return None
    expired = head.latest.expires_at and head.latest.expires_at <= (now or at_the_database.now())
    return None if expired else head.latest
