"""Pins: what a lane owes after a person rolled it back.

A roll back holds until the coach changes the plan or somebody releases it, whatever else promises
the lane anew meanwhile, also a week that comes into sight. Nothing is kept for it but the row that
was carried out.
"""

from django.db.models import F, Max

from sharing.models import BulkAction, BulkItem, Lane, Plan, PlanVersion
from sharing.models.plan import BY_TIME_ALONE

SEEN = "newest"  # in an item's forecast: the plan's newest version when the roll back was asked for
BACK = (BulkAction.Kind.ROLL_BACK, BulkAction.Kind.TAKE_BACK)
CARRIED_OUT = (BulkItem.State.DONE, BulkItem.State.NOTHING)


def pin(lane: Lane) -> BulkItem | None:
    """What holds the lane where it is; None when it follows its plan."""
    held = last(lane)
    seen = held.forecast.get(SEEN) if held is not None else None
    if held is None or seen is None or changed_since(lane.plan, seen):
        return None  # never rolled back, or the coach changed the plan since
    released = held.version is not None and held.version.version == seen
    return None if released else held


def changed_since(plan: Plan, seen: int) -> bool:
    """Whether a version after this one is the coach's: the window moving on is no change."""
    later = plan.versions.filter(version__gt=seen).values_list("rules", flat=True)
    return any(BY_TIME_ALONE not in rules for rules in later)


def pins(plan: Plan) -> list[BulkItem]:
    """What holds the plan back, at each destination where something does."""
    lanes = plan.lanes.select_related("plan", "destination").order_by("destination__name")
    return [held for lane in lanes if (held := pin(lane))]


def last(lane: Lane) -> BulkItem | None:
    """The last roll back of this lane that was carried out."""
    return (
        BulkItem.objects.filter(lane=lane, action__kind__in=BACK, state__in=CARRIED_OUT)
        .select_related("action__asked_by", "lane__destination", "version__plan__athlete")
        .order_by(F("delivery__revision").desc(nulls_last=True), "-action__started_at")
        .first()
    )


def rolled_back_at(lane: Lane) -> int:
    """The revision of the last roll back in this lane: what was promised before it ended there."""
    made = BulkItem.objects.filter(lane=lane, action__kind__in=BACK, state__in=CARRIED_OUT)
    newest: int | None = made.aggregate(newest=Max("made__revision"))["newest"]
    return newest or 0


def owed(lane: Lane) -> PlanVersion | None:
    """The version that this lane should hold; None when it should hold nothing."""
    held = pin(lane)
    return held.version if held is not None else newest(lane.plan)


def newest(plan: Plan) -> PlanVersion | None:
    return plan.versions.filter(version=plan.newest).first()
