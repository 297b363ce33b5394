"""Any URL that accepts our signed JSON: Zapier, Make, n8n, or a coach's own server."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from destinations.adapters.webhook import hosts, mapping
from destinations.adapters.webhook.forms import WebhookConfigForm
from destinations.adapters.webhook.signing import signed_headers
from destinations.contract import load_schema
from destinations.errors import PermanentError, ThrottledError, UnavailableError
from destinations.http import Response, raise_for_outcome
from destinations.port import (
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

HERE = Path(__file__).parent
FINAL = {410}  # every other refusal may be a receiver in the middle of a deploy


class WebhookAdapter(DestinationAdapter):
    kind = "webhook"
    label = "Webhook (Zapier, Make, n8n, custom)"
    config_form = WebhookConfigForm
    capabilities = Capabilities(
        idempotency=IdempotencyClass.KEYED,  # as Standard Webhooks asks of receivers
        receivers=frozenset({IdempotencyClass.UPSERT, IdempotencyClass.NONE}),
        whole_plan=True,
        time_of_day=True,
        duration=True,
        distance=True,
        intervals=True,
        exercises=True,
        completed_sessions=True,
        key_lifetime=timedelta(days=4),  # longer than the whole retry schedule
    )
    schema = load_schema(HERE / "schema.json")

    def render(self, plan: Plan, options: RenderOptions) -> list[Item]:
        return [mapping.plan_item(plan, options)]

    def write(self, step: Step, *, idempotency_key: str) -> Receipt:
        about = {
            "Baton-Plan-Id": step.plan_id,
            "Baton-Version": str(step.version),
            "Baton-Revision": str(step.revision),
            "Baton-Published-At": mapping.utc(step.occurred_at),
        }
        answer = self._post(mapping.message(step), idempotency_key, about)
        return Receipt(remote_id=step.item_key, excerpt=answer.excerpt, http_status=answer.status)

    def check_connection(self) -> str:
        """Send a signed sample that is marked as a test."""
        now = datetime.now(UTC)
        answer = self._post(mapping.test_message(now), f"test_{now.timestamp():.0f}", {})
        return f"{self.endpoint()} answered {answer.status} in {answer.elapsed:.1f} s."

    def promise(self) -> IdempotencyClass:
        if hosts.acts_each_time(self.config["url"]):
            return IdempotencyClass.NONE
        return super().promise()

    def endpoint(self) -> str:
        return f"webhook at {urlsplit(self.config['url']).hostname}"

    def _post(self, message: Body, message_id: str, about: dict[str, str]) -> Response:
        body = json_bytes(self.checked(message))
        headers = {
            "Content-Type": "application/json",
            **self._extra_header(),
            **signed_headers(body, message_id, self.config, datetime.now(UTC)),
            **about,
        }
        return accepted(self.http.send("POST", self.config["url"], body=body, headers=headers))

    def _extra_header(self) -> dict[str, str]:
        name, value = self.config.get("header_name"), self.config.get("header_value")
        return {name: value} if name and value else {}


def accepted(response: Response) -> Response:
    """Any 2xx. A refusal is tried again by the schedule; only 410 ends the destination."""
    try:
        return raise_for_outcome(response)
    except PermanentError as refusal:
        if response.status in FINAL:
            raise
        full = response.status == 400 and "queue is full" in response.excerpt.lower()
        later = ThrottledError if full else UnavailableError
        raise later(
            code="throttled" if full else refusal.code,
            http_status=response.status,
            retry_after=response.retry_after,
            excerpt=response.excerpt,
        ) from None
