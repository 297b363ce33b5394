"""The one idea: what a destination should hold, against what it is known to hold, gives the steps
to take.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from destinations.port import Action, Item
from sharing.models import RemoteRecord


@dataclass(frozen=True)
class Identity:
    """What an idempotency key is made of, beside the item: the same on every try, another for other
    content.
    """

    incarnation: int
    plan_id: UUID
    version: int
    keyed_as: int
    destination_id: UUID

    def key(self, item_key: str, content_hash: str) -> str:
        parts = [
            self.incarnation, str(self.plan_id), self.version, self.keyed_as, content_hash,
            str(self.destination_id), item_key,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def changes(
    desired: Sequence[Item],
    known: Iterable[RemoteRecord],
    *,
    today: date,
    remove_past: bool = False,
) -> list[tuple[Action, Item | None, RemoteRecord | None]]:
    """The steps from known to desired, in the order remove, update, create.

    A record of a day gone by that is no longer desired is frozen: time passing is not a
    change. `remove_past` is for a withdrawal, which takes everything back.
    """
    records = {record.item_key: record for record in known}
    wanted = {item.key: item for item in desired}
    remove = [
        (Action.REMOVE, None, record)
        for key, record in records.items()
        if key not in wanted and _removable(record, today, remove_past=remove_past)
    ]
    update = [
        (Action.UPDATE, item, records[key])
        for key, item in wanted.items()
        if key in records and _differs(item, records[key]) and not _absent(records[key])
    ]
    create = [
        (Action.CREATE, item, records.get(key))
        for key, item in wanted.items()
        if key not in records or (_absent(records[key]) and not _confirmed(item, records[key]))
    ]
    return [*remove, *update, *create]


def _removable(record: RemoteRecord, today: date, *, remove_past: bool) -> bool:
    if record.state == RemoteRecord.State.REMOVED:
        return False
    if record.state == RemoteRecord.State.COPY and not remove_past:
        return False  # somebody made it there: it goes when a person says so
    return remove_past or record.day is None or record.day >= today


def _differs(item: Item, record: RemoteRecord) -> bool:
    uncertain = record.state == RemoteRecord.State.UNCERTAIN
    return uncertain or item.content_hash != record.content_hash


def _absent(record: RemoteRecord) -> bool:
    """Never acknowledged, or taken away: writing it again is a creation."""
    return record.state == RemoteRecord.State.REMOVED or not record.remote_id


def _confirmed(item: Item, record: RemoteRecord) -> bool:
    """Known to be there as wanted, though nobody told us under which name."""
    return record.state == RemoteRecord.State.PRESENT and not _differs(item, record)
