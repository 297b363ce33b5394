"""Deliveries as a list and by remote record: which version is behind what a destination holds."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, F, OuterRef, QuerySet, Window
from django.db.models.functions import RowNumber

from accounts.models import User
from destinations.port import Action
from sharing.models import Delivery, Lane, RemoteRecord, Step
from sharing.selectors import waiting
from sharing.selectors.searching import findable

ROW = ("version", "lane__plan__athlete", "lane__destination", "lane__route")
MOST = 20
REPLACED = "replaced"
NTH = Window(  # of the steps of one item in one lane, the newest first
    RowNumber(),
    partition_by=[F("attempt__lane"), F("item_key")],
    order_by=["-intended_at", "-pk"],
)


def deliveries(user: User) -> QuerySet[Delivery]:
    """With all that their rows show, also what holds them."""
    rows = Delivery.objects.for_user(user).select_related(*ROW)
    return waiting.with_what_holds(rows)


def newest_of_each_lane() -> QuerySet[Delivery]:
    """Where a version was promised again, the last promise of it in each lane."""
    newer = Delivery.objects.filter(
        lane=OuterRef("lane"), version=OuterRef("version"), revision__gt=OuterRef("revision")
    )
    newest = Delivery.objects.filter(~Exists(newer)).select_related("lane__destination")
    return newest.order_by("lane__destination__name")


def filtered(user: User, wish: Mapping[str, object]) -> QuerySet[Delivery]:
    """By state, destination and athlete; what is not asked for is not filtered."""
    columns = {
        "state": "state",
        "destination": "lane__destination",
        "athlete": "lane__plan__athlete",
    }
    asked = {column: wish[name] for name, column in columns.items() if wish.get(name)}
    return deliveries(user).filter(**asked).order_by("-accepted_at", "-revision")


@dataclass(frozen=True)
class Written:
    """What was written under an id, by which version, and what has become of it."""

    lane: Lane
    item_key: str
    version: int
    written_at: datetime
    state: str  # that of its record, or REPLACED
    now: str = ""  # the id in its place


def remote_records(user: User, remote_id: str) -> list[Written]:
    """A remote record's id → the versions it was written by: what is known under it now, then what
    was under it once, the newest first.
    """
    if not findable(remote_id):
        return []
    return [*_known(user, remote_id), *_once(user, remote_id)][:MOST]


def _known(user: User, remote_id: str) -> Iterator[Written]:
    rows = RemoteRecord.objects.for_user(user).filter(remote_id=remote_id)
    shown = rows.select_related("lane__plan__athlete", "lane__destination")
    for row in shown.order_by("-written_at")[:MOST]:
        yield Written(row.lane, row.item_key, row.version, row.written_at, row.state)


def _once(user: User, remote_id: str) -> Iterator[Written]:
    """By the newest step of each item that got this id as its answer, where the item has another
    one by now.
    """
    records = RemoteRecord.objects.filter(
        lane=OuterRef("attempt__lane"), item_key=OuterRef("item_key")
    )
    steps = Step.objects.for_user(user).filter(~Exists(records.filter(remote_id=remote_id)))
    writes = steps.filter(remote_id=remote_id).exclude(action=Action.REMOVE).annotate(nth=NTH)
    shown = writes.select_related("attempt__lane__plan__athlete", "attempt__lane__destination")
    newest = list(shown.filter(nth=1).order_by("-intended_at")[:MOST])
    by_now = _held_by(newest)
    for step in newest:
        yield _written_by(step, by_now.get((step.attempt.lane_id, step.item_key)))


def _held_by(steps: Iterable[Step]) -> dict[tuple[UUID, str], RemoteRecord]:
    """The records of the items in the lanes of these steps, by lane and item."""
    rows = (
        RemoteRecord.objects.exclude(remote_id="")
        .defer("body")
        .filter(
            lane__in={step.attempt.lane_id for step in steps},
            item_key__in={step.item_key for step in steps},
        )
    )
    return {(row.lane_id, row.item_key): row for row in rows}


def _written_by(step: Step, record: RemoteRecord | None) -> Written:
    gone = record is None or record.state == RemoteRecord.State.REMOVED
    return Written(
        step.attempt.lane,
        step.item_key,
        step.attempt.plan_version,
        step.settled_at or step.intended_at,
        RemoteRecord.State.REMOVED if gone else REPLACED,
        "" if record is None or gone else record.remote_id,
    )
