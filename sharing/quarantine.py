"""Quarantine: an answer of the source that broke its contract, kept whole for a person to settle.

Nothing is recorded or sent from such an answer. After a fix the same bytes can be tried again.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from accounts.models import User
from audit.log import Log, audited_atomic
from audit.retrying import retried
from plans import contract
from plans.errors import ContractError
from plans.trainingpeaks import (
    parse_changed,
    parse_roster,
    parse_strength_workouts,
    parse_structure,
    parse_workouts,
)
from sharing import clock, intake
from sharing.models import Hint, Quarantine, Source
from sharing.source import endpoints
from sharing.source.errors import BadAnswerError

PARSERS: Mapping[str, Callable[[Any], object]] = {
    endpoints.WORKOUTS.name: parse_workouts,
    endpoints.STRUCTURE.name: parse_structure,
    endpoints.STRENGTH.name: parse_strength_workouts,
    endpoints.CHANGED.name: parse_changed,
    endpoints.ATHLETES.name: parse_roster,
    contract.PLAN: contract.check,
}

LONGEST_NOTE = 300

_replayers: dict[str, Callable[[Quarantine], None]] = {}


class SettledError(Exception):
    """Somebody has settled it already, in words for who came later."""


def keep(source: Source, bad: BadAnswerError, log: Log) -> Quarantine:
    """Keep the answer. The same complaint again is the same row: a retry adds nothing."""
    same = source.quarantined.filter(
        contract=bad.contract, field=bad.field[:200], problem=bad.problem, state="open"
    ).first()
    if same is not None:
        return same
    row = Quarantine(
        source=source,
        contract=bad.contract,
        field=bad.field[:200],
        problem=bad.problem,
        created_at=clock.now(),
    )
    row.body = source.athlete.seal(bad.body, purpose=f"quarantine:{row.pk}")
    row.audit_entry_id = record(row, "kept", log)
    row.save(force_insert=True)
    return row


def body_of(row: Quarantine) -> bytes:
    """The answer as it came."""
    return row.source.athlete.unseal(bytes(row.body), purpose=f"quarantine:{row.pk}")


def still_wrong(row: Quarantine) -> ContractError | None:
    """Whether the kept answer breaks the contract as it is understood now."""
    parse = PARSERS.get(row.contract)
    if parse is None:
        return None
    try:
        parse(json.loads(body_of(row)))
    except ContractError as error:
        return error
    except ValueError as error:  # not JSON at all
        return ContractError("", str(error))
    return None


@retried
def replay(row: Quarantine, by: User | None = None) -> None:
    """Ask the source again. Raises while the kept answer would break the contract again."""
    if (error := still_wrong(row)) is not None:
        raise error
    with audited_atomic() as log:
        waiting = unsettled(row)
        _replayers.get(waiting.contract, _read_again)(waiting)
        settle(waiting, Quarantine.State.REPLAYED, log, by)


def replay_with(contract_name: str, replayer: Callable[[Quarantine], None]) -> None:
    """Say how answers of one contract are asked for again. The others are read with the athlete,
    and settled by that.
    """
    _replayers[contract_name] = replayer


def _read_again(row: Quarantine) -> None:
    intake.ask(row.source, Hint.Kind.MANUAL, at_once=True)


@retried
def dismiss(row: Quarantine, note: str = "", by: User | None = None) -> None:
    """Leave it unread. The note is not in the log: it is a person's words."""
    with audited_atomic() as log:
        waiting = unsettled(row)
        waiting.note = note
        settle(waiting, Quarantine.State.DISMISSED, log, by)


def unsettled(row: Quarantine) -> Quarantine:
    """The row as it is now, held for who settles it or writes beside it."""
    held = Quarantine.objects.select_for_update(no_key=True).get(pk=row.pk)
    if held.state != Quarantine.State.OPEN:
        raise SettledError(f"This is settled already: {held.get_state_display().lower()}.")
    return held


def read_well(source: Source, log: Log) -> None:
    """The source was read without a complaint: what was kept before is answered by that."""
    for row in source.quarantined.filter(state=Quarantine.State.OPEN).exclude(
        contract__in=_replayers
    ):
        settle(row, Quarantine.State.REPLAYED, log)


def settle(row: Quarantine, state: Quarantine.State, log: Log, by: User | None = None) -> None:
    row.state = state
    row.settled_at, row.settled_by = clock.now(), by
    row.audit_entry_id = record(row, state.value, log)
    row.save(update_fields=["state", "note", "settled_at", "settled_by", "audit_entry"])


def record(row: Quarantine, what: str, log: Log) -> UUID:
    athlete = row.source.athlete
    return log.record(
        f"quarantine.{what}",
        organisation=athlete.organisation_id,
        subject=athlete.pseudonym,
        extra={"contract": row.contract, "quarantine": str(row.pk)},
    )
