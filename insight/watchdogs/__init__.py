"""The watchdogs: each asks the database one question, and its answer is what stands as alerts."""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from insight import alerts
from insight.alerts import Finding
from insight.watchdogs import (
    bulk,
    conservation,
    destinations,
    guardrails,
    installation,
    lanes,
    sources,
)
from sharing import clock

logger = logging.getLogger(__name__)

Watchdog = Callable[[datetime], Iterable[Finding]]

OFTEN: Mapping[str, Watchdog] = {
    "lane_late": lanes.late,
    "nothing_claimed": lanes.nothing_claimed,
    "attempt_unsettled": lanes.unsettled,
    "tries_failing": lanes.failing,
    "delivery_dead": lanes.dead,
    "athletes_unlisted": lanes.unlisted,
    "outcome_unknown": lanes.unknown,
    "removal_late": lanes.removal_late,
    "drift_found": lanes.drifted,
    "source_dirty": sources.dirty,
    "polling_stuck": sources.unpolled,
    "athletes_not_shown": sources.suspended,
    "needs_reauth": sources.needs_reauth,
    "refresh_failing": sources.refresh_failing,
    "scope_missing": sources.scope_missing,
    "webhooks_silent": sources.silent,
    "quarantine_open": sources.quarantined,
    "mass_change": sources.mass_change,
    "breaker_open": destinations.breaker_open,
    "destination_stopped": destinations.stopped,
    "destination_errors": destinations.errors,
    "destination_failing": destinations.failing,
    "unusual_volume": guardrails.unusual_volume,
    "emptied_calendars": guardrails.emptied_calendars,
    "too_many_failures": guardrails.too_many_failures,
    "second_wanted": bulk.second_wanted,
    "pump_silent": installation.pump_silent,
    "broker_silent": installation.broker_silent,
    "job_failing": installation.job_failing,
    "clock_wrong": installation.clock_wrong,
    "log_unanchored": installation.log_unanchored,
    "signer_refuses": installation.signer_refuses,
}
SELDOM: Mapping[str, Watchdog] = {"conservation_gap": conservation.gap}  # it counts every row


class WatchdogError(Exception):
    """Some watchdogs could not look; the others did."""


def look(watchdogs: Mapping[str, Watchdog] = OFTEN) -> None:
    """Let each of them look. One that fails does not keep the others from it."""
    failed = []
    for kind, watchdog in watchdogs.items():
        try:
            alerts.reconcile(kind, watchdog(clock.now()))
        except Exception:
            logger.exception("The watchdog %s failed.", kind)
            failed.append(kind)
    if failed:
        raise WatchdogError(", ".join(failed))


def look_at_the_ledger() -> None:
    look(SELDOM)
