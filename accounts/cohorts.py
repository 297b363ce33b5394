"""Cohorts: some athletes of an organisation under one name, made, renamed, filled and deleted.

Each is one audited transaction. What may forbid that a cohort goes is known to others: they say
so with `object_with`.
"""

from collections.abc import Callable, Iterable
from uuid import UUID

from django.core.exceptions import ValidationError

from accounts.models import Athlete, Cohort, Organisation
from audit.log import Log, audited_atomic
from audit.retrying import retried

LONGEST_NAME = 120
FOREIGN = "Choose athletes of this organisation only."

_objections: list[Callable[[Cohort], str]] = []


def object_with(objection: Callable[[Cohort], str]) -> None:
    """Ask this before a cohort is deleted: it says why not, or nothing."""
    _objections.append(objection)


@retried
def create(organisation: Organisation, name: str, athletes: Iterable[Athlete] = ()) -> Cohort:
    cohort = Cohort(organisation=organisation)
    with audited_atomic() as log:
        _name(cohort, name)
        cohort.save(force_insert=True)
        _record(cohort, "created", log)
        _fill(cohort, athletes, log)
    return cohort


@retried
def change(
    cohort: Cohort, *, name: str | None = None, athletes: Iterable[Athlete] | None = None
) -> Cohort:
    """Rename it, say anew who belongs to it, or both."""
    with audited_atomic() as log:
        row = Cohort.objects.select_for_update(no_key=True).get(pk=cohort.pk)
        if name is not None and name.strip() != row.name:
            _name(row, name)
            row.save(update_fields=["name"])
            _record(row, "renamed", log)
        if athletes is not None:
            _fill(row, athletes, log)
    return row


@retried
def delete(cohort: Cohort) -> None:
    """Its athletes and their plans stay as they are."""
    with audited_atomic() as log:
        row = Cohort.objects.select_for_update(no_key=True).get(pk=cohort.pk)
        if why := next(filter(None, (objection(row) for objection in _objections)), ""):
            raise ValidationError(why)
        _record(row, "deleted", log)
        row.delete()


def _name(cohort: Cohort, name: str) -> None:
    cohort.name = name.strip()
    if not cohort.name:
        raise ValidationError({"name": "Give the cohort a name."})
    if len(cohort.name) > LONGEST_NAME:
        raise ValidationError({"name": f"Use at most {LONGEST_NAME} characters."})
    others = Cohort.objects.filter(organisation=cohort.organisation_id, name=cohort.name)
    if others.exclude(pk=cohort.pk).exists():
        raise ValidationError({"name": f"There is a cohort called “{cohort.name}” already."})


def _fill(cohort: Cohort, athletes: Iterable[Athlete], log: Log) -> None:
    wanted = {athlete.pk: athlete for athlete in athletes}
    if any(each.organisation_id != cohort.organisation_id for each in wanted.values()):
        raise ValidationError({"athletes": FOREIGN})
    held = {athlete.pk: athlete for athlete in cohort.athletes.all()}
    cohort.athletes.set(wanted.values())
    for pk in wanted.keys() - held.keys():
        _record(cohort, "joined", log, wanted[pk].pseudonym)
    for pk in held.keys() - wanted.keys():
        _record(cohort, "left", log, held[pk].pseudonym)


def _record(cohort: Cohort, what: str, log: Log, subject: UUID | None = None) -> None:
    log.record(
        f"cohort.{what}",
        organisation=cohort.organisation_id,
        subject=subject,
        extra={"cohort": str(cohort.pk)},
    )
