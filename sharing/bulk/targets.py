"""What each lane of a roll back is brought back to."""

from collections.abc import Callable

from sharing import pinned
from sharing.bulk.criteria import Criteria, To
from sharing.bulk.refusing import BLOCKED, SUPERSEDED, Refused
from sharing.models import BulkItem, Delivery, Lane, PlanVersion


def version_for(wish: Criteria, lane: Lane) -> PlanVersion | None:
    """The version this lane should hold again; None when it should hold nothing."""
    find = FINDERS.get(wish.to)
    return find(wish, lane) if find else None


def _numbered(wish: Criteria, lane: Lane) -> PlanVersion:
    found = lane.plan.versions.filter(version=wish.version or 0).first()
    return _there(found, f"There is no version {wish.version} of this plan.")


def _at_the_moment(wish: Criteria, lane: Lane) -> PlanVersion:
    then = lane.plan.versions.filter(published_at__lte=wish.moment).order_by("-version")
    return _there(then.first(), "The plan had no version then.")


def _newest(_: Criteria, lane: Lane) -> PlanVersion:
    return _there(pinned.newest(lane.plan), "The plan has no version yet.")


def _there(version: PlanVersion | None, words: str) -> PlanVersion:
    if version is None:
        raise Refused(BLOCKED, words)
    return version


def _previous(_: Criteria, lane: Lane) -> PlanVersion:
    owed = pinned.owed(lane)
    if owed is None:
        raise Refused(BLOCKED, "Nothing is shared here: there is no version before it.")
    older = lane.plan.versions.filter(version__lt=owed.version).order_by("-version")
    return _there(older.first(), "There is no version before this one.")


def _before(wish: Criteria, lane: Lane) -> PlanVersion | None:
    """What the lane owed when the action that is undone came to it."""
    undone = item_to_undo(wish, lane)
    earlier = undone.delivery
    if earlier is None or earlier.intent == Delivery.Intent.REMOVE:
        return None
    return earlier.version


def item_to_undo(wish: Criteria, lane: Lane) -> BulkItem:
    """The item of that action, if it is still the last word about this lane."""
    undone = (
        BulkItem.objects.filter(action=wish.undoes, lane=lane)
        .select_related("delivery__version")
        .first()
    )
    last = pinned.last(lane)
    if undone is None or last is None or last.pk != undone.pk:
        raise Refused(SUPERSEDED, "This was rolled back again since: see the later action.")
    if pinned.changed_since(lane.plan, undone.forecast.get(pinned.SEEN, 0)):
        raise Refused(SUPERSEDED, "The plan was changed since: its newest version counts.")
    return undone


FINDERS: dict[str, Callable[[Criteria, Lane], PlanVersion | None]] = {
    To.VERSION: _numbered,
    To.MOMENT: _at_the_moment,
    To.PREVIOUS: _previous,
    To.NEWEST: _newest,
    To.BEFORE: _before,
}
