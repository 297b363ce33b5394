"""One version reads the same everywhere: every field that two kinds share is compared (S2)."""

from datetime import date, datetime, time, timedelta

from icalendar import Calendar

from destinations.adapters.icalendar.adapter import ICalendarAdapter
from destinations.adapters.intervals_icu.adapter import IntervalsIcuAdapter
from destinations.adapters.webhook.adapter import WebhookAdapter
from destinations.http import DestinationClient
from destinations.port import FeedInfo, PublishedItem
from tests.contracts import plans

# Without the hour that clocks skip: a calendar has to move that one.
SESSIONS = [one for one in plans.ALL if one is not plans.RACE]


def rendered(adapter_class, **config):
    adapter = adapter_class(config, DestinationClient())
    return adapter, adapter.render(plans.plan(*SESSIONS), plans.options())


def from_webhook():
    _, [item] = rendered(WebhookAdapter)
    return {
        one["itemId"]: {
            "day": one["date"],
            "time": one["startTime"],
            "title": one["title"],
            "seconds": one["durationSeconds"],
            "metres": one["distanceMeters"],
            "words": (one["description"] or "").split("\n")[0],
        }
        for one in item.body["exerciseList"]
    }


def from_calendar():
    adapter, items = rendered(ICalendarAdapter)
    published = [
        PublishedItem(
            key=i.key, body=i.body, sequence=0, cancelled=False, written_at=plans.PUBLISHED
        )
        for i in items
    ]
    feed = adapter.compose(published, FeedInfo(name="x", domain="baton.example"))
    return {str(e["uid"]).split("@")[0]: event_facts(e) for e in Calendar.from_ical(feed).events}


def event_facts(event):
    start, end = event["dtstart"].dt, event["dtend"].dt
    timed = isinstance(start, datetime)
    return {
        "day": (start.date() if timed else start).isoformat(),
        "time": start.time().isoformat() if timed else None,
        "title": str(event["summary"]),
        "seconds": int((end - start).total_seconds()) if timed else None,
        "text": str(event["description"]),
    }


def from_intervals():
    _, items = rendered(IntervalsIcuAdapter, athlete_id="0")
    return {item.key: item.body["event"] for item in items}


def test_every_destination_has_every_session():
    assert from_webhook().keys() == from_calendar().keys() == from_intervals().keys()


def test_the_calendar_says_what_the_webhook_says():
    webhook, calendar = from_webhook(), from_calendar()
    for key, one in webhook.items():
        other = calendar[key]
        assert (other["day"], other["time"]) == (one["day"], one["time"])
        assert other["title"] == (one["title"] or "Rest day")
        assert one["words"] in other["text"]
        if one["time"]:
            assert other["seconds"] == one["seconds"]


def test_intervals_icu_says_what_the_webhook_says():
    webhook, intervals = from_webhook(), from_intervals()
    for key, one in webhook.items():
        other = intervals[key]
        moment = datetime.fromisoformat(other["start_date_local"])
        assert moment.date() == date.fromisoformat(one["day"])
        assert moment.time() == time.fromisoformat(one["time"] or "00:00:00")
        assert other["name"] == (one["title"] or "Rest day")
        assert other.get("moving_time") == one["seconds"]
        assert other.get("distance") == one["metres"]
        assert one["words"] in other["description"]


def test_all_together_last_as_long_as_the_plan_says():
    _, [item] = rendered(WebhookAdapter)
    total = timedelta(seconds=item.body["totalDuration"])
    seconds = [event.get("moving_time", 0) for event in from_intervals().values()]
    assert total == timedelta(seconds=sum(seconds)) == timedelta(hours=6, minutes=10)
