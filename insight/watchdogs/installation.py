"""Watchdogs over Baton itself: its pumps and broker, its regular jobs, its clocks, the signer of
its log.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Max, Q
from django.utils import timezone

from audit import selectors
from insight.alerts import INSTALLATION, Finding
from sharing import hearing, periodic
from sharing.models import Heartbeat, PeriodicJob


def pump_silent(now: datetime) -> Iterator[Finding]:
    """There was a pump, and none is left. Whoever looks here was woken by the broker."""
    last = Heartbeat.objects.aggregate(last=Max("beat_at"))["last"]
    if last is not None and last < now - settings.BATON_ALERT_PUMP:
        yield Finding("pump_silent", INSTALLATION, facts={"last": int(last.timestamp())})


def broker_silent(now: datetime) -> Iterator[Finding]:
    """Workers wait for a wake-up call that does not come. Pumps without workers wait for none."""
    row = hearing.listening(now)
    if row is not None and hearing.is_silent(row, now):
        facts = {"last": int(row.heard_at.timestamp())} if row.heard_at else {}
        yield Finding("broker_silent", INSTALLATION, facts=facts)


def job_failing(now: datetime) -> Iterator[Finding]:
    """One for each job that fails, or that nobody runs although it has long been due."""
    since = now - settings.BATON_ALERT_JOB
    failing = ~Q(last_error="") & (Q(last_ok_at=None) | Q(last_ok_at__lt=since))
    overdue = Q(last_ok_at__isnull=False, next_run_at__lt=since, lease_until__lt=now)
    for job in PeriodicJob.objects.filter(failing | overdue, name__in=periodic.names()):
        facts: dict[str, Any] = {"job": job.name}
        if job.last_ok_at is not None:
            facts["last"] = int(job.last_ok_at.timestamp())
        yield Finding("job_failing", f"job:{job.name}", facts=facts)


def clock_wrong(now: datetime) -> Iterator[Finding]:
    """Here it is another time than at the database."""
    apart = abs(timezone.now() - now)
    if apart > settings.BATON_ALERT_CLOCK:
        yield Finding("clock_wrong", INSTALLATION, facts={"seconds": int(apart.total_seconds())})


def log_unanchored(now: datetime) -> Iterator[Finding]:
    """The log has grown, and no checkpoint outside covers what was written then."""
    entry = selectors.first_without_anchor()
    if entry is not None and entry.at < now - settings.BATON_ALERT_ANCHOR:
        yield Finding("log_unanchored", INSTALLATION, facts={"since": int(entry.at.timestamp())})


def signer_refuses(now: datetime) -> Iterator[Finding]:
    """The log is not the one that the signer remembers."""
    if state := selectors.signer_refusal():
        yield Finding("signer_refuses", INSTALLATION, facts={"refusal": state.refusal})
