"""A destination of each class: what it promises is kept by the simulator, not by us.

Each holds a plan as one record under our id and speaks to `tests.faults.harness.destinations`.
"""

from typing import Any, ClassVar
from urllib.parse import urlsplit

from django import forms

from destinations.configuration import AddressField, ConfigForm
from destinations.errors import StaleError
from destinations.http import Response, raise_for_outcome
from destinations.port import (
    Action,
    Body,
    Capabilities,
    DestinationAdapter,
    IdempotencyClass,
    Item,
    Receipt,
    RenderOptions,
    Step,
    json_bytes,
)
from plans.model import Plan

CONFLICT = 409


class FaultForm(ConfigForm):
    url = AddressField()
    token = forms.CharField()
    secrets = frozenset({"token"})


class RecordAdapter(DestinationAdapter):
    """One record for each plan: titles by session, and which version and revision it shows."""

    config_form = FaultForm
    schema: ClassVar[dict[str, Any]] = {"type": "object"}

    def render(self, plan: Plan, options: RenderOptions) -> list[Item]:
        titles = {session.item_id: session.title for session in plan.exercise_list}
        return [Item(key=f"plan-{plan.plan_id}", date=None, body={"titles": titles})]

    def write(self, step: Step, *, idempotency_key: str) -> Receipt:
        message: Body = {
            "plan": step.plan_id,
            "version": step.version,
            "revision": step.revision,
            "titles": step.item.body["titles"] if step.item else {},
        }
        answer = self.accepted(self._send(step, message, idempotency_key))
        remote_id = str(answer.json().get("id") or step.item_key)
        return Receipt(remote_id=remote_id, excerpt=answer.excerpt, http_status=answer.status)

    def accepted(self, answer: Response) -> Response:
        return raise_for_outcome(answer)

    def endpoint(self) -> str:
        return f"{self.kind} at {urlsplit(self.config['url']).hostname}"

    def _send(self, step: Step, message: Body, key: str) -> Response:
        method = "DELETE" if step.action == Action.REMOVE else "PUT"
        headers = {
            "Authorization": f"Bearer {self.config['token']}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }
        url = f"{self.config['url']}/{self._name(step)}"
        return self.http.send(method, url, body=json_bytes(message), headers=headers)

    def _name(self, step: Step) -> str:
        return step.item_key


class VersionedAdapter(RecordAdapter):
    kind = "fault_versioned"
    label = "Versioned"
    capabilities = Capabilities(idempotency=IdempotencyClass.VERSIONED, whole_plan=True)

    def accepted(self, answer: Response) -> Response:
        if answer.status == CONFLICT:
            raise StaleError(http_status=answer.status)
        return raise_for_outcome(answer)


class KeyedAdapter(RecordAdapter):
    kind = "fault_keyed"
    label = "Keyed"
    capabilities = Capabilities(idempotency=IdempotencyClass.KEYED, whole_plan=True)


class UpsertAdapter(RecordAdapter):
    kind = "fault_upsert"
    label = "Upsert"
    capabilities = Capabilities(idempotency=IdempotencyClass.UPSERT, whole_plan=True)


class NoneAdapter(RecordAdapter):
    """Every write without an id makes another record; nothing can be read back."""

    kind = "fault_none"
    label = "None"
    capabilities = Capabilities(idempotency=IdempotencyClass.NONE, whole_plan=True)

    def _name(self, step: Step) -> str:
        return step.remote.remote_id if step.remote else "new"


ALL = (VersionedAdapter, KeyedAdapter, UpsertAdapter, NoneAdapter)
