"""Outcomes: what happened to an attempt, and what that means for delivery, lane and destination.

Success, definite failure and unknown are three different things. Only the holder of the
lane's epoch may settle it; who comes late leaves a note and touches nothing else.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from audit.crashpoint import crashpoint
from audit.log import audited_atomic
from audit.retrying import retried
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
    TransientError,
    UnknownOutcomeError,
    UnlistedError,
    UnsupportedPlanError,
)
from destinations.models import Destination
from sharing import breaker, clock, records, retry, turns, unknown, wake
from sharing.models import Attempt, Delivery, Lane
from sharing.models.base import LONG_AGO
from sharing.settlement import CRASHED, Settlement, again_or_dead, give_up, next_wait

ANSWERED_LATE = "attempt.answered_late"
POSTPONED = "postponed"  # nothing was sent: it was not the time


class NotNow(Exception):  # noqa: N818 - not an error: the rate limit asks to wait, or the like
    """Nothing was sent and no try is spent; after `wait` it may go."""

    def __init__(self, wait: timedelta, reason: str) -> None:
        super().__init__(f"{reason}: wait {wait}")
        self.wait = wait
        self.reason = reason


class Refused(Exception):  # noqa: N818 - not an error: the gate closed while we were sending
    """The gate closed between two steps."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Fenced(Exception):  # noqa: N818 - not an error of ours: another worker holds the lane
    """The lease was lost; nothing more is sent. `arrived`: the last call was answered well."""

    def __init__(self, *, arrived: bool = False) -> None:
        super().__init__("the lane is held by another worker")
        self.arrived = arrived


class Held(Exception):  # noqa: N818 - not an error: somebody stopped what this belongs to
    """A stop holds the lane: nothing more is sent, and the promise waits as it is."""


Result = DestinationError | NotNow | Refused | Fenced | Held | None
ENDINGS = (NotNow, Refused, Fenced, Held)  # what ends an attempt without being an error


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
    if isinstance(result, DestinationError):
        settlement.keep_answer(result)
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
    arrived = result is None or (isinstance(result, Fenced) and result.arrived)
    outcome = "late_success" if arrived else "late_failure"
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
    settlement.close_attempt(POSTPONED)
    settlement.try_again(settlement.now + result.wait, result.reason, spend=False)


def _fenced(settlement: Settlement, _: Fenced) -> None:
    settlement.close_attempt("gave_up")
    settlement.try_again(settlement.now, "lease_lost", spend=False)


def _held(settlement: Settlement, _: Held) -> None:
    """No try is spent, and neither its place in the queue nor what is known of it changes."""
    settlement.close_attempt("held")
    lane = settlement.lane
    lane.lease_until = LONG_AGO
    lane.save()


def _transient(settlement: Settlement, error: DestinationError) -> None:
    settlement.close_attempt("transient", error)
    turns.hold(settlement.lane.destination_id, error.retry_after)
    breaker.failed(settlement.lane.destination, error.code, settlement.log, settlement.now)
    wait = next_wait(settlement.lane, error.retry_after)
    again_or_dead(settlement, wait, error.code)


def _payload(settlement: Settlement, error: PayloadError) -> None:
    """Its own few tries count, whatever else this lane has been through."""
    settlement.close_attempt("payload", error)
    refused = settlement.delivery.attempts.filter(outcome="payload").count()
    again_or_dead(settlement, retry.payload_delay(refused), error.code)


def _hopeless(settlement: Settlement, error: UnsupportedPlanError) -> None:
    settlement.close_attempt("unsupported", error)
    give_up(settlement, error.code)


def _unlisted(settlement: Settlement, error: UnlistedError) -> None:
    """A person must change something at the destination, for this athlete: only their lane waits,
    its queue is kept, no try is spent.
    """
    settlement.close_attempt("unlisted", error)
    settlement.try_again(settlement.now + retry.LOOK_AGAIN, error.code, spend=False)


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
    """Unless somebody, or an earlier answer, has stopped it already."""
    running = Destination.objects.filter(
        pk=settlement.lane.destination_id, state=Destination.State.ACTIVE
    )
    destination = running.select_for_update(no_key=True).first()
    if destination is None:
        return
    running.update(
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
    """Nothing of ours is newer than what this lane owes: somebody else writes there, and a person
    must look. What is there is not what we knew, so the next promise writes it again.
    """
    settlement.close_attempt("stale", error)
    records.distrust(settlement.attempt)
    settlement.lane.verify_needed = True
    give_up(settlement, error.code)


def _unknown(settlement: Settlement, error: UnknownOutcomeError) -> None:
    settlement.close_attempt("unknown", error)
    turns.hold(settlement.lane.destination_id, error.retry_after)
    records.doubt(settlement.attempt)
    breaker.failed(settlement.lane.destination, error.code, settlement.log, settlement.now)
    wait = next_wait(settlement.lane, error.retry_after)
    unknown.go_on(settlement, wait, since=settlement.now)


# Each handler takes the kind of result beside it: the pairing is the contract.
HANDLERS: list[tuple[type | tuple[type, ...], Callable[[Settlement, Any], None]]] = [
    (type(None), _delivered),
    (Refused, _refused),
    (NotNow, _not_now),
    (Fenced, _fenced),
    (Held, _held),
    (UnknownOutcomeError, _unknown),
    ((TransientError, MissingError, ConflictError), _transient),
    (GoneError, _gone),
    (StaleError, _stale),
    (UnsupportedPlanError, _hopeless),
    (UnlistedError, _unlisted),
    ((AuthorizationError, ScopeMissingError, BlockedAddressError), _credentials),
    (DestinationError, _payload),
]


def renew(lane: Lane, attempt: Attempt, now: datetime) -> None:
    """Keep the lease for one more call, or stop: somebody else holds the lane."""
    kept = Lane.objects.filter(pk=lane.pk, epoch=attempt.epoch).update(
        lease_until=now + settings.BATON_LEASE
    )
    if not kept:
        raise Fenced
