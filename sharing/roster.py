"""The roster: athletes as their coach's connection lists them, each with a source and a plan.

Who is missing from a list that a working token was given is detached, and what was
shared is taken back; but never many at once without a person's word.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from accounts.models import Athlete, Connection
from audit.log import Log, audited_atomic
from plans.errors import ContractError
from plans.trainingpeaks import RosterAthlete, parse_roster
from sharing import clock, fan_out, health, intake, quarantine, wake, windows
from sharing.models import Hint, Lane, PeriodicJob, Plan, Quarantine, Source
from sharing.source import endpoints
from sharing.source.client import TrainingPeaks
from sharing.source.errors import BadAnswerError

FEW, SHARE = 5, 0.10  # more than the larger of the two never leave at once by themselves
PLAN_NAME = "Training plan"
JOB = "sync-rosters"
CONFIRMED = "They did leave."
GOOD_FOR = timedelta(days=1)
ROSTER, MASS_CHANGE = endpoints.ATHLETES.name, "roster-mass-change"


@dataclass
class Outcome:
    """What a look at the roster led to. `stopped` counts those we did not dare to detach."""

    created: int = 0
    updated: int = 0
    detached: int = 0
    stopped: int = 0


def sync(connection: Connection) -> Outcome:
    """Bring our athletes in line with the roster."""
    if connection.kind == Connection.Kind.CALENDAR_FEED:
        return _published(connection)
    with TrainingPeaks(connection.pk) as api:
        listed = _parsed(api.athletes(), connection)
    outcome = Outcome()
    for person in listed:
        with audited_atomic() as log:  # each by itself: a long roster must not hold up writers
            _one(connection, person, outcome, log)
    with audited_atomic() as log:
        _leave(connection, listed, outcome, log)
    health.worked(connection, allowed=api.allowed)
    return outcome


def _parsed(raw: object, connection: Connection) -> Sequence[RosterAthlete]:
    """One athlete who cannot be read stops the whole list: a shorter one would detach people."""
    try:
        return parse_roster(raw)
    except ContractError as error:
        with audited_atomic() as log:
            body = json.dumps(raw).encode()
            _keep(connection, BadAnswerError(ROSTER, error.path, error.problem, body), log)
        raise BadAnswerError(ROSTER, error.path, error.problem, body) from None


def _leave(
    connection: Connection, listed: Sequence[RosterAthlete], outcome: Outcome, log: Log
) -> None:
    """Detach who is missing, unless they are too many to be believed without a person's word."""
    ours = Athlete.objects.filter(connection=connection, state=Athlete.State.ACTIVE)
    missing = list(ours.exclude(source_id__in=[person.source_id for person in listed]))
    if _too_many(len(missing), ours.count()) and not _confirmed(connection, missing):
        outcome.stopped = len(missing)
        _stop(connection, missing, log)
        return
    for athlete in missing:
        _detach(athlete, log)
    _settle(connection, log)
    outcome.detached = len(missing)


def _keep(connection: Connection, bad: BadAnswerError, log: Log) -> None:
    """In quarantine with one of the connection's athletes; on the connection while it has none."""
    source = Source.objects.filter(athlete__connection=connection).order_by("pk").first()
    if source is None:
        health.complain(connection, str(bad))
        return
    quarantine.keep(source, bad, log)


def _again(row: Quarantine) -> None:
    PeriodicJob.objects.filter(name=JOB).update(next_run_at=clock.now())
    wake.wake()


def _confirm(row: Quarantine) -> None:
    """A person has looked: exactly those who were missing then may leave at the next look."""
    row.note = CONFIRMED
    _again(row)


