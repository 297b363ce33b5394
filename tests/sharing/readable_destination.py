"""The fake destination with a calendar that can be read back, altered by hand, and made to fail."""

from collections import deque
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from destinations import registry
from destinations.errors import MissingError
from destinations.port import (
    Action,
    Alteration,
    Capabilities,
    IdempotencyClass,
    Receipt,
    Remote,
    RemoteState,
)
from tests.sharing.fake_destination import FakeAdapter

NAMES = {
    "date": "date",
    "start_time": "startTime",
    "title": "title",
    "duration_seconds": "durationSeconds",
    "description": "description",
}


@dataclass
class Calendar:
    """What is there, by remote id; the calls that were made; the faults that come first."""

    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    written: list[tuple[str, str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    faults: deque[Any] = field(default_factory=deque)
    refuse_writes: deque[Any] = field(default_factory=deque)
    hidden: set[str] = field(default_factory=set)  # there, but left out of lists

    def change(self, item_key, **values):
        self.held[f"remote-{item_key}"].update(values)

    def delete(self, *item_keys):
        for key in item_keys:
            del self.held[f"remote-{key}"]

    def said(self, item_key):
        return self.held[f"remote-{item_key}"]


class ReadableAdapter(FakeAdapter):
    capabilities = Capabilities(
        idempotency=IdempotencyClass.UPSERT, read_back=True, compared=tuple(NAMES)
    )
    calendar = Calendar()

    def write(self, step, *, idempotency_key):
        if self.calendar.refuse_writes:
            raise self.calendar.refuse_writes.popleft()
        self.calendar.written.append((step.action.value, step.item_key))
        self.calendar.keys.append(idempotency_key)
        remote_id = f"remote-{step.item_key}"
        if step.action == Action.REMOVE:
            self.calendar.held.pop(remote_id, None)
        elif step.action == Action.UPDATE and remote_id not in self.calendar.held:
            raise MissingError
        else:
            self.calendar.held[remote_id] = dict(step.item.body)
        return Receipt(remote_id=remote_id)

    def read_back(self, remotes):
        self._call("list")
        return [self._state(remote, listed=True) for remote in remotes]

    def look_up(self, remote):
        self._call(remote.item_key)
        return self._state(remote, listed=False)

    def ours(self, recipient, first, last):
        self._call("ours")
        days = {key: date.fromisoformat(body["date"]) for key, body in self.calendar.held.items()}
        return [
            Remote(item_key=body["itemId"], remote_id=key, date=days[key], body=body)
            for key, body in self.calendar.held.items()
            if key.startswith("remote-") and first <= days[key] <= last
        ]

    def _call(self, what):
        self.calendar.reads.append(what)
        if self.calendar.faults:
            fault = self.calendar.faults.popleft()
            if isinstance(fault, BaseException):
                raise fault
            fault()

    def _state(self, remote, *, listed):
        found = self.calendar.held.get(remote.remote_id)
        if listed and (found is None or remote.item_key in self.calendar.hidden):
            return RemoteState(item_key=remote.item_key, present=None)
        if found is None:
            return RemoteState(item_key=remote.item_key, present=False)
        ours, theirs = self.said(remote.body), self.said(found)
        altered = tuple(
            Alteration(name, ours[name], theirs[name])
            for name in NAMES
            if not self.same(name, ours[name], theirs[name])
        )
        return RemoteState(item_key=remote.item_key, present=True, altered=altered)

    def said(self, body):
        return {name: body.get(member) for name, member in NAMES.items()}

    def same(self, field, ours, theirs):
        return ours == theirs

    def with_theirs(self, body, values):
        return {**body, **{NAMES[name]: value for name, value in values.items()}}


def install(monkeypatch):
    """Register the readable kind as "fake" for one test, with an empty calendar."""
    calendar = Calendar()
    monkeypatch.setitem(registry.ADAPTERS, "fake", ReadableAdapter)
    monkeypatch.setattr(ReadableAdapter, "calendar", calendar)
    return calendar
