"""Steps and remote records: the intent before each call, the outcome after it, and what we know is
there.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Least

from audit import log
from audit.log import audited_atomic
from audit.retrying import retried
from destinations import port
from destinations.errors import DestinationError, MissingError, StaleError, UnknownOutcomeError
from destinations.http.excerpt import LONGEST
from sharing import clock
from sharing.models import Attempt, Delivery, Drift, Lane, RemoteRecord, Step

Outcome = port.Receipt | DestinationError
CONFIRMED = "confirmed_by_person"
ASKED = Q(state=Delivery.State.UNKNOWN) | Q(reason=CONFIRMED)  # whether it is there
DRIFTING = (Drift.State.OPEN, Drift.State.REPAIRING, Drift.State.KEPT)


def intend(attempt: Attempt, steps: Sequence[port.Step], now: datetime) -> None:
    """Write down what is about to be asked for.

    Called in the transaction that renewed the lease.
    """
    Step.objects.bulk_create(
        Step(
            attempt=attempt,
            item_key=step.item_key,
            action=step.action.value,
            idempotency_key=step.idempotency_key,
            content_hash=step.item.content_hash if step.item else "",
            intended_at=now,
        )
        for step in steps
    )
    Attempt.objects.filter(pk=attempt.pk).update(
        idempotency_key=steps[0].idempotency_key,
        deadline_at=now + timedelta(seconds=settings.BATON_SEND_DEADLINE),
    )


@retried
def note(
    lane: Lane, attempt: Attempt, steps: Sequence[port.Step], outcomes: Mapping[str, Outcome]
) -> bool:
    """Write down what the destination answered, item by item. False when the lane is ours no more.

    Who comes late settles its own steps and no more: what is known to be there is the
    successor's to write, and the lane is to be checked.
    """
    with audited_atomic():
        now = clock.now()
        held = Lane.objects.keep(lane.pk, attempt.epoch)
        if not held:
            Lane.objects.filter(pk=lane.pk).update(verify_needed=True)
        rows = {row.item_key: row for row in attempt.steps.filter(item_key__in=list(outcomes))}
        for step in steps:
            outcome = outcomes.get(step.item_key)
            if outcome is None or step.item_key not in rows:
                continue  # not answered, or the athlete was erased meanwhile
            _settle_step(rows[step.item_key], outcome, now)
            if held and isinstance(outcome, port.Receipt):
                _remember(lane, step, outcome, now)
            elif held and isinstance(outcome, MissingError):
                _forget(lane, step)
    return held


def _settle_step(row: Step, outcome: Outcome, now: datetime) -> None:
    row.settled_at = now
    row.excerpt = outcome.excerpt[:LONGEST]
    if isinstance(outcome, port.Receipt):
        row.state = Step.State.DONE
        row.remote_id = outcome.remote_id
    else:
        unknown = isinstance(outcome, UnknownOutcomeError)
        row.state = Step.State.UNKNOWN if unknown else Step.State.FAILED
        row.error_code = outcome.code
    row.save()


def _remember(lane: Lane, step: port.Step, receipt: port.Receipt, now: datetime) -> None:
    record = RemoteRecord.objects.filter(lane=lane, item_key=step.item_key).first()
    if record is None:
        record = RemoteRecord(lane=lane, item_key=step.item_key, writes=0)
    removed = step.action == port.Action.REMOVE
    record.state = RemoteRecord.State.REMOVED if removed else RemoteRecord.State.PRESENT
    record.remote_id = receipt.remote_id or record.remote_id
    record.etag = receipt.etag
    record.version = step.version
    record.revision = step.revision
    record.writes += 1
    record.written_at = now
    if step.item is not None:
        record.content_hash = step.item.content_hash
        record.day = step.item.date
        record.body = _sealed(lane, record, step.item.body)
    record.save()
    _end_drifts(lane, record, now)


def _sealed(lane: Lane, record: RemoteRecord, body: port.Body) -> bytes:
    content = json.dumps(body).encode()
    return lane.plan.athlete.seal(content, purpose=f"record:{record.pk}")


def know(lane: Lane, record: RemoteRecord, body: port.Body) -> None:
    """What was read there is what is known to be there."""
    record.content_hash = port.content_hash(body)
    record.body = _sealed(lane, record, body)
    record.save(update_fields=["content_hash", "body"])


def may_be_ours(lane: Lane, remote_id: str) -> bool:
    """Whether some lane wrote this record, or one that is writing now may find out that it did."""
    kind = lane.destination.kind
    there = RemoteRecord.objects.filter(lane__destination__kind=kind, remote_id=remote_id)
    if there.exclude(state=RemoteRecord.State.REMOVED).exists():
        return True
    busy = Q(desired__gt=F("settled")) | Q(records__state=RemoteRecord.State.UNCERTAIN)
    beside = Lane.objects.filter(plan__athlete=lane.plan.athlete_id, destination__kind=kind)
    return beside.filter(busy).exclude(pk=lane.pk).exists()


def note_copy(lane: Lane, original: RemoteRecord, copy: port.Copy, now: datetime) -> RemoteRecord:
    """Know a record that somebody made there from one of ours, under a name of its own."""
    key = f"{original.item_key}#{copy.remote_id}"
    record = RemoteRecord.objects.filter(lane=lane, item_key=key).first()
    if record is None:
        record = RemoteRecord(lane=lane, item_key=key, writes=0)
    record.state = RemoteRecord.State.COPY
    record.remote_id = copy.remote_id
    record.version, record.revision = original.version, original.revision
    record.written_at, record.day = now, copy.date
    record.content_hash = port.content_hash(copy.body)
    record.body = _sealed(lane, record, copy.body)
    record.save()
    return record


def _end_drifts(lane: Lane, record: RemoteRecord, now: datetime) -> None:
    """The record was written or removed: a repair has arrived, a difference is gone with it.

    A session that an athlete deleted, and that stays deleted, stays so.
    """
    removed = record.state == RemoteRecord.State.REMOVED
    ended = record.drifts.filter(state=Drift.State.REPAIRING)
    if removed:
        ended = record.drifts.filter(state__in=DRIFTING).exclude(
            state=Drift.State.KEPT, kind=Drift.Kind.MISSING
        )
    for drift in ended:
        drift.state = _end_of(drift, removed=removed)
        drift.settled_at = now
        drift.audit_entry_id = log.record(
            f"drift.{drift.state}",
            organisation=lane.route.organisation_id,
            subject=lane.plan.athlete.pseudonym,
            plan=lane.plan_id,
            destination=lane.destination_id,
            extra={"drift": str(drift.pk)},
        )
        drift.save()


def _end_of(drift: Drift, *, removed: bool) -> Drift.State:
    """A copy is repaired by removing it, everything else by writing it."""
    repairing = drift.state == Drift.State.REPAIRING
    as_meant = repairing and removed == (drift.kind == Drift.Kind.EXTRA)
    return Drift.State.REPAIRED if as_meant else Drift.State.VANISHED


def _forget(lane: Lane, step: port.Step) -> None:
    """What we wanted to change is not there any more: the next try creates it anew."""
    RemoteRecord.objects.filter(lane=lane, item_key=step.item_key).update(
        state=RemoteRecord.State.REMOVED, remote_id="", etag="", content_hash=""
    )


def as_remote(record: RemoteRecord | None) -> port.Remote | None:
    if record is None or not record.remote_id:
        return None
    return port.Remote(
        item_key=record.item_key,
        remote_id=record.remote_id,
        etag=record.etag,
        content_hash=record.content_hash,
        version=record.version,
        date=record.day,
        body=body_of(record),
    )


def body_of(record: RemoteRecord) -> port.Body:
    """What was written last, unsealed."""
    if record.body is None:
        return {}
    opened = record.lane.plan.athlete.unseal(bytes(record.body), purpose=f"record:{record.pk}")
    body: port.Body = json.loads(opened)
    return body


def doubt(attempt: Attempt) -> bool:
    """Steps begun but not answered may have happened: their records become uncertain.

    True if there were any.
    """
    now = clock.now()
    open_steps = attempt.steps.filter(state__in=[Step.State.INTENDED, Step.State.UNKNOWN])
    begun = False
    for row in open_steps:
        begun = True
        _doubt_record(attempt, row, now)
    open_steps.filter(state=Step.State.INTENDED).update(state=Step.State.UNKNOWN, settled_at=now)
    return begun


def doubtful() -> Exists:
    """As a condition on deliveries: some call for it may have happened, and none settled that."""
    return Exists(unacknowledged().filter(attempt__delivery=OuterRef("pk")))


def in_doubt(delivery: Delivery) -> QuerySet[Step]:
    """Steps that may have done what this delivery promises: its own, and those of deliveries that
    promised the same before. Not what a person was asked about since.
    """
    same = Delivery.objects.filter(
        lane=delivery.lane_id, keyed_as=delivery.keyed_as, revision__lte=delivery.revision
    )
    asked = same.filter(ASKED, revision__lt=delivery.revision).aggregate(last=Max("settled_at"))
    steps = unacknowledged().filter(attempt__delivery__in=same)
    return steps.filter(intended_at__gt=asked["last"]) if asked["last"] else steps


def distrust(attempt: Attempt) -> None:
    """Where the destination says that it holds something newer, we do not know what it holds."""
    refused = attempt.steps.filter(error_code=StaleError.code).values("item_key")
    known = RemoteRecord.objects.filter(lane=attempt.lane_id, item_key__in=refused)
    known.filter(state=RemoteRecord.State.PRESENT).update(state=RemoteRecord.State.UNCERTAIN)


def confirm(delivery: Delivery) -> None:
    """A person has seen that it is there: what its calls in doubt asked for is so."""
    uncertain = RemoteRecord.objects.filter(
        lane=delivery.lane_id, state=RemoteRecord.State.UNCERTAIN
    )
    for step in in_doubt(delivery).order_by("intended_at"):
        record = uncertain.filter(item_key=step.item_key)
        if step.action == port.Action.REMOVE:
            record.update(state=RemoteRecord.State.REMOVED)
        else:
            record.update(content_hash=step.content_hash)
    uncertain.update(state=RemoteRecord.State.PRESENT)


def last_deadline(lane: Lane) -> datetime | None:
    """When the last call of this lane ends, or ended, that may yet be applied."""
    steps = unacknowledged(Step.State.INTENDED, Step.State.UNKNOWN)
    return latest_deadline(steps.filter(attempt__lane=lane))


def latest_deadline(steps: QuerySet[Step]) -> datetime | None:
    latest: datetime | None = steps.aggregate(latest=Max("attempt__deadline_at"))["latest"]
    return latest


def latest_end_of_doubt(lane: Lane) -> datetime | None:
    """When the last call of the lane that may yet be applied was given up: none left after that."""
    ended = Least("attempt__settled_at", "attempt__deadline_at")
    doubtful = unacknowledged().filter(attempt__lane=lane)
    latest: datetime | None = doubtful.aggregate(latest=Max(ended))["latest"]
    return latest


def unacknowledged(*states: Step.State) -> QuerySet[Step]:
    """Steps that may have happened, and whose key no later call had acknowledged.

    Whatever else came of the delivery since: a refusal of a later call says nothing about an
    earlier one.
    """
    answered = Step.objects.filter(
        attempt__lane=OuterRef("attempt__lane"),
        idempotency_key=OuterRef("idempotency_key"),
        state=Step.State.DONE,
        intended_at__gte=OuterRef("intended_at"),
    )
    return Step.objects.filter(~Exists(answered), state__in=states or [Step.State.UNKNOWN])


def _doubt_record(attempt: Attempt, row: Step, now: datetime) -> None:
    known = RemoteRecord.objects.filter(lane_id=attempt.lane_id, item_key=row.item_key)
    if known.update(state=RemoteRecord.State.UNCERTAIN):
        return
    RemoteRecord.objects.create(
        lane_id=attempt.lane_id,
        item_key=row.item_key,
        state=RemoteRecord.State.UNCERTAIN,
        version=attempt.plan_version,
        revision=attempt.delivery.revision,
        writes=0,
        written_at=now,
    )


def as_update(step: port.Step, found: port.Receipt) -> port.Step:
    """The record we meant to create is there already: write to it instead."""
    remote = port.Remote(item_key=step.item_key, remote_id=found.remote_id, etag=found.etag)
    return replace(step, action=port.Action.UPDATE, remote=remote)
