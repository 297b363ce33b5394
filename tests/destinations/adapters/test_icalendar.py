"""The calendar feed, parsed back by a calendar library (RFC 5545)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from destinations.adapters.icalendar import zones
from destinations.adapters.icalendar.adapter import ICalendarAdapter
from destinations.http import DestinationClient
from destinations.port import Action, FeedInfo, PublishedItem
from tests.contracts import plans

FEED = FeedInfo(name="Ben's plan, spring", domain="baton.example", time_zone="Europe/Paris")


def adapter(**config):
    return ICalendarAdapter(config, DestinationClient())


def published(raw, *, zone="Europe/Paris", sequence=0, cancelled=False):
    recipient = plans.Recipient(pseudonym="p", time_zone=zone)
    [item] = adapter().render(plans.plan(raw), plans.options(recipient=recipient))
    return PublishedItem(
        key=item.key,
        body=item.body,
        sequence=sequence,
        cancelled=cancelled,
        written_at=plans.PUBLISHED,
    )


def feed(*items, info=FEED, **config):
    return adapter(**config).compose(items, info)


def event(raw, **more):
    [only] = Calendar.from_ical(feed(published(raw, **more))).events
    return only


def test_the_calendar_says_what_it_is_and_how_often_to_ask():
    raw = feed(published(plans.SWIM)).decode()
    assert raw.startswith("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n")
    for line in (
        "PRODID:-//Baton//Training plans//EN",
        "METHOD:PUBLISH",
        "X-WR-CALNAME:Ben's plan\\, spring",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
    ):
        assert f"{line}\r\n" in raw


def test_every_line_fits_75_octets_and_ends_with_both_characters():
    long = {**plans.REST, "title": "🛌é" * 60, "description": "Ü✓;,\\\n" * 80}
    raw = feed(published(long))
    assert raw.count(b"\n") == raw.count(b"\r\n")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 75
    [parsed] = Calendar.from_ical(raw).events
    assert str(parsed["summary"]) == "🛌é" * 60
    assert "Ü✓;,\\\nÜ✓;,\\\n" in str(parsed["description"])


def test_a_session_without_a_time_fills_its_day_and_ends_before_the_next():
    parsed = event(plans.SWIM)
    assert (parsed["dtstart"].dt, parsed["dtend"].dt) == (date(2026, 3, 4), date(2026, 3, 5))
    assert "45m" in str(parsed["description"])


def test_a_session_with_a_time_stands_in_the_athletes_zone():
    parsed = event(plans.THRESHOLD_RUN)
    start = parsed["dtstart"]
    assert start.params["TZID"] == "Europe/Paris"
    assert start.dt.astimezone(UTC) == datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
    assert parsed["dtend"].dt - start.dt == timedelta(seconds=3900)


def test_a_session_past_midnight_ends_on_the_next_day():
    parsed = event(plans.BRICK)
    assert parsed["dtend"].dt.date() == date(2026, 3, 9)


def test_an_hour_that_clocks_skip_is_moved_and_keeps_its_length():
    parsed = event(plans.RACE)
    assert parsed["dtstart"].dt.astimezone(UTC) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    elapsed = parsed["dtend"].dt.astimezone(UTC) - parsed["dtstart"].dt.astimezone(UTC)
    assert elapsed == timedelta(hours=2)


@pytest.mark.parametrize("zone", ["", "Nowhere/Atlantis", "../etc/passwd"])
def test_without_a_zone_the_time_floats(zone):
    raw = feed(published(plans.THRESHOLD_RUN, zone=zone))
    assert b"DTSTART:20260302T070000\r\n" in raw
    assert b"VTIMEZONE" not in raw


def test_a_session_keeps_its_uid_and_counts_its_changes():
    first = event(plans.SWIM)
    later = event({**plans.SWIM, "date": "2026-03-20", "title": "Moved"}, sequence=4)
    assert first["uid"] == later["uid"] == "tp-1003@baton.example"
    assert (first["sequence"], later["sequence"]) == (0, 4)
    assert later["dtstamp"].dt == later["last-modified"].dt == plans.PUBLISHED


def test_a_session_that_was_taken_away_stays_as_cancelled():
    parsed = event(plans.SWIM, cancelled=True, sequence=2)
    assert (str(parsed["status"]), parsed["sequence"]) == ("CANCELLED", 2)
    assert str(event(plans.SWIM)["status"]) == "CONFIRMED"


def test_a_record_that_was_never_written_is_not_shown():
    nothing = PublishedItem(
        key="tp-1", body={}, sequence=0, cancelled=True, written_at=plans.PUBLISHED
    )
    assert Calendar.from_ical(feed(nothing)).events == []


def test_an_empty_feed_is_a_calendar():
    assert Calendar.from_ical(feed()).events == []


def test_the_same_records_give_the_same_bytes():
    items = [published(raw) for raw in plans.ALL]
    assert feed(*items) == feed(*reversed(items))


def test_the_coachs_name_for_the_calendar_wins():
    assert b"X-WR-CALNAME:Our training" in feed(published(plans.SWIM), calendar_name="Our training")


def test_writing_calls_nobody_and_gives_a_receipt():
    def forbidden(*_):
        pytest.fail("something was sent")

    quiet = ICalendarAdapter({}, DestinationClient(resolve=forbidden))
    [item] = quiet.render(plans.plan(plans.SWIM), plans.options())
    assert quiet.write(plans.step_for(item), idempotency_key="k").remote_id == "tp-1003"
    gone = plans.step_for(None, Action.REMOVE, plans.remote_of(item, "tp-1003"))
    assert quiet.write(gone, idempotency_key="k").remote_id == "tp-1003"


@pytest.mark.parametrize(
    "name",
    [
        "Europe/Paris",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "America/Sao_Paulo",
    ],
)
def test_the_zone_rules_agree_with_the_zone_at_every_hour(name):
    zone = ZoneInfo(name)
    observances = zones.rules(zone, 2026, 2026).subcomponents
    starts = sorted(
        (part["dtstart"].dt - part["tzoffsetfrom"].td, part["tzoffsetto"].td)
        for part in observances
    )
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    while moment.year == 2026:
        expected = moment.astimezone(zone).utcoffset()
        found = [offset for start, offset in starts if start <= moment.replace(tzinfo=None)]
        assert found[-1] == expected, moment
        moment += timedelta(hours=1)


text = st.text(st.characters(codec="utf-8"), max_size=200)


@given(title=text, words=text)
@settings(max_examples=150, deadline=None)
def test_no_text_can_break_out_of_its_line(title, words):
    raw = {**plans.REST, "title": title, "description": words}
    parsed = Calendar.from_ical(feed(published(raw)))
    [only] = parsed.events
    session = plans.session(**raw)
    assert str(only["summary"]) == session.label
    assert (session.description or "") in str(only["description"])
    assert set(only.keys()) <= {
        "SUMMARY", "DTSTART", "DTEND", "DTSTAMP", "UID", "SEQUENCE", "DESCRIPTION",
        "LAST-MODIFIED", "STATUS", "TRANSP", "URL",
    }  # fmt: skip
