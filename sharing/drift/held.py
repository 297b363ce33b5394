"""What a delivery must not overwrite: an athlete's change, while it is kept or waits for a person.

A field is free again as soon as the coach changes that very field.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from audit.log import audited_atomic
from audit.retrying import retried
from destinations.errors import DestinationError
from destinations.port import Body, DestinationAdapter, Item, ReadBack
from sharing import clock
from sharing.drift.comparing import log_entry
from sharing.drift.values import Values, unseal
from sharing.models import Drift, Lane

HELD = (Drift.State.OPEN, Drift.State.KEPT)
Rows = Iterable[tuple[Drift, Values]]


@dataclass(frozen=True)
class Honoured:
    """The items as they should be written: with the athlete's values where these are held, and
    without sessions that stay deleted. And what the coach has changed since.
    """

    items: list[Item]
    overtaken: list[Drift]  # the plan's value is written over it
    agreed: list[Drift]  # the plan says now what it says there


def honour(lane: Lane, adapter: DestinationAdapter, items: Sequence[Item]) -> Honoured:
    """Reads only: a preview asks it, too."""
    result = Honoured([], [], [])
    held = _held(lane) if isinstance(adapter, ReadBack) else {}
    for item in items:
        kept = item
        if isinstance(adapter, ReadBack) and item.key in held:
            kept = _with_theirs(adapter, item, held[item.key], result)
            if _stays_deleted(kept, held[item.key], result):
                continue
        result.items.append(kept)
    return result


@retried
def release(lane: Lane, epoch: int, honoured: Honoured) -> None:
    """A delivery is about to write over these, or has nothing to write where they agree. Whose lane
    it is no more writes nothing.
    """
    if not (honoured.overtaken or honoured.agreed):
        return
    ended = [(row, Drift.State.REPAIRING, "overtaken") for row in honoured.overtaken]
    ended += [(row, Drift.State.VANISHED, "vanished") for row in honoured.agreed]
    with audited_atomic() as log:
        if not Lane.objects.keep(lane.pk, epoch):
            return
        for row, state, what in ended:
            entry = log_entry(log, lane, row, what)
            Drift.objects.filter(pk=row.pk, state__in=HELD).update(
                state=state, settled_at=clock.now(), audit_entry_id=entry
            )


def _held(lane: Lane) -> dict[str, list[tuple[Drift, Values]]]:
    rows: dict[str, list[tuple[Drift, Values]]] = defaultdict(list)
    for row in Drift.objects.filter(lane=lane, state__in=HELD).select_related("record"):
        row.lane = lane
        rows[row.record.item_key].append((row, unseal(row)))
    return rows


def _with_theirs(adapter: ReadBack, item: Item, held: Rows, result: Honoured) -> Item:
    """With the athlete's value of each field that the coach has left alone, if the destination's
    own contract can carry it; what it cannot carry is written over.
    """
    said, body = adapter.said(item.body), item.body
    for row, values in held:
        if not row.field:
            continue
        if adapter.same(row.field, values.ours, said.get(row.field)):
            kept = carried(adapter, body, row.field, values.theirs)
            body = body if kept is None else kept
            if kept is None:
                result.overtaken.append(row)
        elif adapter.same(row.field, values.theirs, said.get(row.field)):
            result.agreed.append(row)
        else:
            result.overtaken.append(row)
    return item if body == item.body else replace(item, body=body)


def _stays_deleted(item: Item, held: Rows, result: Honoured) -> bool:
    """Whether the session was deleted there, as it is now, and that is kept."""
    for row, values in held:
        if row.kind != Drift.Kind.MISSING:
            continue
        if values.ours != item.content_hash:
            result.overtaken.append(row)
        elif row.state == Drift.State.KEPT:
            return True
    return False


def carried(adapter: ReadBack, body: Body, field: str, theirs: Any) -> Body | None:
    """The body with this value, as we could write it; None when it would not say just that."""
    try:
        changed = adapter.with_theirs(body, {field: theirs})
        adapter.checked(changed)
    except DestinationError:
        return None
    return changed if adapter.same(field, adapter.said(changed).get(field), theirs) else None
