"""A check of a destination that was asked for: worked through lane by lane under a lease, ended.

It goes on where it stopped: `after` is the last lane that was looked at.
"""

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q, QuerySet

from audit.log import audited_atomic
from audit.retrying import retried
from destinations import registry
from destinations.errors import (
    AuthorizationError,
    DestinationError,
    ScopeMissingError,
)
from destinations.models import Destination
from destinations.port import ReadBack, RemoteState
from sharing import clock, retry, turns
from sharing.drift import reading, settling
from sharing.drift.asking import EVERY, UNDER_WAY
from sharing.drift.comparing import Comparison
from sharing.models import DriftCheck, Lane, RemoteRecord, Route
from sharing.models.base import LONG_AGO
from sharing.source.errors import ReaderCrashedError
from sharing.stops import covering

BUDGET = 5.0  # seconds a worker reads before it looks for other work
ENOUGH_TROUBLE = 10  # lanes that could not be read, when they are more than those that could
THERE = (
    RemoteRecord.State.PRESENT,
    RemoteRecord.State.UNCERTAIN,
    RemoteRecord.State.COPY,
)
WELL_AGAIN = timedelta(minutes=1)  # how soon to look whether the breaker has closed


class Fenced(Exception):  # noqa: N818 - not an error of ours: another worker goes on with the check
    """The lease was lost; nothing more is read."""


def run_due(budget: float = BUDGET) -> bool:
    """Go on with one check that is due. False when none is."""
    with suppress(Fenced):
        check = _claim()
        if check is None:
            return False
        Run(check, _readable(check.destination)).go_on(budget)
    return True


def _readable(destination: Destination) -> ReadBack:
    adapter = registry.adapter_for(destination)
    if not isinstance(adapter, ReadBack):
        raise TypeError(f"{adapter.kind} cannot be read back: no check is asked for it.")
    return adapter


@retried
def _claim() -> DriftCheck | None:
    with audited_atomic() as log:
        now = clock.now()
        due = DriftCheck.objects.filter(
            state__in=UNDER_WAY, due_at__lte=now, lease_until__lte=now
        ).order_by("due_at", "asked_at")
        row = due.first()
        if row is None:
            return None
        begun = {}
        if row.state == DriftCheck.State.WAITING:
            entry = log.record(
                "drift.check.begun",
                organisation=row.organisation_id,
                destination=row.destination_id,
            )
            begun = {"started_at": now, "audit_entry_id": entry}
        taken = due.filter(pk=row.pk, epoch=row.epoch).update(
            state=DriftCheck.State.RUNNING,
            lease_until=now + settings.BATON_LEASE,
            epoch=F("epoch") + 1,
            unreturned=F("unreturned") + 1,
            **begun,
        )
        if not taken:
            raise Fenced
    return DriftCheck.objects.select_related("destination", "organisation").get(pk=row.pk)


