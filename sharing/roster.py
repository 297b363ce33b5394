"""The roster: athletes as their coach's connection lists them, each with a source and a plan."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from accounts import erasures
from accounts.models import Athlete, Connection
from audit.log import Log, audited_atomic
from audit.retrying import retried
from plans.errors import ContractError
from plans.trainingpeaks import RosterAthlete, parse_roster
from sharing import departures, health, intake, windows
from sharing.departures import record
from sharing.models import Hint, Plan, Source
from sharing.source.client import TrainingPeaks
from sharing.source.errors import BadAnswerError

PLAN_NAME = "Training plan"


@dataclass
class Outcome:
    """What a look at the roster led to. `stopped` counts those we did not dare to detach,
    `kept_out` those who were erased.
    """

    created: int = 0
    updated: int = 0
    detached: int = 0
    stopped: int = 0
    kept_out: int = 0


def sync(connection: Connection) -> Outcome:
    """Bring our athletes in line with the roster."""
    if connection.kind == Connection.Kind.CALENDAR_FEED:
        return _published(connection)
    with TrainingPeaks(connection.pk) as api:
        listed = _parsed(api.athletes(), connection)
    each = [_one(connection, person) for person in listed]
    outcome = Outcome(
        created=sum(one.created for one in each),
        updated=sum(one.updated for one in each),
        kept_out=sum(one.kept_out for one in each),
    )
    _leave(connection, listed, outcome)
    health.worked(connection, allowed=api.allowed)
    return outcome


def _parsed(raw: object, connection: Connection) -> Sequence[RosterAthlete]:
    """One athlete who cannot be read stops the whole list: a shorter one would detach people."""
    try:
        return parse_roster(raw)
    except ContractError as error:
        body = json.dumps(raw).encode()
        bad = BadAnswerError(departures.ROSTER, error.path, error.problem, body)
        _quarantine(connection, bad)
        raise bad from None


@retried
def _quarantine(connection: Connection, bad: BadAnswerError) -> None:
    with audited_atomic() as log:
        departures.keep(connection, bad, log)


@retried
def _leave(connection: Connection, listed: Sequence[RosterAthlete], outcome: Outcome) -> None:
    missing = departures.missing_from(connection, [person.source_id for person in listed])
    with audited_atomic() as log:
        if departures.let_go(connection, missing, log):
            outcome.detached = len(missing)
        else:
            outcome.stopped = len(missing)


@retried
def _one(connection: Connection, person: RosterAthlete) -> Outcome:
    """Each in a transaction of its own: a long roster must not hold up writers."""
    with audited_atomic() as log:
        if erasure := erasures.of_listed(connection.organisation_id, person.source_id):
            erasures.keep_out(erasure, connection.organisation_id, log)
            return Outcome(kept_out=1)
        athlete = (
            Athlete.objects.select_for_update(of=("self",), no_key=True)
            .filter(organisation=connection.organisation_id, source_id=person.source_id)
            .select_related("connection")
            .first()
        )
        if athlete is not None and athlete.is_leaving:
            return Outcome(kept_out=1)  # asked for while this roster was on its way
        if athlete is None:
            _create(connection, person, log)
            return Outcome(created=1)
        return Outcome(updated=int(bool(_update(athlete, connection, person, log))))


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
    record(athlete, "athlete.created", log)
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
        record(athlete, "athlete.attached" if back else "athlete.updated", log)
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


@retried
def set_time_zone(athlete: Athlete, time_zone: str) -> None:
    """The coach's answer to a question the roster left open."""
    if windows.local_day(time_zone, timezone.now()) is None:
        raise ValueError(f"“{time_zone}” is not a time zone.")
    if erasures.begun(athlete.pk):
        raise ValueError("This athlete is being erased.")
    with audited_atomic() as log:
        athlete.time_zone = time_zone
        athlete.save(update_fields=["time_zone"])
        record(athlete, "athlete.updated", log)
        _wake(athlete.source, log, reread=True)


@retried
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
        record(athlete, "athlete.created", log)
        begin(athlete)
    return Outcome(created=1)
