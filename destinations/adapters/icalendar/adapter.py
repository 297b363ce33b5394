"""A calendar feed for each athlete: every calendar program can subscribe to it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from destinations.adapters.icalendar import mapping
from destinations.adapters.icalendar.forms import ICalendarConfigForm
from destinations.adapters.shared import allowed_sessions
from destinations.contract import load_schema
from destinations.port import (
    Capabilities,
    DestinationAdapter,
    FeedInfo,
    IdempotencyClass,
    Item,
    PublishedItem,
    Receipt,
    RenderOptions,
    Step,
)
from plans.model import Plan

HERE = Path(__file__).parent


class ICalendarAdapter(DestinationAdapter):
    kind = "icalendar"
    label = "Calendar feed (Apple, Google, Outlook)"
    config_form = ICalendarConfigForm
    capabilities = Capabilities(
        idempotency=IdempotencyClass.UPSERT,
        published=True,
        time_of_day=True,
        duration=True,
        external_id=True,
        completed_sessions=True,
    )
    schema = load_schema(HERE / "schema.json")
    content_type: ClassVar[str] = "text/calendar; charset=utf-8"

    def render(self, plan: Plan, options: RenderOptions) -> list[Item]:
        sessions = allowed_sessions(plan, options)
        return [mapping.session_item(session, options) for session in sessions]

    def write(self, step: Step, *, idempotency_key: str) -> Receipt:
        """Nothing is called: the item is published with the next reading of the feed."""
        if step.item:
            self.checked(step.item.body)
        return Receipt(remote_id=step.item_key)

    def compose(self, items: Sequence[PublishedItem], feed: FeedInfo) -> bytes:
        name = self.config.get("calendar_name") or feed.name
        return mapping.calendar(items, replace(feed, name=name))

    def endpoint(self) -> str:
        return "calendar feed"
