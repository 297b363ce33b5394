"""Named blocks: plans with fixed days that a coach makes beside the rolling one."""

from datetime import date

from accounts.models import Athlete
from audit.log import Log, audited_atomic
from audit.retrying import retried
from sharing import clock, intake
from sharing.models import Hint, Plan, Source

LONGEST = 366  # days


@retried
def open_block(athlete: Athlete, name: str, starts_on: date, ends_on: date) -> Plan:
    """Make the block and have its days read now."""
    if not 0 <= (ends_on - starts_on).days < LONGEST:
        raise ValueError(f"A block ends on or after its first day, and within {LONGEST} days.")
    if athlete.is_leaving:
        raise ValueError("This athlete is being erased: no plan is made for them any more.")
    with audited_atomic() as log:
        plan = Plan.objects.create(
            athlete=athlete,
            name=name,
            kind=Plan.Kind.BLOCK,
            starts_on=starts_on,
            ends_on=ends_on,
        )
        _record(plan, "plan.opened", log)
        for source in Source.objects.filter(athlete=athlete):
            intake.ask(source, Hint.Kind.MANUAL, at_once=True)
    return plan


@retried
def archive(plan: Plan) -> None:
    """Read it no more. What was shared of it stays where it is."""
    with audited_atomic() as log:
        plan.archived_at = clock.now()
        plan.save(update_fields=["archived_at"])
        _record(plan, "plan.archived", log)


def _record(plan: Plan, action: str, log: Log) -> None:
    athlete = plan.athlete
    log.record(
        action, organisation=athlete.organisation_id, subject=athlete.pseudonym, plan=plan.pk
    )
