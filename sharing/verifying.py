"""Looking before writing: what a destination shows says which of our doubtful records are right."""

from collections.abc import Mapping

from django.db import transaction

from audit.retrying import retried
from destinations.errors import UnknownOutcomeError
from destinations.port import DestinationAdapter, IdempotencyClass, ReadBack, RemoteState
from sharing import clock, outcomes
from sharing.drift import reading
from sharing.models import Attempt, Lane, RemoteRecord


def look(lane: Lane, attempt: Attempt, adapter: DestinationAdapter) -> None:
    """Read back what this lane is in doubt about, where that can be done. No transaction is open.

    What was written is believed again if it is there as it was written; everything else is
    written anew. A destination that keeps doubles out by itself need not answer for that.
    """
    held = _doubtful(lane) if lane.verify_needed and isinstance(adapter, ReadBack) else []
    if not held or not isinstance(adapter, ReadBack):
        return
    try:
        found = reading.read(adapter, reading.Known(lane, held, ()), _turn(lane, attempt))
    except reading.Later as later:
        raise outcomes.NotNow(later.wait, "rate_limit") from None
    except UnknownOutcomeError:
        if lane.destination.idempotency_class == IdempotencyClass.NONE:
            raise
        return
    _note(lane, attempt, held, found)


def _doubtful(lane: Lane) -> list[RemoteRecord]:
    rows = lane.records.filter(state=RemoteRecord.State.UNCERTAIN).exclude(remote_id="")
    return list(rows.select_related("lane__plan__athlete").order_by("item_key"))


def _turn(lane: Lane, attempt: Attempt) -> reading.Turn:
    place = lane.destination
    return reading.Turn(
        destination_id=place.pk,
        rate=place.rate_per_second,
        burst=place.burst,
        renew=lambda: outcomes.renew(lane, attempt, clock.now()),
    )


@retried
def _note(
    lane: Lane, attempt: Attempt, held: list[RemoteRecord], found: Mapping[str, RemoteState]
) -> None:
    with transaction.atomic():
        ours = Lane.objects.select_for_update(no_key=True).filter(pk=lane.pk, epoch=attempt.epoch)
        if ours.first() is None:
            raise outcomes.Fenced
        for record in held:
            shown = found[record.item_key]
            rows = RemoteRecord.objects.filter(pk=record.pk)
            if not shown.present:
                rows.update(
                    state=RemoteRecord.State.REMOVED, remote_id="", etag="", content_hash=""
                )
            elif not shown.altered:
                rows.update(state=RemoteRecord.State.PRESENT)
