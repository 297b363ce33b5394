"""Bulk actions: asked for, started, agreed to by a second person, cancelled, undone.

Each is one audited transaction; the work itself is done by `running`.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from django.db.models import Count, Q

from accounts import roles
from accounts.models import Organisation, User
from audit.log import Log, audited_atomic
from audit.retrying import retried
from sharing import clock, wake
from sharing.bulk import criteria, lately, limits, selection
from sharing.bulk.criteria import Criteria, To
from sharing.bulk.lately import affected
from sharing.bulk.refusing import NotPossible
from sharing.models import BulkAction, BulkItem
from sharing.models.base import REASON_LENGTH

Kind, State = BulkAction.Kind, BulkAction.State

GOOD_FOR = timedelta(hours=1)  # a preview
ENDED = (State.DONE, State.CANCELLED, State.EXPIRED)
BACK = "roll_back"  # who holds this may also agree as the second person, and stop others' actions
PERMISSIONS = {Kind.REDELIVER: "redeliver", Kind.ROLL_BACK: BACK, Kind.TAKE_BACK: BACK}


@retried
def ask(
    user: User, organisation: Organisation, kind: str, wish: Criteria, *, reason: str = ""
) -> BulkAction:
    """Have it previewed. Nothing is done before somebody starts it."""
    criteria.check(kind, wish)
    roles.require(user, PERMISSIONS[Kind(kind)], organisation)
    with audited_atomic() as log:
        action = BulkAction(
            organisation=organisation, kind=kind, criteria=wish.stored(), asked_by=user,
            reason=reason.strip()[:REASON_LENGTH], asked_at=clock.now(),
        )  # fmt: skip
        action.total = selection.lanes(action).count()
        action.audit_entry_id = record(action, "asked", log)
        action.save(force_insert=True)
    wake.wake()
    return action


@retried
def start(action: BulkAction, by: User) -> BulkAction:
    """Carry it out; over the role's limit: ask a second person."""
    with audited_atomic() as log:
        row = _locked(action, State.PREVIEW)
        if row.asked_by_id != by.pk:
            raise NotPossible("Only who asked for this preview can start it.")
        _check_preview(row)
        roles.require(by, PERMISSIONS[Kind(row.kind)], row.organisation)
        limits.one_at_a_time(by, row.organisation)
        if needs_second(row):
            row.state = State.SECOND
            row.audit_entry_id = record(row, "second_asked", log)
        else:
            _begin(row, log)
        row.save()
    wake.wake()
    return row


@retried
def agree(action: BulkAction, by: User) -> BulkAction:
    """The second person: somebody else, who may do this themselves."""
    with audited_atomic() as log:
        row = _locked(action, State.SECOND)
        if row.asked_by_id == by.pk:
            raise NotPossible("Somebody else must agree to this: an owner, an admin or a coach.")
        roles.require(by, BACK, row.organisation)
        _check_preview(row)
        row.approved_by = by
        record(row, "agreed", log)
        _begin(row, log)
        row.save()
    wake.wake()
    return row


@retried
def cancel(action: BulkAction, by: User) -> BulkAction:
    """What was promised stays promised; the rest is left as it is."""
    with audited_atomic() as log:
        row = _locked(action, State.PREVIEW, State.SECOND, State.RUNNING)
        if row.asked_by_id != by.pk:
            roles.require(by, BACK, row.organisation)
        row.items.filter(state=BulkItem.State.WAITING).update(state=BulkItem.State.CANCELLED)
        row.state, row.ended_at = State.CANCELLED, clock.now()
        row.audit_entry_id = record(row, "cancelled", log, **outcome(row))
        row.save()
    return row


def undo(action: BulkAction, by: User) -> BulkAction:
    """Preview bringing every lane back to what it owed before this action."""
    if action.kind == Kind.REDELIVER:
        raise NotPossible("What was delivered again is as it should be: there is nothing to undo.")
    if action.state not in ENDED or not carried_out(action):
        raise NotPossible("Nothing has been done that could be undone.")
    wish = Criteria(to=To.BEFORE, undoes=action.pk)
    return ask(by, action.organisation, Kind.ROLL_BACK, wish, reason="Undo")