def _confirmed(connection: Connection, missing: Collection[Athlete]) -> bool:
    gone = {athlete.source_id for athlete in missing}
    words = Quarantine.objects.filter(
        source__athlete__connection=connection,
        contract=MASS_CHANGE,
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


def _too_many(missing: int, of: int) -> bool:
    return missing > max(FEW, SHARE * of)


def _stop(connection: Connection, missing: Collection[Athlete], log: Log) -> None:
    """A list that is suddenly short may be lost permission: a person decides, nobody leaves."""
    problem = f"{len(missing)} athletes are missing at once: replay this if they did leave."
    gone = [athlete.source_id for athlete in missing]
    _keep(connection, BadAnswerError(MASS_CHANGE, "", problem, json.dumps(gone).encode()), log)
    log.record(
        "roster.mass_change_stopped",
        organisation=connection.organisation_id,
        extra={"connection": str(connection.pk), "missing": len(missing)},
    )


def _one(connection: Connection, person: RosterAthlete, outcome: Outcome, log: Log) -> None:
    athlete = (
        Athlete.objects.select_for_update(of=("self",))
        .filter(organisation=connection.organisation_id, source_id=person.source_id)
        .select_related("connection")
        .first()
    )
    if athlete is None:
        _create(connection, person, log)
        outcome.created += 1
    elif _update(athlete, connection, person, log):
        outcome.updated += 1


def _create(connection: Connection, person: RosterAthlete, log: Log) -> None:
    athlete = Athlete.objects.create(
        organisation_id=connection.organisation_id,
        connection=connection,
        source_id=person.source_id,
        name=person.name or f"Athlete {person.source_id}",
        email=person.email,
        time_zone=person.time_zone or "",
        is_premium=person.is_premium,
    )
    _record(athlete, "athlete.created", log)
    begin(athlete)


def begin(athlete: Athlete) -> Source:
    """Give an athlete a source and a rolling plan, and have it read for the first time."""
    source, _ = Source.objects.get_or_create(athlete=athlete)
    Plan.objects.get_or_create(
        athlete=athlete,
        kind=Plan.Kind.ROLLING,
        defaults={"name": PLAN_NAME, "weeks": settings.BATON_WINDOW_WEEKS},
    )
    intake.ask(source, Hint.Kind.SCHEDULE, at_once=True)
    return source


def _update(athlete: Athlete, connection: Connection, person: RosterAthlete, log: Log) -> list[str]:
    """Take over what changed. Says the names of the fields; none when nothing did."""
    wanted = _wanted(athlete, connection, person)
    changed = [name for name, value in wanted.items() if getattr(athlete, name) != value]
    back = athlete.state == Athlete.State.DETACHED
    for name in changed:
        setattr(athlete, name, wanted[name])
    if changed:
        athlete.save(update_fields=changed)
        _record(athlete, "athlete.attached" if back else "athlete.updated", log)
    source = begin(athlete) if not hasattr(athlete, "source") else athlete.source
    _wake(source, log, reread=back or bool({"time_zone", "is_premium"} & {*changed}))
    return changed


def _wanted(athlete: Athlete, connection: Connection, person: RosterAthlete) -> dict[str, object]:
    """What the row should say. A zone that the roster does not know stays the coach's word."""
    served = athlete.connection is not None and athlete.connection.state in {
        Connection.State.HEALTHY,
        Connection.State.SCOPE_MISSING,
    }
    return {
        "name": person.name or athlete.name,
        "email": person.email or athlete.email,
        "time_zone": person.time_zone or athlete.time_zone,
        "is_premium": person.is_premium,
        "state": Athlete.State.ACTIVE,
        "connection": athlete.connection if served else connection,
    }


def _wake(source: Source, log: Log, *, reread: bool) -> None:
    """The list proves that the athlete is attached: read again where reading had stopped."""
    if source.state == Source.State.SUSPENDED:
        health.resume(source, log)
    elif reread:
        intake.ask(source, Hint.Kind.SCHEDULE, at_once=True)


def _detach(athlete: Athlete, log: Log) -> None:
    """No longer the coach's: stop reading, and take back what was shared."""
    athlete.state = Athlete.State.DETACHED
    athlete.save(update_fields=["state"])
    Source.objects.filter(athlete=athlete).update(state=Source.State.SUSPENDED)
    _record(athlete, "athlete.detached", log)
    lanes = Lane.objects.filter(plan__athlete=athlete).select_for_update(of=("self",))
    fan_out.take_back(lanes.select_related("plan__athlete", "route", "destination"), log)


def set_time_zone(athlete: Athlete, time_zone: str) -> None:
    """The coach's answer to a question the roster left open."""
    if windows.local_day(time_zone, timezone.now()) is None:
        raise ValueError(f"“{time_zone}” is not a time zone.")
    with audited_atomic() as log:
        athlete.time_zone = time_zone
        athlete.save(update_fields=["time_zone"])
        _record(athlete, "athlete.updated", log)
        _wake(athlete.source, log, reread=True)


def _published(connection: Connection) -> Outcome:
    """A published calendar is one athlete's, and says nothing about them: the coach names them."""
    with audited_atomic() as log:
        if connection.athletes.exists():
            return Outcome()
        athlete = Athlete.objects.create(
            organisation_id=connection.organisation_id,
            connection=connection,
            name=connection.name or "Athlete",
        )
        _record(athlete, "athlete.created", log)
        begin(athlete)
    return Outcome(created=1)


def _record(athlete: Athlete, action: str, log: Log) -> None:
    log.record(action, organisation=athlete.organisation_id, subject=athlete.pseudonym)


quarantine.replay_with(ROSTER, _again)
quarantine.replay_with(MASS_CHANGE, _confirm)
