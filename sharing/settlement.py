"""Settling: the rows that one outcome is written to, under the transaction that settles it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.log import Log
from destinations.errors import DestinationError
from destinations.http.excerpt import LONGEST
from sharing import promises, retry
from sharing.models import Attempt, Delivery, Lane
from sharing.models.base import LONG_AGO

SETTLED = "attempt.settled"
PROBLEM = 255  # characters of our own words that are kept
CRASHED = "crashed"  # an attempt whose worker did not come back in time


@dataclass
class Settlement:
    """One attempt, its delivery and their lane, which is locked."""

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
        self.attempt.problem = error.problem[:PROBLEM] if error else ""
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

    def keep_answer(self, error: DestinationError) -> None:
        """What was answered before a step was begun: otherwise its step keeps that."""
        if not self.attempt.idempotency_key:
            self.attempt.excerpt = error.excerpt[:LONGEST]

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
        self.lane.due_at = at
        self.lane.lease_until = LONG_AGO
        self.lane.last_error = self.attempt.error_code
        self.lane.save()


def settle_lane(lane: Lane, delivery: Delivery, now: datetime) -> None:
    """A delivery of this lane has ended: free the lease and look at what is owed next."""
    lane.settled = max(lane.settled, delivery.revision)
    lane.tries = 0
    lane.lease_until = LONG_AGO
    lane.last_error = delivery.reason if delivery.state == Delivery.State.DEAD else ""
    lane.due_at = _upcoming(lane) or now
    lane.audit_entry_id = delivery.audit_entry_id
    lane.save()


def _upcoming(lane: Lane) -> datetime | None:
    """When the next of this lane's deliveries is due, if one waits."""
    if lane.settled == lane.desired:
        return None
    waiting = lane.deliveries.filter(state=Delivery.State.WAITING, revision__gt=lane.settled)
    return waiting.order_by("due_at").values_list("due_at", flat=True).first()


def next_wait(lane: Lane, asked: timedelta | None = None) -> timedelta | None:
    return retry.delay(lane.tries + 1, asked, waits=lane.destination.schedule)


def again_or_dead(settlement: Settlement, wait: timedelta | None, code: str) -> None:
    if wait is None:
        give_up(settlement, code)
    else:
        settlement.try_again(settlement.now + wait, code)


def give_up(settlement: Settlement, code: str) -> None:
    """The delivery is dead; so is its lane, unless something newer waits there and has its turn."""
    waiting = settlement.lane.deliveries.filter(state=Delivery.State.WAITING)
    if not waiting.filter(revision__gt=settlement.delivery.revision).exists():
        settlement.lane.state = Lane.State.DEAD
    settlement.end(Delivery.State.DEAD, code)
