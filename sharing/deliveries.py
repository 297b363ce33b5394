"""Sending: bring a destination to what a lane owes it.

No transaction is open while we wait for its answer.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta

from django.conf import settings
from django.db import transaction

from audit.crashpoint import crashpoint
from audit.retrying import retried
from destinations import registry
from destinations.errors import DestinationError, PayloadError, StaleError, UnknownOutcomeError
from destinations.port import (
    Action,
    DestinationAdapter,
    Finds,
    IdempotencyClass,
    Item,
    Receipt,
    RenderOptions,
    Step,
    WritesBatch,
)
from sharing import (
    cadence,
    claims,
    clock,
    desired,
    gate,
    incarnation,
    latency,
    outcomes,
    payloads,
    promises,
    records,
    retry,
    turns,
    verifying,
)
from sharing.crew import ALONE, Crew
from sharing.drift import held
from sharing.models import Delivery, Lane, RemoteRecord
from sharing.stops import covering

logger = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=2)  # waiting for the rate limit longer than this frees the worker
MOST_CALLS = 2  # of one write: it looks first, or takes away and then writes
SAFE = frozenset({IdempotencyClass.VERSIONED, IdempotencyClass.KEYED})  # late calls do no harm


def deliver_due(worker: str, crew: Crew = ALONE) -> bool:
    """Claim one due lane and bring it forward. False when nothing was due."""
    claim = claims.claim(worker, crew)
    if claim is None:
        return False
    try:
        outcomes.settle(claim.lane, claim.attempt, send(claim))
    finally:
        crew.ends(claim.lane.destination_id)
    return True


def send(claim: claims.Claim) -> outcomes.Result:
    """Take every step the lane still owes; the first that fails ends the attempt and says how."""
    try:
        with _nothing_has_left():
            sending = prepare(claim)
        for steps in sending.batches():
            sending.take(steps)
    except (DestinationError, *outcomes.ENDINGS) as ending:
        return ending
    return None


@contextmanager
def _nothing_has_left() -> Iterator[None]:
    """Trouble with our own database before a call spends no try, and leaves no doubt."""
    try:
        yield
    except retry.UNWELL as error:
        logger.warning("The database failed before a call (%s).", type(error).__name__)
        raise outcomes.NotNow(retry.BREATHER, "database_failed") from error


def prepare(claim: claims.Claim) -> "Sending":
    lane, delivery = claim.lane, claim.delivery
    adapter = registry.adapter_for(lane.destination)
    _wait_for_late_calls(lane)
    verifying.look(lane, claim.attempt, adapter)
    honoured = _honoured(lane, delivery, claim.fields, adapter)
    if delivery.intent == Delivery.Intent.SHARE:
        payloads.remember_fidelity(delivery, claim.epoch, claim.fields, honoured.items)
    held.release(lane, claim.epoch, honoured)
    steps = _steps(lane, delivery, honoured.items)
    _wait_for_other_content(lane, delivery, steps)
    return Sending(claim, adapter, steps)


def _wait_for_late_calls(lane: Lane) -> None:
    """A destination that passed for one of a safer class when a call came in doubt held no lane for
    it: now that it does not any more, what may still be applied is waited for.
    """
    place = lane.destination
    if not lane.verify_needed or place.idempotency_class in SAFE:
        return
    until = records.latest_end_of_doubt(lane)
    wait = until + place.late_apply_window - clock.now() if until else timedelta(0)
    if wait > timedelta(0):
        raise outcomes.NotNow(wait, promises.UNCERTAIN)


def _wait_for_other_content(lane: Lane, delivery: Delivery, steps: Sequence[Step]) -> None:
    """What is rendered anew has a new key, which acknowledges no call before it: those are waited
    for until they can no longer be applied.
    """
    place = lane.destination
    if not lane.verify_needed or place.idempotency_class != IdempotencyClass.KEYED:
        return
    keys = {step.item_key: step.idempotency_key for step in steps}
    doubtful = records.in_doubt(delivery).filter(item_key__in=keys)
    until = records.latest_deadline(doubtful.exclude(idempotency_key__in=keys.values()))
    wait = until + place.late_apply_window - clock.now() if until else timedelta(0)
    if wait > timedelta(0):
        raise outcomes.NotNow(wait, promises.UNCERTAIN)


def steps_to_take(
    lane: Lane, delivery: Delivery, fields: frozenset[str], adapter: DestinationAdapter
) -> list[Step]:
    """Render what should be there and compare it with what is. A preview asks exactly this."""
    return _steps(lane, delivery, _honoured(lane, delivery, fields, adapter).items)


def _honoured(
    lane: Lane, delivery: Delivery, fields: frozenset[str], adapter: DestinationAdapter
) -> held.Honoured:
    """What should be there, with what was kept there. A fault in an adapter is a payload error."""
    try:
        return held.honour(lane, adapter, desired_items(lane, delivery, fields, adapter))
    except (DestinationError, *retry.UNWELL):
        raise
    except Exception as error:
        logger.exception("The %s adapter could not render.", adapter.kind)
        problem = f"Rendering failed ({type(error).__name__})."
        raise PayloadError(problem, code="rendering_failed") from error


def desired_items(
    lane: Lane, delivery: Delivery, fields: frozenset[str], adapter: DestinationAdapter
) -> list[Item]:
    """What the destination should hold: the version's shared fields, or nothing at all. Pure."""
    if delivery.intent == Delivery.Intent.REMOVE:
        return []
    plan = payloads.shared_plan(delivery.version, fields)
    options = RenderOptions(
        fields=fields,
        recipient=payloads.recipient(lane),
        destination_name=lane.destination.name,
        revision=incarnation.current().numbered(delivery.revision),
    )
    return adapter.render(plan, options)


