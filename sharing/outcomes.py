"""Outcomes: what happened to an attempt, and what that means for delivery, lane and destination.

Success, definite failure and unknown are three different things. Only the holder of the
lane's epoch may settle it; who comes late leaves a note and touches nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from audit.crashpoint import crashpoint
from audit.log import Log, audited_atomic
from audit.retrying import retried
from destinations import registry
from destinations.errors import (
    AuthorizationError,
    BlockedAddressError,
    ConflictError,
    DestinationError,
    GoneError,
    MissingError,
    PayloadError,
    ScopeMissingError,
    StaleError,
    ThrottledError,
    TransientError,
    UnknownOutcomeError,
    UnsupportedPlanError,
)
from destinations.models import Destination
from destinations.port import Finds, IdempotencyClass, ReadBack
from sharing import breaker, clock, limiter, promises, records, retry, wake
from sharing.models import Attempt, Delivery, Lane
from sharing.models.base import LONG_AGO
from sharing.promises import UNCERTAIN

CRASHES_BEFORE_QUARANTINE = 3
SETTLED, ANSWERED_LATE = "attempt.settled", "attempt.answered_late"
CRASHED = "crashed"  # an attempt whose worker did not come back in time


class NotNow(Exception):  # noqa: N818 - not an error: the rate limit asks to wait
    """The destination's rate limit is used up; no try is spent."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"wait {wait}")
        self.wait = wait