def end_stale() -> int:
    """End what no second person agreed to in time; how many that were."""
    waiting = BulkAction.objects.filter(state=State.SECOND).order_by("asked_at")
    return sum(_expire(action) for action in waiting if is_stale(action))


@retried
def _expire(action: BulkAction) -> bool:
    with suppress(NotPossible), audited_atomic() as log:  # somebody agreed at this moment
        row = _locked(action, State.SECOND)
        row.items.filter(state=BulkItem.State.WAITING).update(state=BulkItem.State.CANCELLED)
        row.state, row.ended_at = State.EXPIRED, clock.now()
        row.audit_entry_id = record(row, "expired", log)
        row.save()
        return True
    return False


def is_stale(action: BulkAction) -> bool:
    """Too much may have changed since the preview: nobody may begin by it any more."""
    if not action.forecast:
        return False
    return (action.ready_at or action.asked_at) < clock.now() - GOOD_FOR


def needs_second(action: BulkAction) -> bool:
    """Whether it is more than who asked may do alone, with what they began of it lately."""
    return _exceeds(action, _room(action))


def needing_second(actions: Iterable[BulkAction]) -> set[UUID]:
    """Which of these do. Asked once for all that one person asked of a kind, however many."""
    rooms: dict[tuple[UUID, UUID, str], int | None] = {}
    found = set()
    for action in actions:
        whose = (action.organisation_id, action.asked_by_id, action.kind)
        if whose not in rooms:
            rooms[whose] = _room(action)
        if _exceeds(action, rooms[whose]):
            found.add(action.pk)
    return found


def _exceeds(action: BulkAction, room: int | None) -> bool:
    return room is not None and affected(action) > room


def _room(action: BulkAction) -> int | None:
    """How many lanes more who asked may move alone now; None: there is no limit."""
    whose = (action.asked_by, action.organisation)
    limit = limits.alone(*whose)
    if limit is None:
        return None
    if action.kind == Kind.TAKE_BACK:
        return limit - lately.taken_back(*whose)
    return limit - lately.by_previews(*whose, action.kind)


def carried_out(action: BulkAction) -> bool:
    done = Q(state=BulkItem.State.DONE) | Q(state=BulkItem.State.NOTHING)
    return action.items.filter(done).exists()


def outcome(action: BulkAction) -> dict[str, int]:
    """How many lanes ended how: for the log."""
    counted = action.items.values_list("state").annotate(Count("pk")).order_by()
    return dict.fromkeys(BulkItem.State.values, 0) | dict(counted)


def record(action: BulkAction, what: str, log: Log, **numbers: int) -> UUID:
    """One entry for the action, with its filter and its numbers; each delivery has its own."""
    extra: dict[str, str | int | bool | None] = {"bulk": str(action.pk), "kind": str(action.kind)}
    for name, value in criteria.of(action).for_the_log().items():
        extra[f"filter.{name}"] = value
    extra |= {"lanes": action.total, **numbers}
    return log.record(f"bulk.{what}", organisation=action.organisation_id, extra=extra)


def _begin(action: BulkAction, log: Log) -> None:
    action.state, action.started_at = State.RUNNING, clock.now()
    action.audit_entry_id = record(action, "begun", log, **action.forecast)


def _check_preview(action: BulkAction) -> None:
    if not action.forecast:
        raise NotPossible("The preview is not ready yet.")
    if is_stale(action):
        raise NotPossible("This preview is more than an hour old: make a new one.")
    if not affected(action):
        raise NotPossible("There is nothing to do: every plan here is superseded or blocked.")


def _locked(action: BulkAction, *states: str) -> BulkAction:
    rows = BulkAction.objects.select_for_update(of=("self",), no_key=True)
    row = rows.select_related("organisation", "asked_by").get(pk=action.pk)
    if row.state not in states:
        raise NotPossible(f"This action stands otherwise now: {row.get_state_display().lower()}.")
    return row
