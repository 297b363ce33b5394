"""Alerts: raised once for each fault, acknowledged by a person, resolved when the cause is gone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError

from accounts.models import Athlete, User
from audit.log import Log, audited_atomic
from insight import notices
from insight.catalogue import KINDS
from insight.models import STANDING, Alert
from sharing import clock

FRESH = timedelta(minutes=1)  # no need to write down more often that a fault is still there
INSTALLATION = "installation"


@dataclass(frozen=True)
class Finding:
    """What a watchdog saw. The same kind and subject is the same fault."""

    kind: str
    subject: str
    organisation: UUID | None = None  # none: the whole installation
    destination: UUID | None = None
    athlete: UUID | None = None
    connection: UUID | None = None
    count: int = 1
    level: int = 0  # when it climbs, people are told again
    adds_up: bool = False  # more of them than somebody acknowledged is news
    facts: Mapping[str, Any] = field(default_factory=dict)  # codes, identifiers, numbers


class AlertOverError(Exception):
    """The alert was resolved meanwhile: there is nothing left to take care of."""


def raise_(finding: Finding) -> Alert:
    """Open an alert, or bring the one that stands for this fault up to date."""
    standing = _standing(finding)
    if standing is None:
        try:
            return _open(finding)
        except IntegrityError:  # somebody else saw it at the same moment
            standing = _standing(finding)
            if standing is None:
                raise
    return _again(standing, finding)


def reconcile(kind: str, found: Iterable[Finding]) -> None:
    """Make what stands of this kind what was found now: raise, bring up to date, resolve."""
    findings = {finding.subject: finding for finding in found}
    standing = {each.subject: each for each in Alert.objects.filter(kind=kind, state__in=STANDING)}
    for subject, finding in findings.items():
        if subject in standing:
            _again(standing[subject], finding)
        else:
            raise_(finding)
    for subject, alert in standing.items():
        if subject not in findings:
            resolve(alert)


def resolve(alert: Alert) -> bool:
    """The cause is gone. False when somebody has resolved it already."""
    with audited_atomic() as log:
        row = _locked(alert)
        if not row.stands:
            return False
        row.state, row.resolved_at = Alert.State.RESOLVED, clock.now()
        row.audit_entry_id = _record(row, "resolved", log)
        row.save()
        notices.resolved(row, row.resolved_at)
    return True


def acknowledge(
    alert: Alert, by: User, *, note: str = "", assigned_to: User | None = None
) -> Alert:
    """Somebody takes care of it; said again, it changes the note and who does.

    Raises AlertOverError when it is resolved. The note is not in the log: it is a person's words.
    """
    with audited_atomic() as log:
        row = _locked(alert)
        if not row.stands:
            raise AlertOverError
        row.state = Alert.State.ACKNOWLEDGED
        row.acknowledged_at, row.acknowledged_by = clock.now(), by
        row.note, row.assigned_to = note, assigned_to
        row.audit_entry_id = _record(
            row, "acknowledged", log, assigned=str(assigned_to.pk) if assigned_to else None
        )
        row.save()
    return row


def forget(athlete: Athlete) -> None:
    """An alert holds codes and numbers; what a person wrote beside it may be about the athlete."""
    Alert.objects.filter(athlete=athlete).exclude(note="").update(note="")


def _standing(finding: Finding) -> Alert | None:
    return Alert.objects.filter(
        kind=finding.kind, subject=finding.subject, state__in=STANDING
    ).first()


def _locked(alert: Alert) -> Alert:
    return Alert.objects.select_for_update(no_key=True).get(pk=alert.pk)


def _open(finding: Finding) -> Alert:
    with audited_atomic() as log:
        now = clock.now()
        alert = Alert(
            organisation_id=finding.organisation,
            destination_id=finding.destination,
            athlete_id=finding.athlete,
            connection_id=finding.connection,
            kind=finding.kind,
            subject=finding.subject,
            severity=KINDS[finding.kind].severity,
            count=finding.count,
            level=finding.level,
            facts=dict(finding.facts),
            first_at=now,
            last_at=now,
        )
        alert.audit_entry_id = _record(alert, "raised", log)
        alert.save(force_insert=True)
        notices.raised(alert, now)
    return alert


def _again(alert: Alert, finding: Finding) -> Alert:
    """It is still there. What it says is written when it changed, and now and then anyway."""
    if _is_worse(alert, finding):
        return _worse(alert, finding)
    now = clock.now()
    changed = (alert.count, alert.facts) != (finding.count, dict(finding.facts))
    if changed or alert.last_at < now - FRESH:
        _bring_up_to_date(alert, finding, now)
    return alert


def _is_worse(alert: Alert, finding: Finding) -> bool:
    return finding.level > alert.level or _is_news(alert, finding)


def _is_news(alert: Alert, finding: Finding) -> bool:
    """More than was acknowledged, or than was left of it since. An open alert counts silently."""
    acknowledged = alert.state == Alert.State.ACKNOWLEDGED
    return finding.adds_up and acknowledged and finding.count > alert.count


def _worse(alert: Alert, finding: Finding) -> Alert:
    """It is open again, whoever has acknowledged less; who takes care of it stays."""
    with audited_atomic() as log:
        row = _locked(alert)
        if not row.stands or not _is_worse(row, finding):
            return row
        level = row.level + 1 if _is_news(row, finding) else 0  # a notice of its own
        row.state, row.acknowledged_at, row.acknowledged_by = Alert.State.OPEN, None, None
        row.level = max(level, finding.level)
        row.count, row.facts = finding.count, dict(finding.facts)
        row.last_at = clock.now()
        row.audit_entry_id = _record(row, "worsened", log, level=str(row.level))
        row.save()
        notices.raised(row, row.last_at)
    return row


def _bring_up_to_date(alert: Alert, finding: Finding, now: datetime) -> None:
    alert.count, alert.facts, alert.last_at = finding.count, dict(finding.facts), now
    Alert.objects.filter(pk=alert.pk, state__in=STANDING).update(
        count=alert.count, facts=alert.facts, last_at=now
    )


def _record(alert: Alert, what: str, log: Log, **extra: str | None) -> UUID:
    athlete: Athlete | None = alert.athlete
    return log.record(
        f"alert.{what}",
        organisation=alert.organisation_id,
        subject=athlete.pseudonym if athlete else None,
        destination=alert.destination_id,
        outcome=alert.kind,
        extra={"alert": str(alert.pk), "count": alert.count, **extra},
    )
