"""One lane of a bulk action: carried out, or forecast by carrying it out and taking that back."""

from collections import Counter
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from accounts import erasures
from audit.log import Log, audited_atomic
from audit.retrying import retried
from destinations import registry
from destinations.errors import DestinationError
from destinations.models import Destination
from sharing import clock, deliveries, fan_out, gate, pinned, promises, records, redeliver
from sharing.bulk import criteria, selection, targets
from sharing.bulk.criteria import Criteria, To
from sharing.bulk.refusing import BLOCKED, SUPERSEDED, Refused
from sharing.models import BulkAction, BulkItem, Delivery, Lane, PlanVersion, Route
from sharing.models.base import REASON_LENGTH
from sharing.reasons import explain
from sharing.stops import covering

NOTHING = "nothing"  # no call will be made
OVERTAKES = "overtakes"  # deliveries that wait there now and will never be sent
OVERTAKEN = (Delivery.State.SUPERSEDED, "newer_version")
HELD = "held"  # promised, and waiting for a person or a stop


@dataclass(frozen=True)
class Carried:
    """A lane that owes what was wished; `made` is None where it did already.

    `overtaken` is how many waiting deliveries ended with it.
    """

    lane: Lane
    made: Delivery | None
    fields: frozenset[str] = frozenset()
    overtaken: int = 0


def carry_out(action: BulkAction, item: BulkItem, log: Log) -> Carried:
    """Promise it in this lane. What is superseded or blocked is refused, asked now and under lock.

    Part of the caller's transaction, which undoes everything when this is refused.
    """
    lane = Lane.objects.locked(item.lane_id)
    if action.kind == BulkAction.Kind.REDELIVER:
        made: Delivery | None = _again(action, lane, item, log)
        overtaken = 0
    else:
        waited = _waiting(lane).count()
        made = _back(action, lane, item, log)
        still = _waiting(lane).exclude(pk=made.pk) if made else _waiting(lane)
        overtaken = waited - still.count()
    if made is None:
        return Carried(lane, None, overtaken=overtaken)
    passage = gate.ask(lane, made)
    if passage.refusal:
        raise Refused(BLOCKED, explain(passage.refusal).coach_words)
    return Carried(lane, made, passage.fields, overtaken)


def _waiting(lane: Lane) -> QuerySet[Delivery]:
    return lane.deliveries.filter(state=Delivery.State.WAITING)


def _again(action: BulkAction, lane: Lane, item: BulkItem, log: Log) -> Delivery:
    if item.delivery_id is None:
        raise TypeError("An item to redeliver names its delivery.")
    delivery = redeliver.in_lane(lane, item.delivery_id)
    if objection := redeliver.objection(lane, delivery):
        raise Refused(*objection)
    if words := _settled_since(criteria.of(action), lane, delivery):
        raise Refused(SUPERSEDED, words)
    return redeliver.promise_again(lane, delivery, log)


def _settled_since(wish: Criteria, lane: Lane, delivery: Delivery) -> str:
    """Whether somebody took care of it since the filter found it; in words, if so."""
    state = selection.state_of(wish)
    if delivery.state != state:
        return "It was settled since the preview."
    if state in selection.UNTIL_REPLACED and delivery.revision < lane.desired:
        return "It was promised again since the preview."
    return ""


def _back(action: BulkAction, lane: Lane, item: BulkItem, log: Log) -> Delivery | None:
    """Owe the lane its target. A version that the coach made since the preview wins."""
    if pinned.changed_since(lane.plan, item.forecast[pinned.SEEN]):
        words = "The plan was changed since it was looked at: its newest version counts."
        raise Refused(SUPERSEDED, words)
    wish = criteria.of(action)
    if wish.to == To.BEFORE:
        targets.item_to_undo(wish, lane)
    if item.version is None and not criteria.may_end_in_nothing(action.kind, wish):
        raise Refused(BLOCKED, "There is no version to go back to here.")
    before = lane.deliveries.select_related("version").order_by("-revision").first()
    item.delivery = before
    if _owes_it_already(before, item.version) and not _another_goes_first(lane, before):
        return None
    if item.version is not None and erasures.begun(lane.plan.athlete_id):
        raise Refused(BLOCKED, explain("athlete_erased").coach_words)
    if item.version is None:
        return next(iter(fan_out.take_back([lane], log)), None)
    item.version.plan = lane.plan
    now = clock.now()
    promises.supersede_waiting(lane, log, now, reason=OVERTAKEN, drained=True)
    return promises.promise(lane, item.version, log, due_at=now)


def _owes_it_already(before: Delivery | None, version: PlanVersion | None) -> bool:
    if before is None or before.state not in {Delivery.State.WAITING, Delivery.State.DELIVERED}:
        return False
    if version is None:
        return before.intent == Delivery.Intent.REMOVE
    return before.intent == Delivery.Intent.SHARE and before.version_id == version.pk


def _another_goes_first(lane: Lane, before: Delivery | None) -> bool:
    """Where every version is wanted, an older one that waits is sent before what is owed last."""
    if before is None or lane.destination.delivery_mode != Destination.DeliveryMode.EVERY:
        return False
    older = _waiting(lane).filter(intent=Delivery.Intent.SHARE, revision__lt=before.revision)
    return older.exclude(records.doubtful()).exists()


# --- the preview ------------------------------------------------------------------------------


def refused(item: BulkItem) -> str:
    """Why the preview left this lane out: what it did not count is not done either."""
    if not {SUPERSEDED, BLOCKED} & item.forecast.keys():
        return ""
    return item.reason or "The preview left it out."


def foreseen(action: BulkAction, lane: Lane) -> BulkItem:
    """The lane's item with its forecast. Nothing of what was done to find out remains."""
    item = BulkItem(action=action, lane=lane, forecast={pinned.SEEN: lane.plan.newest})
    try:
        if action.kind == BulkAction.Kind.REDELIVER:
            item.delivery_id = getattr(lane, "chosen", None)
        else:
            item.version = targets.version_for(criteria.of(action), lane)
        item.forecast |= _tried(action, item)
    except Refused as refusal:
        item.forecast |= {refusal.kind: 1}
        item.reason = str(refusal)[:REASON_LENGTH]
    except DestinationError as error:
        item.forecast |= {BLOCKED: 1}
        item.reason = f"{error.kind.coach_words} {error.kind.action}"[:REASON_LENGTH]
    return item


@retried
def _tried(action: BulkAction, item: BulkItem) -> dict[str, int]:
    """Do it, count the steps that the worker would take, and roll the transaction back."""
    with audited_atomic() as log:
        try:
            return _counted(carry_out(action, item, log))
        finally:
            transaction.set_rollback(True)


def _counted(carried: Carried) -> dict[str, int]:
    lane, made = carried.lane, carried.made
    overtaken = {OVERTAKES: carried.overtaken} if carried.overtaken else {}
    if made is None:
        return {NOTHING: 1} | overtaken
    adapter = registry.adapter_for(lane.destination)
    steps = deliveries.steps_to_take(lane, made, carried.fields, adapter)
    counted = dict(Counter(step.action.value for step in steps)) or {NOTHING: 1}
    return counted | overtaken | ({HELD: 1} if _is_held(lane, made) else {})


def _is_held(lane: Lane, made: Delivery) -> bool:
    """Whether it will wait for a person after it was promised."""
    open_ = lane.destination.state == Destination.State.ACTIVE
    going = lane.route.state != Route.State.PAUSED and lane.state == Lane.State.ACTIVE
    return not (open_ and going) or covering.forbids(lane, made, begun=False)
