"""A published calendar is read without API access: days and words, on the athlete's wall clock."""

from contextlib import suppress
from datetime import date, time
from zoneinfo import ZoneInfo

import pytest
import responses

from accounts.models import Connection
from plans.model import Sport
from sharing import latency, polling, reading
from sharing.models import Quarantine
from sharing.source import calendar_feed
from sharing.source.errors import (
    BadAnswerError,
    NotThereError,
    SourceRejectedError,
    SourceUnavailableError,
)

PARIS = ZoneInfo("Europe/Paris")
FEED = "webcal://www.trainingpeaks.com/ical/ABC123.ics"
HTTPS = "https://www.trainingpeaks.com/ical/ABC123.ics"


def calendar(*events):
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN"]
    for event in events:
        lines += ["BEGIN:VEVENT", "DTSTAMP:20260301T000000Z", *event, "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


ALL_DAY = ("UID:w-1", "DTSTART;VALUE=DATE:20260302", "SUMMARY:Run: Easy hour", "DESCRIPTION:Slow")
AT_SEVEN = (
    "UID:w-2",
    "DTSTART:20260303T060000Z",
    "DTEND:20260303T073000Z",
    "SUMMARY:Bike: Hills",
)


def test_days_words_and_sports_are_read():
    first, second = calendar_feed.parse(calendar(AT_SEVEN, ALL_DAY), PARIS)
    assert (first.date, first.start_time, first.sport) == (date(2026, 3, 2), None, Sport.RUN)
    assert (first.title, first.description) == ("Run: Easy hour", "Slow")
    assert (second.sport, second.duration_seconds) == (Sport.BIKE, 5400)


def test_a_moment_in_utc_is_read_on_the_athletes_wall():
    (session,) = calendar_feed.parse(calendar(AT_SEVEN), PARIS)
    assert session.start_time == time(7, 0)


def test_a_moment_late_in_the_evening_falls_on_the_athletes_day():
    late = ("UID:w-3", "DTSTART:20260303T233000Z", "SUMMARY:Swim: Late")
    (session,) = calendar_feed.parse(calendar(late), PARIS)
    assert session.date == date(2026, 3, 4)


def test_the_same_event_keeps_its_name_whatever_its_uid_looks_like():
    odd = ("UID:été/ü 1@trainingpeaks", "DTSTART;VALUE=DATE:20260302", "SUMMARY:Ride")
    long = (f"UID:{'x' * 300}", "DTSTART;VALUE=DATE:20260302", "SUMMARY:Ride")
    once = [s.item_id for s in calendar_feed.parse(calendar(odd, long), PARIS)]
    again = [s.item_id for s in calendar_feed.parse(calendar(long, odd), PARIS)]
    assert once == again
    assert all(name.startswith("tpc-") and len(name) <= 64 for name in once)


def test_a_cancelled_event_is_no_session():
    assert calendar_feed.parse(calendar((*ALL_DAY, "STATUS:CANCELLED")), PARIS) == ()


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT"])
def test_what_is_no_calendar_is_kept_for_a_person(body):
    with pytest.raises(BadAnswerError):
        calendar_feed.parse(body, PARIS)


@responses.activate
def test_a_webcal_address_is_read_over_https_without_a_token():
    responses.get(HTTPS, body=calendar(ALL_DAY))
    assert len(calendar_feed.read(FEED, PARIS)) == 1
    assert "Authorization" not in responses.calls[0].request.headers


@responses.activate
@pytest.mark.parametrize("status", [200, 503])
def test_reading_a_calendar_is_timed_whatever_comes_of_it(monkeypatch, status):
    monkeypatch.setattr(latency, "_counted", {})
    responses.get(HTTPS, body=calendar(ALL_DAY), status=status)
    with suppress(SourceUnavailableError):
        calendar_feed.read(FEED, PARIS)
    assert latency._counted.keys() == {latency.Endpoint("calendar-feed")}


@responses.activate
def test_a_withdrawn_calendar_is_not_an_empty_one():
    responses.get(HTTPS, status=404, body="<html>")
    with pytest.raises(NotThereError):
        calendar_feed.read(FEED, PARIS)


@pytest.mark.parametrize(
    "url",
    [
        "webcal://169.254.169.254/latest/meta-data",
        "http://localhost/ical/x.ics",
        "https://trainingpeaks.com.evil.example/ical/x.ics",
        "https://www.trainingpeaks.com@evil.example/ical/x.ics",
        "https://eviltrainingpeaks.com/x.ics",
        "file:///etc/passwd",
        "",
    ],
)
def test_only_trainingpeaks_itself_is_asked(url):
    with pytest.raises(SourceRejectedError):
        calendar_feed.address(url)


def test_an_address_keeps_its_secret_path_and_loses_user_and_port():
    url = calendar_feed.address("webcal://me:pw@www.trainingpeaks.com:8080/ical/T.ics?a=1")
    assert url == "https://www.trainingpeaks.com/ical/T.ics?a=1"


@pytest.fixture
def published(ana, api):
    """Ben publishes his calendar; nobody has access to the API."""
    Connection.objects.update(kind=Connection.Kind.CALENDAR_FEED)
    connection = Connection.objects.get()
    connection.feed_url = FEED
    connection.save()
    day = f"{ana.day(2):%Y%m%d}"
    event = ("UID:w-1", f"DTSTART;VALUE=DATE:{day}", "SUMMARY:Run: Easy hour")
    api.mock.get(HTTPS, body=calendar(event))
    return ana


def test_a_published_calendar_becomes_a_version_and_stays_one_while_it_is_the_same(published, api):
    for _ in range(2):
        polling.poll(published.source)
        published.read()
    (version,) = published.versions()
    (session,) = version.canonical().exercise_list
    assert (session.item_id, session.date) == ("tpc-w-1", published.day(2))
    assert api.asked == {}


def test_a_published_calendar_that_is_no_calendar_is_quarantined(published, api):
    api.mock.replace("GET", HTTPS, body=b"<html>Sorry</html>")
    polling.poll(published.source)
    published.make_due()
    assert reading.read_due("test")
    assert Quarantine.objects.get().contract == "calendar-feed"
    assert published.versions() == []
