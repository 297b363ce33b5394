"""Working through bulk actions: previewed and carried out in slices of short transactions.

The lease has an epoch like every other: who comes late writes nothing. What a slice did and that
it was done are one transaction, so that a killed worker leaves nothing half done and nothing twice.
"""

import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Q, QuerySet

from accounts import roles
from audit import actor
from audit.actor import acting
from audit.log import Log, audited_atomic
from audit.retrying import retried
from sharing import claims, clock, wake
from sharing.bulk import asking, carrying, selection
from sharing.bulk.refusing import BLOCKED, SUPERSEDED, Refused
from sharing.models import BulkAction, BulkItem, Lane
from sharing.models.base import LONG_AGO, REASON_LENGTH

Kind, State = BulkAction.Kind, BulkAction.State
BUDGET = 5.0  # seconds a worker spends before it looks for other work
SLICE = 5  # lanes in one transaction
PAGE = 100  # lanes that are found by one look at the filter, which costs as much for five
AHEAD = 200  # lanes that wait at a destination before it gets no more of an action
NO_LONGER = "Whoever asked for this may not do it any more."
LANES = "lanes"
IN_TURN = ("state", "lease_until", "asked_at")  # previews, then whose last turn is longest ago


class Fenced(Exception):  # noqa: N818 - not an error of ours: it was cancelled, or another goes on
    """The action is ours no more; nothing more is done."""


def run_due(budget: float = BUDGET) -> bool:
    """Go on with one action that is due. False when none is."""
    action = _claim()
    if action is None:
        return False
    with suppress(Fenced), acting(actor.user(action.asked_by_id)):
        Run(action).go_on(budget)
    return True


@retried
def _claim() -> BulkAction | None:
    with transaction.atomic():
        now = clock.now()
        unseen = Q(state=State.PREVIEW, forecast={})
        due = BulkAction.objects.filter(unseen | Q(state=State.RUNNING), lease_until__lte=now)
        row = due.order_by(*IN_TURN).first()
        if row is None:
            return None
        taken = due.filter(pk=row.pk, epoch=row.epoch).update(
            lease_until=now + settings.BATON_LEASE, epoch=F("epoch") + 1
        )
    rows = BulkAction.objects.select_related("organisation", "asked_by")
    return rows.get(pk=row.pk) if taken else None


def _full() -> list[UUID]:
    """Destinations with enough to do. What coaches change meanwhile does not wait behind
    thousands, and a cancel still finds something to cancel.
    """
    queues = claims.due_lanes(clock.now()).values_list("destination").annotate(Count("pk"))
    return [destination for destination, count in queues.order_by() if count >= AHEAD]


@dataclass
class Run:
    """One worker's turn at an action; the epoch proves that the lease is still its own."""

    action: BulkAction
    found: list[Lane] = field(default_factory=list)  # of a page, still to be forecast

    def go_on(self, budget: float) -> None:
        deadline = time.monotonic() + budget
        preview = self.action.state == State.PREVIEW
        more = self._look if preview else self._do
        while more():
            if time.monotonic() > deadline:
                break
        else:
            if preview:
                self._previewed()
                return
            if not self._left().exists():
                self._done()
                return
        self._mine(lease_until=clock.now())

    # --- the preview --------------------------------------------------------------------------

    def _look(self) -> bool:
        """Forecast the next lanes. False when there are no more."""
        lanes = self._next_lanes()
        self._keep([carrying.foreseen(self.action, lane) for lane in lanes])
        return bool(lanes)

    def _next_lanes(self) -> list[Lane]:
        self.found = self.found or self._page()
        lanes, self.found = self.found[:SLICE], self.found[SLICE:]
        return lanes

    def _page(self) -> list[Lane]:
        seen = self.action.items.order_by("-lane_id").values_list("lane_id", flat=True).first()
        lanes = selection.lanes(self.action)
        if seen is not None:
            lanes = lanes.filter(pk__gt=seen)
        rows = lanes.select_related("plan__athlete", "route", "destination").order_by("pk")
        return list(rows[:PAGE])

    @retried
    def _keep(self, items: list[BulkItem]) -> None:
        with transaction.atomic():
            self._mine(lease_until=clock.now() + settings.BATON_LEASE)
            BulkItem.objects.bulk_create(items)

    @retried
    def _previewed(self) -> None:
        counted: Counter[str] = Counter()
        for forecast in self.action.items.values_list("forecast", flat=True):
            counted[LANES] += 1
            counted.update({name: forecast[name] for name in FIGURES if name in forecast})
        with audited_atomic() as log:
            forecast = {LANES: counted[LANES], **counted}
            self.action.total = counted[LANES]
            entry = asking.record(self.action, "previewed", log, **forecast)
            self._mine(
                forecast=forecast, total=counted[LANES], ready_at=clock.now(),
                lease_until=LONG_AGO, audit_entry_id=entry,
            )  # fmt: skip

    # --- carrying it out ----------------------------------------------------------------------

    @retried
    def _do(self) -> bool:
        """Carry out the next lanes. False when there are no more, or none that can go out soon."""
        with audited_atomic() as log:
            self._mine(lease_until=clock.now() + settings.BATON_LEASE)
            free = self._left().exclude(lane__destination__in=_full())
            items = list(free.select_related("version").order_by("lane_id")[:SLICE])
            allowed = self._allowed(items)
            for item in items:
                self._carry_out(item, log, allowed=item.lane_id in allowed)
        wake.wake()
        return bool(items)

    def _left(self) -> QuerySet[BulkItem]:
        return self.action.items.filter(state=BulkItem.State.WAITING)

    def _allowed(self, items: list[BulkItem]) -> set[UUID]:
        """Asked anew: a role may have been lowered since."""
        action = self.action
        if not roles.may(
            action.asked_by, asking.PERMISSIONS[Kind(action.kind)], action.organisation
        ):
            return set()
        lanes = Lane.objects.for_user(action.asked_by)
        found = lanes.filter(pk__in=[item.lane_id for item in items])
        return set(found.values_list("pk", flat=True))

    def _carry_out(self, item: BulkItem, log: Log, *, allowed: bool) -> None:
        refusal = carrying.refused(item) or ("" if allowed else NO_LONGER)
        if refusal := refusal or self._promised(item, log):
            item.state = BulkItem.State.REFUSED
            item.reason = refusal[:REASON_LENGTH]
        item.save(update_fields=["state", "reason", "made", "delivery"])

    def _promised(self, item: BulkItem, log: Log) -> str:
        """Promise it in the lane; the words of the refusal, if there is one."""
        try:
            with audited_atomic():
                carried = carrying.carry_out(self.action, item, log)
        except Refused as refusal:
            return str(refusal)
        item.made = carried.made
        item.state = BulkItem.State.DONE if carried.made else BulkItem.State.NOTHING
        return ""

    @retried
    def _done(self) -> None:
        with audited_atomic() as log:
            entry = asking.record(self.action, "done", log, **asking.outcome(self.action))
            self._mine(
                state=State.DONE, ended_at=clock.now(), lease_until=LONG_AGO, audit_entry_id=entry
            )

    def _mine(self, **changes: object) -> None:
        """Write to the action, if it is still ours and stands as it stood."""
        action = self.action
        rows = BulkAction.objects.filter(pk=action.pk, epoch=action.epoch, state=action.state)
        if not rows.update(**changes):
            raise Fenced


FIGURES = (
    "create", "update", "remove", carrying.NOTHING, SUPERSEDED, BLOCKED,
    carrying.OVERTAKES, carrying.HELD,
)  # fmt: skip
