"""Acknowledgements: somebody has seen a version. Saying it again changes nothing."""

from audit.log import audited_atomic
from audit.retrying import retried
from sharing import clock
from sharing.models import Acknowledgement, PlanVersion

ATHLETE_LINK = "athlete_link"


@retried
def acknowledge(version: PlanVersion, channel: str = ATHLETE_LINK) -> Acknowledgement:
    with audited_atomic() as log:
        seen = version.acknowledgements.filter(channel=channel).first()
        if seen:
            return seen
        athlete = version.plan.athlete
        entry = log.record(
            "version.acknowledged",
            organisation=athlete.organisation_id,
            subject=athlete.pseudonym,
            plan=version.plan_id,
            version=version.version,
            extra={"channel": channel},
        )
        return Acknowledgement.objects.create(
            version=version, channel=channel, acknowledged_at=clock.now(), audit_entry_id=entry
        )