def _steps(lane: Lane, delivery: Delivery, items: Sequence[Item]) -> list[Step]:
    known = RemoteRecord.objects.filter(lane=lane).select_related("lane__plan__athlete")
    todo = desired.changes(
        items,
        known,
        today=_today(lane),
        remove_past=delivery.intent == Delivery.Intent.REMOVE,
    )
    life = incarnation.current()
    return [_step(lane, delivery, life, *change) for change in todo]


def _today(lane: Lane) -> date:
    return clock.now().astimezone(cadence.zone_of(lane.plan.athlete.time_zone)).date()


def _step(
    lane: Lane,
    delivery: Delivery,
    life: incarnation.Life,
    action: Action,
    item: Item | None,
    record: RemoteRecord | None,
) -> Step:
    version = delivery.version
    identity = desired.Identity(
        incarnation=life.number,
        plan_id=lane.plan_id,
        version=version.version,
        keyed_as=delivery.keyed_as,
        destination_id=lane.destination_id,
    )
    item_key = item.key if item else record.item_key if record else ""
    return Step(
        action=action,
        item_key=item_key,
        item=item,
        remote=records.as_remote(record),
        idempotency_key=identity.key(item_key, item.content_hash if item else "removed"),
        revision=life.numbered(_numbered_as(lane, delivery)),
        version=version.version,
        plan_id=str(lane.plan_id),
        occurred_at=version.published_at,
        recipient=payloads.recipient(lane),
    )


def _numbered_as(lane: Lane, delivery: Delivery) -> int:
    """A repeat says what was said with its key before, its number included: who honours keys may
    refuse the same key with another body.
    """
    keyed = lane.destination.idempotency_class == IdempotencyClass.KEYED
    return delivery.keyed_as if keyed else delivery.revision


