"""Repairing and keeping: each through the one engine. A repair makes the record doubtful, or
forgets it, and owes the lane its newest version again: the next delivery rewrites what differs.
"""

from collections.abc import Callable, Iterable, Sequence

from accounts import consent
from accounts.models import User
from audit.log import Log, audited_atomic
from audit.retrying import retried
from destinations import registry
from destinations.port import Body, ReadBack
from sharing import clock, fan_out, pinned, promises, records, wake
from sharing.drift.comparing import LISTED, log_entry
from sharing.drift.held import carried
from sharing.drift.values import Values, seal, unseal
from sharing.models import Drift, Lane, RemoteRecord, Route

State = Drift.State
Work = Callable[[Lane, Drift, Log], None]


class Refused(Exception):  # noqa: N818 - reads as the sentence it is
    """Why this cannot be done, in words for the person who asked."""


def repair(drift: Drift, by: User | None = None) -> Drift:
    """Put the plan's value back: also over a change that was kept."""
    return _decide(drift, (State.OPEN, State.KEPT), _repaired, by)


def keep(drift: Drift, by: User | None = None) -> Drift:
    """Leave it as it is there until the coach changes this very field."""
    return _decide(drift, (State.OPEN,), kept, by)


def undo(drift: Drift, by: User | None = None) -> Drift:
    """Take a repair back: what was read there before it is written again, and kept."""
    return _decide(drift, (State.REPAIRED,), _undone, by)


@retried
def _decide(drift: Drift, allowed: Sequence[str], work: Work, by: User | None) -> Drift:
    with audited_atomic() as log:
        lane = Lane.objects.locked(drift.lane_id)
        row = Drift.objects.select_related("record").get(pk=drift.pk)
        row.lane = row.record.lane = lane
        if row.state not in allowed:
            raise Refused(f"This is settled already: {row.get_state_display().lower()}.")
        if refusal := why_not(lane):
            raise Refused(refusal)
        row.settled_by, row.settled_at = by, clock.now()
        work(lane, row, log)
        row.save()
    wake.wake()
    return row


def why_not(lane: Lane) -> str:
    """Why nothing can be put back in this lane now; empty when it can."""
    if lane.route.state == Route.State.RETIRED:
        return "The route was retired: nothing of it is written any more."
    if lane.state == Lane.State.UNKNOWN:
        return "A delivery of this plan waits for your answer: say first whether it is there."
    if lane.state == Lane.State.CLOSED:
        return "Everything of this plan was taken back from this destination."
    if consent.current(lane.plan.athlete_id, lane.destination_id) is None:
        return "The athlete's consent for this destination is not active: nothing may be sent."
    return ""


def may_be_kept(drift: Drift) -> bool:
    """Whether the change can be written again together with what the coach changes later."""
    if drift.kind != Drift.Kind.ALTERED:
        return True
    adapter = registry.adapter_for(drift.lane.destination)
    if not isinstance(adapter, ReadBack):
        return False
    body = _as_planned(adapter, drift)
    return carried(adapter, body, drift.field, unseal(drift).theirs) is not None


def _as_planned(adapter: ReadBack, drift: Drift) -> Body:
    """What is known to be there, with the plan's value of every field that was altered: whether
    one change can be kept is no matter of another.
    """
    ours = {}
    for row in drift.record.drifts.filter(state__in=LISTED, kind=Drift.Kind.ALTERED):
        row.lane = drift.lane
        ours[row.field] = unseal(row).ours
    return adapter.with_theirs(records.body_of(drift.record), ours)


def _repaired(lane: Lane, row: Drift, log: Log) -> None:
    row.state = State.REPAIRING
    row.audit_entry_id = log_entry(log, lane, row, "repair")
    row.save()
    rewrite(lane, [row], log)


def kept(lane: Lane, row: Drift, log: Log) -> None:
    if not may_be_kept(row):
        raise Refused("Baton cannot write this value itself, so it cannot keep it. Repair it.")
    row.state = State.KEPT
    row.audit_entry_id = log_entry(log, lane, row, "keep")
    if row.kind == Drift.Kind.MISSING:
        RemoteRecord.objects.filter(pk=row.record_id).update(state=RemoteRecord.State.REMOVED)


def _undone(lane: Lane, row: Drift, log: Log) -> None:
    if row.kind == Drift.Kind.EXTRA:
        raise Refused("Baton makes no copies: copy the session there, and keep it.")
    if Drift.objects.filter(record=row.record, field=row.field, state__in=LISTED).exists():
        raise Refused("It was changed there again since: see the open difference.")
    if row.record.state != RemoteRecord.State.PRESENT:
        raise Refused("The session is not there any more.")
    values = unseal(row)
    if _changed_since(row, values):
        raise Refused("You changed this since: the newest plan counts.")
    if row.kind == Drift.Kind.MISSING:
        seal(row, Values(ours=row.record.content_hash, title=values.title))
    elif not _writable(row, values):
        raise Refused("Baton cannot write this value itself. Change it there, and keep it.")
    row.state = State.KEPT
    row.audit_entry_id = log_entry(log, lane, row, "undo")
    row.save()
    fan_out.share_newest([lane], log)


def _changed_since(row: Drift, values: Values) -> bool:
    """Whether the plan says something else about this field than when the repair was made."""
    adapter = registry.adapter_for(row.lane.destination)
    if not row.field or not isinstance(adapter, ReadBack):
        return False
    now = adapter.said(records.body_of(row.record)).get(row.field)
    return not adapter.same(row.field, values.ours, now)


def _writable(row: Drift, values: Values) -> bool:
    """Whether what was read can be written there by us."""
    adapter = registry.adapter_for(row.lane.destination)
    if not isinstance(adapter, ReadBack):
        return False
    return carried(adapter, records.body_of(row.record), row.field, values.theirs) is not None


def rewrite(lane: Lane, rows: Iterable[Drift], log: Log) -> None:
    """Make the next delivery write these records again, copies removed, and owe it now."""
    for row in rows:
        records_of = RemoteRecord.objects.filter(pk=row.record_id)
        if row.kind == Drift.Kind.MISSING:
            records_of.update(state=RemoteRecord.State.REMOVED, remote_id="", etag="")
        elif row.kind == Drift.Kind.EXTRA:
            records_of.filter(state=RemoteRecord.State.COPY).update(
                state=RemoteRecord.State.PRESENT  # ours now, and in no version: it is removed
            )
        else:
            records_of.filter(state=RemoteRecord.State.PRESENT).update(
                state=RemoteRecord.State.UNCERTAIN
            )
    version = pinned.owed(lane)
    if version is not None:
        promises.promise(lane, version, log, due_at=clock.now(), fresh_key=True)
