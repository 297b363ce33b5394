"""What a lost life wrote and no record here names: found at the destination after a restore.

It becomes a doubtful record, so that the ordinary difference adopts it or takes it away. It keeps
no remote id: the destination finds it by our own id, and so never takes another application's.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import QuerySet

from destinations import registry
from destinations.port import ListsOurs, Remote
from sharing import clock, incarnation, pinned, windows
from sharing.models import Attempt, Delivery, Lane, RemoteRecord

State = RemoteRecord.State


def days_to_list(lane: Lane, delivery: Delivery) -> windows.Window | None:
    """The plan's days, if anything of the lost life may be there. The past is read only by who
    takes everything back.
    """
    if not incarnation.unconfirmed(lane):
        return None
    now, version = clock.now(), delivery.version
    window = windows.window_of(lane.plan, now)
    first = version.starts_on
    last = max(version.ends_on, window.end) if window else version.ends_on
    if delivery.intent == Delivery.Intent.SHARE:
        first = max(first, windows.local_day(lane.plan.athlete.time_zone, now) or now.date())
    return windows.Window(first, last) if first <= last else None


def of_this_lane(lane: Lane, found: Sequence[Remote]) -> list[Remote]:
    """Those that this lane has no record of, and that no other lane or plan has or wants."""
    keys = {remote.item_key for remote in found}
    recorded = RemoteRecord.objects.filter(item_key__in=keys).exclude(state=State.REMOVED)
    mine = recorded.filter(lane=lane).values_list("item_key", flat=True)
    taken = set(mine) | _of_others(lane, recorded) if keys else set()
    return [remote for remote in found if remote.item_key not in taken]


def _of_others(lane: Lane, recorded: QuerySet[RemoteRecord]) -> set[str]:
    """What other lanes to the same kind of calendar hold, or owe it from another plan."""
    beside = Lane.objects.filter(
        plan__athlete=lane.plan.athlete_id, destination__kind=lane.destination.kind
    ).exclude(pk=lane.pk)
    held = set(recorded.filter(lane__in=beside).values_list("item_key", flat=True))
    plans = beside.exclude(plan=lane.plan_id).exclude(state=Lane.State.CLOSED)
    return held | set(_wanted(plans.select_related("plan__athlete")))


def _wanted(lanes: Iterable[Lane]) -> Iterable[str]:
    for each in lanes:
        version = pinned.owed(each)
        if version is not None:
            yield from (session.item_id for session in version.canonical().exercise_list)


def note(lane: Lane, attempt: Attempt, remote: Remote, now: datetime) -> None:
    """The caller holds the lane's row."""
    record = RemoteRecord.objects.filter(lane=lane, item_key=remote.item_key).first()
    if record is None:
        record = RemoteRecord(lane=lane, item_key=remote.item_key, writes=0)
    record.state = State.UNCERTAIN
    record.remote_id = record.etag = record.content_hash = ""
    record.body, record.day = None, remote.date
    record.version, record.revision = attempt.plan_version, attempt.delivery.revision
    record.written_at = now
    record.save()


def doubt_removals(lane: Lane) -> bool:
    """Whether there may be something to take back although nothing is recorded as present: shared
    in a lost life. What cannot be listed there is then removed once more, as it was before.
    """
    kind = registry.adapter_class(lane.destination.kind)
    if kind.capabilities.published or not incarnation.unconfirmed(lane):
        return False
    if issubclass(kind, ListsOurs):
        return True
    removed = lane.records.filter(state=State.REMOVED).exclude(remote_id="")
    return bool(removed.update(state=State.UNCERTAIN))