@dataclass(frozen=True)
class Sending:
    """One attempt on its way: the claim, the adapter and the steps still to take."""

    claim: claims.Claim
    adapter: DestinationAdapter
    steps: list[Step]

    def batches(self) -> Iterator[list[Step]]:
        """Steps that go in one call: several where the destination takes several."""
        size = self.adapter.capabilities.batch if isinstance(self.adapter, WritesBatch) else 1
        for start in range(0, len(self.steps), size):
            yield self.steps[start : start + size]

    def take(self, steps: list[Step]) -> None:
        """Intent, call, outcome; then raise what went wrong, if anything did."""
        with _nothing_has_left():
            self._wait_for_the_limit(self._calls(steps))
            promised = self._intend(steps)
        if time.monotonic() - promised > _longest_pause():
            raise outcomes.Fenced
        answers = _complete(steps, self._call(steps))
        if self.claim.delivery.intent == Delivery.Intent.REMOVE:
            crashpoint("P20")
        ours = records.note(self.claim.lane, self.claim.attempt, steps, answers)
        if trouble := _gravest(answers.values()):
            raise trouble
        if not ours:
            raise outcomes.Fenced(arrived=True)

    def _calls(self, steps: list[Step]) -> int:
        """A batch takes one for what it removes and one for the rest, a look first takes one."""
        if isinstance(self.adapter, WritesBatch) and len(steps) > 1:
            return len({step.action == Action.REMOVE for step in steps})
        return len(steps) + sum(map(self._looks_first, steps))

    def _wait_for_the_limit(self, calls: int) -> None:
        if self.adapter.capabilities.published:
            return
        while wait := turns.take(self.claim.lane.destination, calls):
            if wait > PATIENCE:
                raise outcomes.NotNow(wait, "rate_limit")
            time.sleep(wait.total_seconds())

    @retried
    def _intend(self, steps: list[Step]) -> float:
        """Renew the lease, ask the stops and the gate again, and put the intent on disk.

        Returns this moment, monotonic.
        """
        started = time.monotonic()
        with transaction.atomic():
            now = clock.now()
            outcomes.renew(self.claim.lane, self.claim.attempt, now)
            if covering.forbids(
                self.claim.lane, self.claim.delivery, begun=steps[0] is not self.steps[0]
            ):
                raise outcomes.Held
            passage = gate.ask(self.claim.lane, self.claim.delivery)
            if passage.paused:
                raise outcomes.Held
            if passage.refusal:
                raise outcomes.Refused(passage.refusal)
            if not passage.fields >= self.claim.fields:
                raise outcomes.NotNow(timedelta(0), "consent_changed")  # less now: render again
            records.intend(self.claim.attempt, steps, now)
        return started

    def _call(self, steps: list[Step]) -> dict[str, Receipt | DestinationError]:
        if self.adapter.capabilities.published:
            return self._made(steps)
        with latency.timed("write", self.claim.lane.destination_id):
            return self._made(steps)

    def _made(self, steps: list[Step]) -> dict[str, Receipt | DestinationError]:
        try:
            if isinstance(self.adapter, WritesBatch) and len(steps) > 1:
                return self.adapter.write_batch(steps)
            return {step.item_key: self._write(step) for step in steps}
        except DestinationError as error:
            return dict.fromkeys((step.item_key for step in steps), error)
        except Exception as error:
            logger.exception("The %s adapter failed during a call.", self.adapter.kind)
            unknown = UnknownOutcomeError(f"The adapter failed ({type(error).__name__}).")
            return dict.fromkeys((step.item_key for step in steps), unknown)

    def _write(self, step: Step) -> Receipt:
        """One call. After a doubt, look first: what we were about to create may be there."""
        if self._looks_first(step) and isinstance(self.adapter, Finds):
            found = self.adapter.find(step)
            if found is not None:
                step = records.as_update(step, found)
        try:
            return self.adapter.write(step, idempotency_key=step.idempotency_key)
        except StaleError:
            if step.remote is None or not verifying.shows(self.adapter, step, step.remote):
                raise
            return Receipt(remote_id=step.remote.remote_id, etag=step.remote.etag)

    def _looks_first(self, step: Step) -> bool:
        if step.action != Action.CREATE or not isinstance(self.adapter, Finds):
            return False
        return (
            self.claim.lane.verify_needed
            or RemoteRecord.objects.filter(
                lane=self.claim.lane, item_key=step.item_key, state=RemoteRecord.State.UNCERTAIN
            ).exists()
        )


def _complete(
    steps: Sequence[Step], answers: dict[str, Receipt | DestinationError]
) -> dict[str, Receipt | DestinationError]:
    """An item that the answer to a batch does not mention may have been written, or not."""
    silent = UnknownOutcomeError("The destination did not answer for this item.")
    return {step.item_key: answers.get(step.item_key, silent) for step in steps}


def _gravest(answers: Iterable[Receipt | DestinationError]) -> DestinationError | None:
    """What ends the attempt. A doubt comes first: what may yet be applied outweighs a refusal."""
    errors = [answer for answer in answers if isinstance(answer, DestinationError)]
    doubts = [error for error in errors if isinstance(error, UnknownOutcomeError)]
    return next(iter([*doubts, *errors]), None)


def _longest_pause() -> float:
    """Seconds a worker may lose between its intent and the first byte and still be sure of its
    lease, whose other part is for two exchanges and for writing down how they went.
    """
    exchanges: float = MOST_CALLS * settings.BATON_SEND_DEADLINE
    return (settings.BATON_LEASE.total_seconds() - exchanges) / 2