class Refused(Exception):  # noqa: N818 - not an error: the gate closed while we were sending
    """The gate closed between two steps."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Fenced(Exception):  # noqa: N818 - not an error of ours: another worker holds the lane
    """The lease was lost before the next call; nothing more is sent."""


class Held(Exception):  # noqa: N818 - not an error: somebody stopped what this belongs to
    """A stop holds the lane: nothing more is sent, and the promise waits as it is."""


Result = DestinationError | NotNow | Refused | Fenced | Held | None
ENDINGS = (NotNow, Refused, Fenced, Held)  # what ends an attempt without being an error


@dataclass
class Settlement:
    """The rows one outcome is written to, all under the transaction that settles it."""

    lane: Lane
    delivery: Delivery
    attempt: Attempt
    log: Log
    now: datetime

    def close_attempt(
        self, outcome: str, error: DestinationError | None = None, *, action: str = SETTLED
    ) -> None:
        self.attempt.settled_at = self.now
        self.attempt.outcome = outcome
        self.attempt.error_code = error.code if error else ""
        self.attempt.http_status = error.http_status if error else None
        self.attempt.audit_entry_id = self.log.record(
            action,
            organisation=self.lane.route.organisation_id,
            subject=self.lane.plan.athlete.pseudonym,
            plan=self.lane.plan_id,
            version=self.delivery.version.version,
            destination=self.lane.destination_id,
            delivery=self.delivery.pk,
            attempt=self.attempt.pk,
            consent=self.attempt.consent_id,
            outcome=error.code if error else outcome,
        )
        self.attempt.save()

    def end(self, state: Delivery.State, reason: str = "") -> None:
        promises.end(self.delivery, state, self.log, self.now, reason=reason)
        settle_lane(self.lane, self.delivery, self.now)

    def try_again(self, at: datetime, reason: str, *, spend: bool = True) -> None:
        """Keep the promise for later: the next try is a column anybody can see."""
        self.delivery.reason = reason
        self.delivery.due_at = at
        self.delivery.save(update_fields=["reason", "due_at"])
        self.attempt.next_try_at = at
        self.attempt.save(update_fields=["next_try_at"])
        self.lane.tries += int(spend)
        self.lane.crashes = 0
        self.lane.due_at = at
        self.lane.lease_until = LONG_AGO
        self.lane.last_error = self.attempt.error_code
        self.lane.save()


def settle(claim_lane: Lane, attempt: Attempt, result: Result) -> None:
    """Write down how an attempt ended, if the lane is still ours."""
    crashpoint("P16")
    _settle(claim_lane, attempt, result)
    crashpoint("P18")


@retried
def _settle(claim_lane: Lane, attempt: Attempt, result: Result) -> None:
    with audited_atomic() as log:
        lane = Lane.objects.locked(claim_lane.pk)
        attempt.refresh_from_db()
        if attempt.settled_at is not None and attempt.outcome != CRASHED:
            return  # it was written down before, and only the answer to the commit was lost
        delivery = Delivery.objects.select_related(
            "version__plan__athlete", "lane__plan__athlete", "lane__route"
        ).get(pk=attempt.delivery_id)
        delivery.lane = lane
        settlement = Settlement(lane, delivery, attempt, log, clock.now())
        if lane.epoch != attempt.epoch:
            _late(settlement, result)
        else:
            _settle_mine(settlement, result)
        wake.wake()


def _settle_mine(settlement: Settlement, result: Result) -> None:
    for kinds, handle in HANDLERS:
        if isinstance(result, kinds):
            handle(settlement, result)
            return
    raise TypeError(f"No outcome is defined for {type(result).__name__}.")


def _late(settlement: Settlement, result: Result) -> None:
    """Another worker took over: leave a note on the attempt and ask for a check; touch nothing
    else.
    """
    error = result if isinstance(result, DestinationError) else None
    outcome = "late_failure" if result else "late_success"
    settlement.close_attempt(outcome, error, action=ANSWERED_LATE)
    Lane.objects.filter(pk=settlement.lane.pk).update(verify_needed=True)


def _delivered(settlement: Settlement, _: None) -> None:
    settlement.close_attempt("success")
    if settlement.attempt.idempotency_key:  # otherwise nothing was to be done, and nobody called
        breaker.succeeded(settlement.lane.destination, settlement.log, settlement.now)
    lane = settlement.lane
    lane.verify_needed = False
    settlement.end(Delivery.State.DELIVERED)
    if settlement.delivery.intent == Delivery.Intent.REMOVE and lane.settled == lane.desired:
        Lane.objects.filter(pk=lane.pk).update(state=Lane.State.CLOSED)


def _refused(settlement: Settlement, result: Refused) -> None:
    settlement.close_attempt("refused")
    settlement.end(Delivery.State.BLOCKED, result.reason)


def _not_now(settlement: Settlement, result: NotNow) -> None:
    settlement.close_attempt("postponed")
    settlement.try_again(settlement.now + result.wait, "rate_limit", spend=False)


def _fenced(settlement: Settlement, _: Fenced) -> None:
    settlement.close_attempt("gave_up")
    settlement.try_again(settlement.now, "lease_lost", spend=False)


def _held(settlement: Settlement, _: Held) -> None:
    """No try is spent, and neither its place in the queue nor what is known of it changes."""
    settlement.close_attempt("held")
    lane = settlement.lane
    lane.crashes = 0
    lane.lease_until = LONG_AGO
    lane.save()


def _throttled(settlement: Settlement, error: ThrottledError) -> None:
    if error.retry_after:
        limiter.hold(f"destination:{settlement.lane.destination_id}", error.retry_after)
    _transient(settlement, error)


def _transient(settlement: Settlement, error: DestinationError) -> None:
    settlement.close_attempt("transient", error)
    breaker.failed(settlement.lane.destination, error.code, settlement.log, settlement.now)
    wait = _next_wait(settlement.lane, error.retry_after)
    _again_or_dead(settlement, wait, error.code)


def _payload(settlement: Settlement, error: PayloadError) -> None:
    settlement.close_attempt("payload", error)
    _again_or_dead(settlement, retry.payload_delay(settlement.lane.tries + 1), error.code)


def _next_wait(lane: Lane, asked: timedelta | None = None) -> timedelta | None:
    return retry.delay(lane.tries + 1, asked, waits=lane.destination.schedule)


def _again_or_dead(settlement: Settlement, wait: timedelta | None, code: str) -> None:
    if wait is None:
        _give_up(settlement, code)
    else:
        settlement.try_again(settlement.now + wait, code)


def _give_up(settlement: Settlement, code: str) -> None:
    """The delivery is dead; so is its lane, unless something newer waits there and has its turn."""
    waiting = settlement.lane.deliveries.filter(state=Delivery.State.WAITING)
    if not waiting.filter(revision__gt=settlement.delivery.revision).exists():
        settlement.lane.state = Lane.State.DEAD
    settlement.end(Delivery.State.DEAD, code)


def _hopeless(settlement: Settlement, error: UnsupportedPlanError) -> None:
    settlement.close_attempt("unsupported", error)
    _give_up(settlement, error.code)


def _credentials(settlement: Settlement, error: DestinationError) -> None:
    """A person must change something at the destination: it pauses, the queue is kept, no try is
    spent.
    """
    settlement.close_attempt("permanent", error)
    _stop_destination(settlement, Destination.State.PAUSED, error)
    settlement.try_again(settlement.now, error.code, spend=False)


def _gone(settlement: Settlement, error: GoneError) -> None:
    settlement.close_attempt("gone", error)
    _stop_destination(settlement, Destination.State.DISABLED, error)
    settlement.try_again(settlement.now, error.code, spend=False)


def _stop_destination(
    settlement: Settlement, state: Destination.State, error: DestinationError
) -> None:
    destination = settlement.lane.destination
    Destination.objects.filter(pk=destination.pk).update(
        state=state,
        paused_reason=error.code,
        last_error_code=error.code,
        last_error_at=settlement.now,
        audit_entry_id=settlement.log.record(
            f"destination.{state.value}",
            organisation=destination.organisation_id,
            destination=destination.pk,
            outcome=error.code,
        ),
    )


def _stale(settlement: Settlement, error: StaleError) -> None:
    settlement.close_attempt("stale", error)
    settlement.lane.verify_needed = True
    settlement.end(Delivery.State.SUPERSEDED, "destination_has_newer")


def _unknown(settlement: Settlement, error: UnknownOutcomeError) -> None:
    settlement.close_attempt("unknown", error)
    records.doubt(settlement.attempt)
    breaker.failed(settlement.lane.destination, error.code, settlement.log, settlement.now)
    wait = _next_wait(settlement.lane)
    _after_unknown(settlement, wait, since=settlement.now)


def _after_unknown(settlement: Settlement, wait: timedelta | None, *, since: datetime) -> None:
    """By class: who compares versions or honours keys may be asked again; the others are held, or a
    person decides.
    """
    lane = settlement.lane
    lane.verify_needed = True
    _hold(settlement, since)
    if needs_a_person(lane.destination, settlement.delivery):
        ask_a_person(lane, settlement.delivery, settlement.log, settlement.now, why=UNCERTAIN)
        return
    if wait is None:
        _give_up(settlement, UNCERTAIN)
        return
    settlement.try_again(settlement.now + wait, UNCERTAIN)


def _hold(settlement: Settlement, since: datetime) -> None:
    """Let the lane wait until nothing of the call can be applied any more, where that matters."""
    lane = settlement.lane
    if _must_hold(lane, settlement.delivery):
        lane.hold_until = max(lane.hold_until, since + lane.destination.late_apply_window)


def _must_hold(lane: Lane, delivery: Delivery) -> bool:
    declared = lane.destination.idempotency_class
    if delivery.intent == Delivery.Intent.REMOVE:
        return declared != IdempotencyClass.VERSIONED
    return declared in {
        IdempotencyClass.UPSERT,
        IdempotencyClass.NONE,
    }


def needs_a_person(destination: Destination, delivery: Delivery) -> bool:
    return delivery.intent != Delivery.Intent.REMOVE and not can_be_asked(destination)


def can_be_asked(destination: Destination) -> bool:
    """Whether it refuses doubles or can be looked at; otherwise only a person can find out."""
    return destination.idempotency_class != IdempotencyClass.NONE or _can_be_seen(destination)


def _can_be_seen(destination: Destination) -> bool:
    adapter = registry.adapter_class(destination.kind)
    return issubclass(adapter, ReadBack) or issubclass(adapter, Finds)


def key_forgotten(lane: Lane, delivery: Delivery, now: datetime) -> bool:
    """Whether a call of unknown outcome is so old that its key no longer keeps a second one out.

    Only where nobody can look: a destination that shows what it holds is read first anyway.
    """
    place = lane.destination
    lifetime = registry.adapter_class(place.kind).capabilities.key_lifetime
    if lifetime is None or place.idempotency_class != IdempotencyClass.KEYED:
        return False
    if delivery.intent == Delivery.Intent.REMOVE or _can_be_seen(place):
        return False
    return records.in_doubt(delivery).filter(intended_at__lt=now - lifetime).exists()


def ask_a_person(lane: Lane, delivery: Delivery, log: Log, now: datetime, *, why: str) -> None:
    """Nothing is sent on this lane until somebody has said whether it is there."""
    lane.state = Lane.State.UNKNOWN
    lane.lease_until = LONG_AGO
    lane.save()
    promises.end(delivery, Delivery.State.UNKNOWN, log, now, reason=why)


# Each handler takes the kind of result beside it: the pairing is the contract.
HANDLERS: list[tuple[type | tuple[type, ...], Callable[[Settlement, Any], None]]] = [
    (type(None), _delivered),
    (Refused, _refused),
    (NotNow, _not_now),
    (Fenced, _fenced),
    (Held, _held),
    (UnknownOutcomeError, _unknown),
    (ThrottledError, _throttled),
    ((TransientError, MissingError, ConflictError), _transient),
    (GoneError, _gone),
    (StaleError, _stale),
    (UnsupportedPlanError, _hopeless),
    ((AuthorizationError, ScopeMissingError, BlockedAddressError), _credentials),
    (DestinationError, _payload),
]


def settle_lane(lane: Lane, delivery: Delivery, now: datetime) -> None:
    """A delivery of this lane has ended: free the lease and look at what is owed next."""
    lane.settled = max(lane.settled, delivery.revision)
    lane.tries = 0
    lane.crashes = 0
    lane.lease_until = LONG_AGO
    lane.last_error = delivery.reason if delivery.state == Delivery.State.DEAD else ""
    waiting = lane.deliveries.filter(state=Delivery.State.WAITING, revision__gt=lane.settled)
    upcoming = waiting.order_by("due_at").values_list("due_at", flat=True).first()
    lane.due_at = upcoming or now
    lane.audit_entry_id = delivery.audit_entry_id
    lane.save()


def settle_crashed(lane: Lane, log: Log, now: datetime) -> bool:
    """Settle attempts whose worker never came back. False when the lane may not go on now.

    An attempt without a settlement is evidence of an unknown outcome, not of nothing;
    if no step was begun, nothing left this machine.
    """
    crashed = list(
        lane.attempts.filter(settled_at__isnull=True).select_related("delivery__version")
    )
    if crashed:
        _fence_off(lane)
    for attempt in crashed:
        attempt.delivery.lane = lane
        settlement = Settlement(lane, attempt.delivery, attempt, log, now)
        begun = records.doubt(attempt)
        settlement.close_attempt(CRASHED)
        lane.crashes += 1
        if not _resume_after_crash(settlement, begun=begun):
            return False
    return True


def _fence_off(lane: Lane) -> None:
    """Whoever is taken for dead owns the lane no more, even while nobody else has claimed it."""
    lane.epoch += 1
    lane.save(update_fields=["epoch"])


def _resume_after_crash(settlement: Settlement, *, begun: bool) -> bool:
    lane, delivery = settlement.lane, settlement.delivery
    crashes = lane.crashes
    if crashes >= CRASHES_BEFORE_QUARANTINE and delivery.state == Delivery.State.WAITING:
        if begun:
            _hold(settlement, settlement.attempt.deadline_at)
        _give_up(settlement, "crashes")
        return False
    if begun and delivery.state == Delivery.State.WAITING:
        _after_unknown(settlement, timedelta(0), since=settlement.attempt.deadline_at)
        lane.tries = max(0, lane.tries - 1)  # a crash of ours is no failure of theirs
    lane.crashes = crashes
    lane.save()
    return lane.state == Lane.State.ACTIVE and lane.hold_until <= settlement.now


def renew(lane: Lane, attempt: Attempt, now: datetime) -> None:
    """Keep the lease for one more call, or stop: somebody else holds the lane."""
    kept = Lane.objects.filter(pk=lane.pk, epoch=attempt.epoch).update(
        lease_until=now + settings.BATON_LEASE
    )
    if not kept:
        raise Fenced
