"""Putting and lifting stops: each is one audited transaction, and counts from its commit on."""

from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Q

from accounts.models import Cohort, User
from audit.log import Log, audited_atomic
from audit.retrying import retried
from sharing import clock, wake
from sharing.models import Installation, Stop
from sharing.models.base import REASON_LENGTH
from sharing.stops import covering
from sharing.stops.scopes import Target, columns

EMPTYING = Stop.Guardrail.EMPTYING


@retried
def put(
    target: Target, mode: str, *, reason: str, by: User | None = None, guardrail: str = ""
) -> Stop:
    """Hold back what this covers; no target means everything there is.

    A thing has one stop in force: another mode takes the place of the first, and the same
    mode again changes nothing. The stop of emptied calendars stands beside it: its question is
    not answered by lifting or putting another.
    """
    mode, reason = _checked(mode, reason)
    with audited_atomic() as log:
        _one_after_the_other(target)
        now = clock.now()
        for earlier in _in_force_on(target, guardrail):
            if earlier.mode == mode:
                return earlier
            _end(earlier, by, now, log)
        stop = Stop(
            mode=mode, reason=reason, guardrail=guardrail, stopped_by=by, stopped_at=now,
            **columns(target),
        )  # fmt: skip
        stop.audit_entry_id = _record(stop, "put", log)
        stop.save(force_insert=True)
    wake.wake()  # a drain that takes a pause's place lets something out
    return stop


@retried
def lift(stop: Stop, *, by: User | None = None) -> Stop:
    """Let everything behind it go: the newest of each plan, what was due first goes first."""
    with audited_atomic() as log:
        row = Stop.objects.select_for_update(no_key=True).get(pk=stop.pk)
        if row.lifted_at is None:
            _end(row, by, clock.now(), log)
    wake.wake()
    return row


def _one_after_the_other(target: Target) -> None:
    """Stops of one thing are put in turn, also the first, of which there is no row to lock."""
    if target is None:
        Installation.objects.select_for_update(no_key=True).get_or_create(pk=1)
    else:
        type(target).objects.select_for_update(no_key=True).get(pk=target.pk)


def _in_force_on(target: Target, guardrail: str) -> list[Stop]:
    alike = Q(guardrail=EMPTYING) if guardrail == EMPTYING else ~Q(guardrail=EMPTYING)
    exactly = covering.in_force().filter(alike, **columns(target))
    return list(exactly.select_for_update(no_key=True))


def _checked(mode: str, reason: str) -> tuple[str, str]:
    if mode not in Stop.Mode.values:
        raise ValidationError({"mode": "Choose pause, drain or kill."})
    if not reason.strip():
        raise ValidationError({"reason": "Say why: whoever meets this stop will read it."})
    return mode, reason.strip()[:REASON_LENGTH]


def _end(stop: Stop, by: User | None, now: datetime, log: Log) -> None:
    stop.lifted_by, stop.lifted_at = by, now
    stop.audit_entry_id = _record(stop, "lifted", log)
    stop.save(update_fields=["lifted_by", "lifted_at", "audit_entry"])


def _record(stop: Stop, what: str, log: Log) -> UUID:
    named = {"route": stop.route_id, "cohort": stop.cohort_id}
    return log.record(
        f"stop.{what}",
        organisation=stop.organisation_id,
        destination=stop.destination_id,
        subject=stop.athlete.pseudonym if stop.athlete else None,
        extra={"stop": str(stop.pk), "mode": str(stop.mode), "scope": stop.scope}
        | {name: str(key) for name, key in named.items() if key}
        | ({"guardrail": str(stop.guardrail)} if stop.guardrail else {}),
    )


def why_cohort_stays(cohort: Cohort) -> str:
    """Deleting what a stop names would lift it in silence."""
    if not covering.in_force().filter(cohort=cohort).exists():
        return ""
    return "This cohort is stopped. Lift its stop first; then it can be deleted."
