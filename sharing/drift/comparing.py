"""From what was read to rows: differences found, gone again, or changed once more."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from audit.log import Log
from destinations.port import Alteration, Copy, ReadBack, RemoteState
from sharing import records
from sharing.drift import policy
from sharing.drift.values import Values, seal, unseal
from sharing.models import Drift, DriftCheck, Lane, RemoteRecord

OPEN, KEPT = Drift.State.OPEN, Drift.State.KEPT
LISTED = (OPEN, Drift.State.REPAIRING, KEPT)


@dataclass(frozen=True)
class Comparison:
    """One lane, locked, and what was read of it. All of it is one transaction."""

    lane: Lane
    check: DriftCheck
    adapter: ReadBack
    log: Log
    now: datetime

    def note(self, record: RemoteRecord, state: RemoteState) -> None:
        listed = {row.field: row for row in record.drifts.filter(state__in=LISTED)}
        for row in listed.values():
            row.lane = self.lane
        if record.state == RemoteRecord.State.COPY:
            self._copy(record, listed.get(""), present=state.present is not False)
            return
        for copy in state.copies:
            self._extra(record, copy)
        if state.present is False:
            self._missing(record, listed.get(""))
            return
        if "" in listed:
            self._vanished(listed[""])
        for change in state.altered:
            self._altered(record, listed.get(change.field), change)
        if state.altered:
            self._know(record, state.altered)

    def _missing(self, record: RemoteRecord, row: Drift | None) -> None:
        if row is not None:
            self._seen_again(row)
            return
        title = self._title(record)
        self._found(record, Drift.Kind.MISSING, "", Values(ours=record.content_hash, title=title))

    def _extra(self, record: RemoteRecord, copy: Copy) -> None:
        """Somebody copied a session of ours. What another lane wrote is no copy."""
        if records.may_be_ours(self.lane, copy.remote_id):
            return
        found = records.note_copy(self.lane, record, copy, self.now)
        day = copy.date.isoformat() if copy.date else None
        title = str(self.adapter.said(copy.body).get("title") or "")
        self._found(found, Drift.Kind.EXTRA, "", Values(theirs=day, title=title))

    def _copy(self, record: RemoteRecord, row: Drift | None, *, present: bool) -> None:
        """A copy found before: still there, or taken away by whoever made it."""
        if present:
            if row is not None and row.state == OPEN:
                self._seen_again(row)
            return
        record.state = RemoteRecord.State.REMOVED
        record.save(update_fields=["state"])
        if row is not None:
            self._vanished(row)

    def _altered(self, record: RemoteRecord, row: Drift | None, change: Alteration) -> None:
        if row is None:
            values = Values(ours=change.ours, theirs=change.theirs, title=self._title(record))
            self._found(record, Drift.Kind.ALTERED, change.field, values)
            return
        before = unseal(row)
        if self.adapter.same(change.field, before.ours, change.theirs):
            self._vanished(row)
            return
        seal(row, Values(ours=before.ours, theirs=change.theirs, title=before.title))
        if row.state == KEPT and not self.adapter.same(change.field, before.theirs, change.theirs):
            self._reopen(row)
        self._seen_again(row)

    def _reopen(self, row: Drift) -> None:
        """What was kept is something else by now: the policy is asked anew, and tells of it."""
        row.state = OPEN
        row.settled_by = row.settled_at = None
        row.audit_entry_id = self.record(row, "found")

    def _found(self, record: RemoteRecord, kind: str, field: str, values: Values) -> None:
        row = Drift(
            lane=self.lane,
            record=record,
            found_by=self.check,
            kind=kind,
            field=field,
            policy=policy.of_route(self.lane.route, kind, field),
            found_at=self.now,
        )
        seal(row, values)
        row.audit_entry_id = self.record(row, "found")
        row.save(force_insert=True)

    def _seen_again(self, row: Drift) -> None:
        row.found_by = self.check
        row.policy = policy.of_route(self.lane.route, row.kind, row.field)
        row.save()

    def _vanished(self, row: Drift) -> None:
        row.state = Drift.State.VANISHED
        row.settled_at = self.now
        row.audit_entry_id = self.record(row, "vanished")
        row.save()

    def _know(self, record: RemoteRecord, altered: tuple[Alteration, ...]) -> None:
        """What is known to be there is what was read: the next comparison begins from it."""
        theirs = {change.field: change.theirs for change in altered}
        body = self.adapter.with_theirs(records.body_of(record), theirs)
        records.know(self.lane, record, body)

    def _title(self, record: RemoteRecord) -> str:
        return str(self.adapter.said(records.body_of(record)).get("title") or "")

    def record(self, row: Drift, what: str) -> UUID:
        return log_entry(self.log, self.lane, row, what)


def log_entry(log: Log, lane: Lane, row: Drift, what: str) -> UUID:
    """The audit entry of a difference: which field, never its values."""
    return log.record(
        f"drift.{what}",
        organisation=lane.route.organisation_id,
        subject=lane.plan.athlete.pseudonym,
        plan=lane.plan_id,
        destination=lane.destination_id,
        outcome=str(row.kind),
        extra={"field": policy.name_of(row.kind, row.field), "drift": str(row.pk)},
    )
