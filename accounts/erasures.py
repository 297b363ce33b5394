"""Erasures as they are recorded: begun, kept out of the roster, completed; and who they concern.

A person is known again by a keyed hash of organisation and source id. The key is derived from
BATON_SECRET_KEY for this purpose alone.
"""

from uuid import UUID

from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import erasure_list
from accounts.erasure_list import Line
from accounts.models import Athlete, Erasure
from audit.log import Log

PURPOSE = "baton.erasure.person"


def person(athlete: Athlete) -> str:
    """Who this is at the source; empty for somebody whom the source does not number."""
    if athlete.source_id is None:
        return ""
    return _hashed(athlete.organisation_id, athlete.source_id)


def _hashed(organisation: UUID, source_id: int) -> str:
    return salted_hmac(PURPOSE, f"{organisation}:{source_id}", algorithm="sha256").hexdigest()


def begun(athlete_id: UUID) -> bool:
    """Whether this athlete is being erased, or was: nothing newer may be promised for them."""
    return Erasure.objects.filter(athlete_id=athlete_id).exists()


def of_listed(organisation: UUID, source_id: int) -> Erasure | None:
    """The erasure of somebody whom a roster lists."""
    return Erasure.objects.filter(person=_hashed(organisation, source_id)).first()


def keep_out(erasure: Erasure, organisation: UUID, log: Log) -> None:
    """The roster lists them still, or again: said once."""
    if erasure.kept_out_at is None:
        erasure.kept_out_at = timezone.now()
        log.record("erasure.kept_out", organisation=organisation, subject=erasure.pseudonym)
        erasure.save(update_fields=["kept_out_at"])


def begin(athlete: Athlete, log: Log) -> Erasure:
    """Record the wish, here and outside. The caller holds the athlete's row."""
    erasure = Erasure(
        athlete_id=athlete.pk,
        pseudonym=athlete.pseudonym,
        person=person(athlete),
        asked_at=timezone.now(),
    )
    erasure.audit_entry_id = log.record(
        "erasure.asked", organisation=athlete.organisation_id, subject=athlete.pseudonym
    )
    erasure.save(force_insert=True)
    athlete.state = Athlete.State.ERASING
    athlete.save(update_fields=["state"])
    return erasure


def complete(erasure: Erasure, organisation: UUID | None, remaining: int, log: Log) -> None:
    """Record that it is done, and how many removals nobody has confirmed."""
    erasure.state = Erasure.State.DONE
    erasure.done_at = timezone.now()
    erasure.remaining = remaining
    erasure.audit_entry_id = log.record(
        "erasure.done",
        organisation=organisation,
        subject=erasure.pseudonym,
        extra={"remaining": remaining},
    )
    erasure.save()


def note_outside(erasure: Erasure) -> None:
    """Keep it where no restore reaches, before the database says so."""
    erasure_list.add(line(erasure))


def line(erasure: Erasure) -> Line:
    return Line(
        athlete=erasure.athlete_id,
        pseudonym=erasure.pseudonym,
        person=erasure.person,
        what=erasure.state,
        at=erasure.done_at or erasure.asked_at,
    )


def known_again(listed: Line, log: Log) -> Erasure:
    """An erasure of a lost life whose athlete this database does not know: the roster must."""
    erasure = Erasure(
        athlete_id=listed.athlete,
        pseudonym=listed.pseudonym,
        person=listed.person,
        asked_at=listed.at,
    )
    complete(erasure, None, 0, log)
    return erasure