@dataclass
class Run:
    """One worker's turn at a check; the epoch proves that the lease is still its own."""

    check: DriftCheck
    adapter: ReadBack

    def __post_init__(self) -> None:
        self.epoch = self.check.epoch

    def go_on(self, budget: float) -> None:
        deadline = time.monotonic() + budget
        while (lane_id := self._next()) is not None:
            if self._must_stop() or self._must_wait():
                return
            if self.check.unreturned > retry.CRASHES:
                self._unreadable(lane_id, ReaderCrashedError.code)
                continue
            try:
                self._look_at(lane_id)
            except reading.Later as later:
                self._put_off(later.wait)
                return
            if time.monotonic() > deadline:
                self._put_off(timedelta(0))
                return
        settling.apply_policy(self.check)
        settling.let_go(self.check)
        self._end("")

    def _next(self) -> UUID | None:
        self.check.refresh_from_db()
        lanes = lanes_to_read(self.check.destination)
        if self.check.after is not None:
            lanes = lanes.filter(pk__gt=self.check.after)
        return lanes.order_by("pk").values_list("pk", flat=True).first()

    def _must_stop(self) -> bool:
        """Whether going on makes no sense: everything after this would fail, too."""
        check = self.check
        check.destination.refresh_from_db()
        if check.destination.state != Destination.State.ACTIVE:
            self._end("destination_not_active")
            return True
        hopeless = check.unreadable >= ENOUGH_TROUBLE and check.unreadable > check.lanes_read
        if hopeless or check.last_error == AuthorizationError.code:
            settling.apply_policy(check)
            self._end(check.last_error)
            return True
        return False

    def _must_wait(self) -> bool:
        destination = self.check.destination
        if destination.breaker_state == Destination.Breaker.CLOSED:
            return False
        pause = destination.breaker_until - clock.now()
        self._put_off(max(pause, WELL_AGAIN))
        return True

    def _look_at(self, lane_id: UUID) -> None:
        lane = reading.lane_to_read(lane_id)
        known = reading.known(lane) if reading.may_be_read(lane) else None
        if known is None:
            self._leave_out(lane)
            return
        turn = reading.Turn(self.check.destination, self._renew)
        try:
            states = reading.read(self.adapter, known, turn)
        except DestinationError as error:
            turns.hold(self.check.destination_id, error.retry_after)
            denied = isinstance(error, AuthorizationError)
            refused = denied and not isinstance(error, ScopeMissingError)
            self._unreadable(lane_id, AuthorizationError.code if refused else error.code)
        else:
            self._compare(known, states)

    @retried
    def _compare(self, known: reading.Known, states: dict[str, RemoteState]) -> None:
        """Write down what was found, if nothing happened to the lane while it was read."""
        with audited_atomic() as log:
            now = clock.now()
            lane = Lane.objects.locked(known.lane.pk)
            held = reading.comparable(lane, now)
            if not reading.at_rest(lane, now) or reading.mark(lane, held) != known.mark:
                self._leave_out(lane)
                return
            comparison = Comparison(lane, self.check, self.adapter, log, now)
            for record in held:
                if state := states.get(record.item_key):
                    comparison.note(record, state)
            self._advance(lane.pk, lanes_read=1, records_compared=len(states))

    def _leave_out(self, lane: Lane) -> None:
        """What is only busy now is looked at again soon. What may not be read is not, nor what
        stays in doubt.
        """
        self._advance(lane.pk, skipped=1, **_counted_as(lane, clock.now()))

    def _unreadable(self, lane_id: UUID, code: str) -> None:
        self._advance(lane_id, code, unreadable=1)

    def _advance(self, lane_id: UUID, last_error: str | None = None, /, **more: int) -> None:
        """Behind this lane; whoever dies from here on dies over another one."""
        counted = {name: F(name) + amount for name, amount in more.items()}
        said = {} if last_error is None else {"last_error": last_error}
        self._mine(after=lane_id, unreturned=1, **said, **counted)

    def _renew(self) -> None:
        self._mine(lease_until=clock.now() + settings.BATON_LEASE)

    def _put_off(self, wait: timedelta) -> None:
        self._mine(lease_until=LONG_AGO, due_at=clock.now() + wait, unreturned=0)

    @retried
    def _end(self, error: str) -> None:
        self.check.refresh_from_db()
        whole = not error and self.check.unreadable == self.check.busy == 0
        state = DriftCheck.State.DONE if whole else DriftCheck.State.INCOMPLETE
        with audited_atomic() as log:
            entry = log.record(
                f"drift.check.{state.value}",
                organisation=self.check.organisation_id,
                destination=self.check.destination_id,
                outcome=error or self.check.last_error or None,
                extra={
                    "compared": self.check.records_compared,
                    "unreadable": self.check.unreadable,
                    "busy": self.check.busy,
                    "given_up": self.check.given_up,
                    "in_doubt": self.check.in_doubt,
                },
            )
            self._mine(
                state=state, ended_at=clock.now(), lease_until=LONG_AGO,
                last_error=error or self.check.last_error, audit_entry_id=entry,
            )  # fmt: skip

    def _mine(self, **changes: object) -> None:
        rows = DriftCheck.objects.filter(pk=self.check.pk, epoch=self.epoch)
        if not rows.update(**changes):
            raise Fenced


def _counted_as(lane: Lane, now: datetime) -> dict[str, int]:
    """The column that says why this lane was left out; none where nobody may read it now."""
    if not reading.may_be_read(lane):
        return {}
    if lane.state == Lane.State.DEAD:
        return {"given_up": 1}
    if reading.in_doubt(lane, now):
        return {"in_doubt": 1}
    return {"busy": int(_is_busy(lane, now))}


def _is_busy(lane: Lane, now: datetime) -> bool:
    """Whether it was left out for a while only: nobody stopped it, and what it owes is due soon."""
    if lane.route.state != Route.State.ACTIVE or covering.over(lane).exists():
        return False
    return lane.settled == lane.desired or lane.due_at <= now + EVERY


def lanes_to_read(destination: Destination) -> QuerySet[Lane]:
    """Those that may have something there: what of it is not compared is counted as left out."""
    yesterday = clock.now().date() - timedelta(days=1)  # over in every time zone
    ahead = Q(records__day=None) | Q(records__day__gte=yesterday)
    lanes = Lane.objects.filter(ahead, records__state__in=THERE, destination=destination)
    gone = Q(state=Lane.State.CLOSED) | Q(route__state=Route.State.RETIRED)
    return lanes.exclude(gone).distinct()
