"""Who leaves the roster: certainly, or only with a person's word because they are many, or all.

Somebody is missing only from a whole list that a working token was given. Who left is
detached, and what was shared is taken back.
"""

import json
from collections.abc import Collection, Sequence
from datetime import timedelta

from accounts.models import Athlete, Connection
from audit.log import Log
from sharing import clock, fan_out, health, mass_change, quarantine, wake
from sharing.models import PeriodicJob, Quarantine, Source
from sharing.source import endpoints
from sharing.source.errors import KEPT_LIST, BadAnswerError

JOB = "sync-rosters"
CONFIRMED = "They did leave."
GOOD_FOR = timedelta(days=1)
ROSTER, MASS_CHANGE = endpoints.ATHLETES.name, KEPT_LIST


def missing_from(connection: Connection, listed: Collection[int]) -> list[Athlete]:
    ours = Athlete.objects.filter(connection=connection, state=Athlete.State.ACTIVE)
    return list(ours.exclude(source_id__in=listed))


def let_go(connection: Connection, missing: Sequence[Athlete], log: Log) -> bool:
    """Detach them; False when so many are not believed without a person's word."""
    if _too_many(connection, len(missing)) and not _confirmed(connection, missing):
        _stop(connection, missing, log)
        return False
    for athlete in missing:
        _detach(athlete, log)
    _settle(connection, log)
    return True


def keep(connection: Connection, bad: BadAnswerError, log: Log) -> None:
    """In quarantine with one of the connection's athletes; on the connection while it has none."""
    source = Source.objects.filter(athlete__connection=connection).order_by("pk").first()
    if source is None:
        health.complain(connection, str(bad))
        return
    quarantine.keep(source, bad, log)


def _too_many(connection: Connection, missing: int) -> bool:
    ours = Athlete.objects.filter(connection=connection, state=Athlete.State.ACTIVE).count()
    return mass_change.too_many_athletes(missing, ours)


def _stop(connection: Connection, missing: Collection[Athlete], log: Log) -> None:
    """A list that is suddenly short may be lost permission: a person decides, nobody leaves."""
    problem = f"{len(missing)} athletes are missing at once."
    gone = [athlete.source_id for athlete in missing]
    keep(connection, BadAnswerError(MASS_CHANGE, "", problem, json.dumps(gone).encode()), log)
    log.record(
        "roster.mass_change_stopped",
        organisation=connection.organisation_id,
        extra={"connection": str(connection.pk), "missing": len(missing)},
    )


def _confirmed(connection: Connection, missing: Collection[Athlete]) -> bool:
    gone = {athlete.source_id for athlete in missing}
    words = Quarantine.objects.filter(
        source__athlete__connection=connection,
        contract=MASS_CHANGE,
        state=Quarantine.State.REPLAYED,
        note=CONFIRMED,
        settled_at__gt=clock.now() - GOOD_FOR,
    )
    return any(gone <= set(json.loads(quarantine.body_of(row))) for row in words)


def _settle(connection: Connection, log: Log) -> None:
    """The roster took effect: what was kept about it is answered by that."""
    kept = Quarantine.objects.filter(
        source__athlete__connection=connection,
        contract__in=(ROSTER, MASS_CHANGE),
        state=Quarantine.State.OPEN,
    )
    for row in kept.select_related("source__athlete"):
        quarantine.settle(row, Quarantine.State.REPLAYED, log)


def _detach(athlete: Athlete, log: Log) -> None:
    """No longer the coach's: stop reading, and take back what was shared."""
    athlete.state = Athlete.State.DETACHED
    athlete.save(update_fields=["state"])
    Source.objects.filter(athlete=athlete).update(state=Source.State.SUSPENDED)
    record(athlete, "athlete.detached", log)
    fan_out.take_back(fan_out.lanes_of_athlete(athlete), log)


def record(athlete: Athlete, action: str, log: Log) -> None:
    log.record(action, organisation=athlete.organisation_id, subject=athlete.pseudonym)


def _again(row: Quarantine) -> None:
    """The whole list is asked for at once."""
    PeriodicJob.objects.filter(name=JOB).update(next_run_at=clock.now())
    wake.wake()


def _confirm(row: Quarantine) -> None:
    """A person has looked: exactly those who were missing then may leave at the next look."""
    row.note = CONFIRMED
    _again(row)


quarantine.replay_with(ROSTER, _again)
quarantine.replay_with(MASS_CHANGE, _confirm)
