"""A destination in memory: it keeps what it was sent, and answers as the test tells it to."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from destinations import registry
from destinations.configuration import ConfigForm
from destinations.port import (
    Action,
    Capabilities,
    DestinationAdapter,
    IdempotencyClass,
    Item,
    Receipt,
)


@dataclass
class Journal:
    """What arrived, in order, and what is held. `answers` come before the default answer."""

    arrived: list[Any] = field(default_factory=list)
    held: dict[str, Any] = field(default_factory=dict)
    answers: deque[Any] = field(default_factory=deque)

    def keys(self):
        return [step.idempotency_key for step in self.arrived]

    def actions(self):
        return [(step.action.value, step.item_key) for step in self.arrived]


class FakeForm(ConfigForm):
    """Nothing to configure."""


class FakeAdapter(DestinationAdapter):
    kind = "fake"
    label = "Fake"
    config_form = FakeForm
    capabilities = Capabilities(idempotency=IdempotencyClass.KEYED, duration=True)
    schema = {}
    journal = Journal()

    def render(self, plan, options):
        return [
            Item(
                key=session.item_id,
                date=session.date,
                body=session.model_dump(mode="json", by_alias=True),
            )
            for session in plan.exercise_list
        ]

    def write(self, step, *, idempotency_key):
        self.journal.arrived.append(step)
        if self.journal.answers:
            answer = self.journal.answers.popleft()
            if isinstance(answer, BaseException):
                raise answer
            if callable(answer):
                answer(step)
        self.journal.held[step.item_key] = None if step.action == Action.REMOVE else step.item.body
        return Receipt(remote_id=f"remote-{step.item_key}")


def install(monkeypatch):
    """Register the fake kind for one test, with an empty journal."""
    journal = Journal()
    monkeypatch.setitem(registry.ADAPTERS, "fake", FakeAdapter)
    monkeypatch.setattr(FakeAdapter, "journal", journal)
    return journal
