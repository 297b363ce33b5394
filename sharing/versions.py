"""Recording plan versions: only a real change makes one, and one that is made never changes."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import transaction

from audit import stored as entries
from audit.actor import Actor
from audit.crashpoint import crashpoint
from audit.log import Log
from plans import contract, words
from plans.diff import PlanDiff, diff, is_urgent
from plans.errors import ContractError
from plans.hashing import content_hash
from plans.model import Plan as CanonicalPlan
from plans.model import Session, total_duration
from plans.window import carry_over, keep_hidden_figures
from sharing import clock, fan_out, incarnation
from sharing.models import Plan, PlanVersion
from sharing.models.plan import BY_TIME_ALONE
from sharing.source.errors import BadAnswerError
from sharing.source.window import Found, Known
from sharing.windows import Window, local_day

RECORDED = "plan.version.recorded"
SOURCE = Actor("source", "trainingpeaks")
RULES = ("planned.only/1", "units.seconds/1", "order.day-time-id/1")


@dataclass(frozen=True)
class Occasion:
    """What led to a reading, and when it was made."""

    hint_seq: int
    first_hint_at: datetime | None
    read_at: datetime


@dataclass(frozen=True)
class Change:
    """What a reading says about a plan, beside what its newest version says."""

    plan: Plan
    window: Window
    found: Found
    newest: PlanVersion | None
    before: tuple[Session, ...]
    after: tuple[Session, ...]

    @property
    def real(self) -> bool:
        """Time passing is not a change, and neither is an empty calendar that stays empty."""
        return bool(self.difference) if self.newest else bool(self.after)

    @property
    def difference(self) -> PlanDiff:
        return diff(carry_over(self.before, self.after, self.window.start), self.after)

    @property
    def urgent(self) -> bool:
        """Sessions that only came into sight at the far end are new, but not urgent."""
        return is_urgent(self._near)

    @property
    def by_time_alone(self) -> bool:
        """Nothing but the far end is new: the window moved on, and nobody changed anything."""
        return self.newest is not None and not self._near

    @property
    def _near(self) -> PlanDiff:
        horizon = self.newest.ends_on if self.newest else date.max
        difference = self.difference
        near = tuple(session for session in difference.added if session.date <= horizon)
        return replace(difference, added=near)


def known(plans: Iterable[Plan]) -> Known:
    """What the newest versions of these plans say."""
    sessions: dict[str, Session] = {}
    stamps: dict[str, str] = {}
    for version in filter(None, map(newest, plans)):
        sessions |= {session.item_id: session for session in version.canonical().exercise_list}
        stamps |= version.document().get("source", {})
    return Known(sessions, stamps)


def newest(plan: Plan) -> PlanVersion | None:
    found = plan.versions.filter(version=plan.newest).first()
    if found is not None:
        found.plan = plan
    return found


def record(
    plan: Plan, found: Found, window: Window, occasion: Occasion, log: Log
) -> PlanVersion | None:
    """The plan's next version, promised to every destination; None when nothing changed."""
    row = (
        Plan.objects.select_for_update(of=("self",), no_key=True)
        .select_related("athlete")
        .get(pk=plan.pk)
    )
    change = compare(row, found, window)
    if not change.real:
        return None
    version = _make(change, occasion)
    _seal(version, change)
    version.audit_entry_id = _audited(version, log)
    version.save(force_insert=True)
    row.newest = version.version
    row.save(update_fields=["newest"])
    crashpoint("P06")
    transaction.on_commit(partial(crashpoint, "P07"))
    fan_out.fan_out(version, log)
    return version


def compare(plan: Plan, found: Found, window: Window) -> Change:
    latest = newest(plan)
    before = latest.canonical().exercise_list if latest else ()
    after = tuple(session for session in found.sessions if window.holds(session.date))
    if not plan.athlete.is_premium:
        after = keep_hidden_figures(before, after)
    return Change(plan, window, found, latest, before, after)


def _make(change: Change, occasion: Occasion) -> PlanVersion:
    return PlanVersion(
        plan=change.plan,
        version=max(change.plan.newest, incarnation.current().numbered(0)) + 1,
        content_hash=content_hash(change.after),
        starts_on=change.window.start,
        ends_on=change.window.end,
        session_count=len(change.after),
        total_duration=total_duration(change.after),
        urgent=change.urgent,
        rules=_rules(change),
        hint_seq=occasion.hint_seq,
        first_hint_at=occasion.first_hint_at,
        read_at=occasion.read_at,
        published_at=clock.now(),
    )


def _rules(change: Change) -> list[str]:
    rules = [f"window.{change.plan.kind}/1", *RULES]
    if not change.plan.athlete.is_premium:
        rules.append("figures.keep-hidden/1")
    if change.by_time_alone:
        rules.append(BY_TIME_ALONE)
    if change.found.refused:
        rules.append("intervals.not-allowed/1")
    return rules


def _seal(version: PlanVersion, change: Change) -> None:
    """The document is the contract: one that breaks it is not recorded."""
    document = _checked(_canonical(version, change.after).document())
    shown = {
        session.item_id.removeprefix("tp-")
        for session in change.after
        if session.item_id.startswith("tp-")
    }
    version.seal(
        {
            "plan": document,
            "summary": _summary(change, version.published_at),
            "source": {key: stamp for key, stamp in change.found.stamps.items() if key in shown},
            "notes": [{"path": note.path, "code": note.code} for note in change.found.notes],
        }
    )


def _checked(document: dict[str, Any]) -> dict[str, Any]:
    try:
        contract.check(document)
    except ContractError as error:
        body = json.dumps(document).encode()
        raise BadAnswerError(contract.PLAN, error.path, error.problem, body) from None
    return document


def _canonical(version: PlanVersion, sessions: Sequence[Session]) -> CanonicalPlan:
    return CanonicalPlan.of(
        sessions,
        plan_id=str(version.plan_id),
        version=version.version,
        plan_name=version.plan.name,
        start_date=version.starts_on,
        end_date=version.ends_on,
        published_at=version.published_at,
        time_zone=version.plan.athlete.time_zone or None,
    )


def _summary(change: Change, moment: datetime) -> list[str]:
    count = len(change.after)
    if change.newest is None:
        return [f"First version, with {count} session{'' if count == 1 else 's'}"]
    return words.describe(change.difference, local_day(change.plan.athlete.time_zone, moment))


def commitment(version: PlanVersion) -> str:
    """What the audit log holds of a version: enough to prove it, nothing of what it says.

    It is made of the sealed bytes, so anybody can check a stored row without a key.
    """
    parts = (str(version.pk), str(version.version), version.content_hash, bytes(version.content))
    digest = sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def _audited(version: PlanVersion, log: Log) -> UUID:
    athlete = version.plan.athlete
    return log.record(
        RECORDED,
        actor=SOURCE,
        organisation=athlete.organisation_id,
        subject=athlete.pseudonym,
        plan=version.plan_id,
        version=version.version,
        commitment=commitment(version),
        extra={"sessions": version.session_count, "urgent": version.urgent},
    )


def altered() -> Iterator[tuple[int, str]]:
    """Recorded versions whose row is gone, or differs from what the audit log committed to."""
    for said in entries.lines(action=RECORDED):
        seq = said["seq"]
        stored = PlanVersion.objects.filter(audit_entry__seq=seq).first()
        name = f"Entry {seq}: version {said.get('version')} of plan {said.get('plan')}"
        if stored is None:
            yield seq, f"{name} is gone."
        elif commitment(stored) != said.get("commitment"):
            yield seq, f"{name} was altered."
