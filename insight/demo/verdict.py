"""The verdict: was anything lost, doubled, unconsented or unverified? Judged by what arrived."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil
from typing import Any

from accounts import consent
from audit import verify
from insight.demo.road import answer
from insight.demo.sandbox import Sandbox
from insight.demo.story import Change
from insight.demo.studio import Studio
from sharing.ledger import lanes_with_a_gap, ledger
from sharing.models import Delivery, Lane, Plan, PlanVersion, RemoteRecord, Source


@dataclass
class Verdict:
    """What was found. Anything in a list of faults makes the run fail."""

    versions: int
    deliveries: dict[str, int]
    p50: float | None
    p95: float | None
    audit_entries: int
    audit_verified: bool
    changes: int
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unconsented: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        faults = [*self.lost, *self.doubled, *self.unconsented]
        return not faults and self.audit_verified

    def document(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "changes": self.changes,
            "versions": self.versions,
            "deliveries": self.deliveries,
            "sourceChangeToDeliveredSeconds": {"p50": self.p50, "p95": self.p95},
            "auditEntries": self.audit_entries,
            "auditVerified": self.audit_verified,
            "lost": self.lost,
            "doubled": self.doubled,
            "unconsented": self.unconsented,
        }


def reach(sandbox: Sandbox, studio: Studio, changes: list[Change]) -> Verdict:
    report = verify.verify()
    took = sorted(t.total_seconds() for t in latencies(changes))
    return Verdict(
        versions=PlanVersion.objects.count(),
        deliveries=ledger().ended,
        p50=percentile(took, 50),
        p95=percentile(took, 95),
        audit_entries=report.size,
        audit_verified=report.good,
        changes=len(changes),
        lost=[*_unsettled(), *_missing(sandbox, studio), *unanswered(changes)],
        doubled=_doubled(sandbox),
        unconsented=_unconsented(sandbox, studio),
    )


def quiet() -> bool:
    """Whether everything that was noticed has been read, and everything owed has ended."""
    unread = any(s.dirty_seq > s.clean_seq for s in Source.objects.all())
    waiting = Delivery.objects.filter(state=Delivery.State.WAITING).exists()
    return not unread and not waiting


def latencies(changes: Iterable[Change]) -> Iterable[timedelta]:
    """From the coach's change to its arrival, for every lane of that athlete that shares."""
    for change in changes:
        for lane in Lane.objects.filter(plan__athlete=change.athlete):
            arrived = first_arrival(lane, change)
            if arrived is not None and arrived.settled_at is not None:
                yield arrived.settled_at - change.at


def first_arrival(lane: Lane, change: Change) -> Delivery | None:
    return (
        lane.deliveries.filter(state=Delivery.State.DELIVERED, version__read_at__gte=change.at)
        .order_by("revision")
        .first()
    )


def percentile(values: list[float], share: int) -> float | None:
    """The smallest value that at least this share of them does not exceed."""
    if not values:
        return None
    return round(values[max(0, ceil(len(values) * share / 100) - 1)], 3)


def _unsettled() -> list[str]:
    gaps = [f"lane {pk} does not add up" for pk in lanes_with_a_gap()]
    stuck = Delivery.objects.filter(state__in=["waiting", "unknown", "dead"])
    return gaps + [f"delivery {row.pk} is {row.state}: {row.reason}" for row in stuck]


def unanswered(changes: list[Change]) -> list[str]:
    """Changes that no version answers."""
    return [f"{change.athlete.name}: {change.what}" for change in changes if answer(change) is None]


def _missing(sandbox: Sandbox, studio: Studio) -> list[str]:
    """What each destination should hold by consent, against what it says it holds."""
    held = {row["planId"]: row["version"] for row in _portal(sandbox)["plans"]}
    faults = []
    for plan in Plan.objects.select_related("athlete").filter(newest__gt=0):
        agreed = consent.current(plan.athlete_id, studio.portal.pk) is not None
        if agreed and held.get(str(plan.pk)) != plan.newest:
            faults.append(f"the portal lacks version {plan.newest} of {plan.pk}")
    return faults + _missing_events(sandbox, studio)


def _missing_events(sandbox: Sandbox, studio: Studio) -> list[str]:
    there = {row["external_id"] for row in sandbox.get("/control/intervals")["events"]}
    known = RemoteRecord.objects.filter(
        lane__destination=studio.intervals, state=RemoteRecord.State.PRESENT
    ).values_list("item_key", flat=True)
    return [f"intervals.icu lacks {key}" for key in known if key not in there]


def _doubled(sandbox: Sandbox) -> list[str]:
    counted = Counter(row["key"] for row in sandbox.get("/control/journal")["effects"])
    return [f"{key} was applied {count} times" for key, count in counted.items() if count > 1]


def _unconsented(sandbox: Sandbox, studio: Studio) -> list[str]:
    """Plans at the portal whose athlete has not agreed."""
    plans = Plan.objects.in_bulk([row["planId"] for row in _portal(sandbox)["plans"]])
    return [
        f"the portal holds {plan.pk} without consent"
        for plan in plans.values()
        if consent.current(plan.athlete_id, studio.portal.pk) is None
    ]


def _portal(sandbox: Sandbox) -> dict[str, Any]:
    return dict(sandbox.get("/control/inboxes/portal"))
