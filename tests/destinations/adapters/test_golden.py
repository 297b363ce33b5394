"""The same version always gives the same bytes: compared with files that were read (S15)."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from destinations.adapters.icalendar.adapter import ICalendarAdapter
from destinations.adapters.intervals_icu.adapter import IntervalsIcuAdapter
from destinations.adapters.webhook.adapter import WebhookAdapter
from destinations.adapters.webhook.mapping import message
from destinations.http import DestinationClient
from destinations.port import FeedInfo, PublishedItem
from tests.contracts import plans

ADAPTERS = Path(__file__).parents[3] / "destinations" / "adapters"
WRITTEN = datetime(2026, 3, 1, 18, 31, tzinfo=UTC)
FEED = FeedInfo(name="Spring, build & race", domain="baton.example", time_zone="Europe/Paris")


def golden(kind, name="plan_published__all_sports.json"):
    return (ADAPTERS / kind / "fixtures" / name).read_bytes()


def as_file(value):
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def rendered(adapter_class, **config):
    return adapter_class(config, DestinationClient()).render(plans.plan(), plans.options())


def test_the_webhook_message_is_the_one_on_file():
    [item] = rendered(WebhookAdapter)
    assert as_file(message(plans.step_for(item))) == golden("webhook")


def test_the_intervals_icu_events_are_the_ones_on_file():
    items = rendered(IntervalsIcuAdapter, athlete_id="i42")
    assert as_file([item.body["event"] for item in items]) == golden("intervals_icu")


def test_the_calendar_items_are_the_ones_on_file():
    assert as_file([item.body for item in rendered(ICalendarAdapter)]) == golden("icalendar")


@pytest.mark.parametrize("order", [1, -1])
def test_the_feed_is_the_one_on_file_in_whatever_order_the_records_come(order):
    items = rendered(ICalendarAdapter)[::order]
    published = [
        PublishedItem(key=i.key, body=i.body, sequence=0, cancelled=False, written_at=WRITTEN)
        for i in items
    ]
    feed = ICalendarAdapter({}, DestinationClient()).compose(published, FEED)
    assert feed == golden("icalendar", "feed__all_sports.ics")
