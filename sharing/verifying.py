"""Looking before writing: what a destination shows says which of our doubtful records are right."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.db import transaction

from audit.retrying import retried
from destinations.errors import DestinationError, UnknownOutcomeError
from destinations.port import (
    Action,
    DestinationAdapter,
    IdempotencyClass,
    ListsOurs,
    ReadBack,
    Remote,
    RemoteState,
    Step,
)
from sharing import clock, lost, outcomes, payloads
from sharing.drift import reading
from sharing.models import Attempt, Lane, RemoteRecord

State = RemoteRecord.State


def look(lane: Lane, attempt: Attempt, adapter: DestinationAdapter) -> None:
    """Read back what this lane is in doubt about, where that can be done. No transaction is open.

    What was written is believed again if it is there as it was written; everything else is
    written anew. A destination that keeps doubles out by itself need not answer for that, but
    it must for what only a lost life knew of: nothing else ever finds that.
    """
    if not lane.verify_needed:
        return
    turn = _turn(lane, attempt)
    try:
        held, found = _read_back(lane, adapter, turn)
        unrecorded = _unrecorded(lane, attempt, adapter, turn)
    except reading.Later as later:
        raise outcomes.NotNow(later.wait, "rate_limit") from None
    if held or unrecorded:
        _note(lane, attempt, held, found, unrecorded)


def shows(adapter: DestinationAdapter, step: Step, remote: Remote) -> bool:
    """Whether the destination, which refused this step, holds already what the step asks for."""
    if not isinstance(adapter, ReadBack):
        return False
    wanted = replace(remote, body=step.item.body) if step.item else remote
    try:
        found = adapter.look_up(wanted)
    except DestinationError:
        return False
    if step.action == Action.REMOVE:
        return found.present is False
    return found.present is True and not found.altered


def _read_back(
    lane: Lane, adapter: DestinationAdapter, turn: reading.Turn
) -> tuple[list[RemoteRecord], Mapping[str, RemoteState]]:
    held = _doubtful(lane) if isinstance(adapter, ReadBack) else []
    if not held or not isinstance(adapter, ReadBack):
        return [], {}
    try:
        return held, reading.read(adapter, reading.Known(lane, held, ()), turn)
    except UnknownOutcomeError:
        if lane.destination.idempotency_class == IdempotencyClass.NONE:
            raise
        return [], {}


def _doubtful(lane: Lane) -> list[RemoteRecord]:
    rows = lane.records.filter(state=State.UNCERTAIN).exclude(remote_id="")
    return list(rows.select_related("lane__plan__athlete").order_by("item_key"))


def _unrecorded(
    lane: Lane, attempt: Attempt, adapter: DestinationAdapter, turn: reading.Turn
) -> list[Remote]:
    days = lost.days_to_list(lane, attempt.delivery) if isinstance(adapter, ListsOurs) else None
    if days is None or not isinstance(adapter, ListsOurs):
        return []
    return lost.of_this_lane(
        lane, reading.listed_as_ours(adapter, payloads.recipient(lane), days, turn)
    )


def _turn(lane: Lane, attempt: Attempt) -> reading.Turn:
    return reading.Turn(lane.destination, lambda: outcomes.renew(lane, attempt, clock.now()))


@retried
def _note(
    lane: Lane,
    attempt: Attempt,
    held: Sequence[RemoteRecord],
    found: Mapping[str, RemoteState],
    unrecorded: Sequence[Remote],
) -> None:
    with transaction.atomic():
        if not Lane.objects.keep(lane.pk, attempt.epoch):
            raise outcomes.Fenced
        for record in held:
            shown = found[record.item_key]
            rows = RemoteRecord.objects.filter(pk=record.pk)
            if not shown.present:
                rows.update(state=State.REMOVED, remote_id="", etag="", content_hash="")
            elif not shown.altered:
                rows.update(state=State.PRESENT)
        for remote in unrecorded:
            lost.note(lane, attempt, remote, clock.now())
