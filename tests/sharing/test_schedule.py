"""The retry schedule of each destination: what may be written, what it says, what is kept to."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from rest_framework.test import APIClient

from audit import stored
from destinations import schedule, services
from destinations.errors import ThrottledError, UnavailableError
from destinations.forms import DestinationForm
from destinations.http.retry_after import parse_retry_after
from sharing import deliveries, retry
from sharing.models import Attempt, Delivery

pytestmark = pytest.mark.django_db(transaction=True)


def try_once(studio):
    """One try, as if its time had come; returns the attempt."""
    studio.make_due()
    assert deliveries.deliver_due("worker")
    return Attempt.objects.order_by("-started_at").first()


def waited(attempt):
    return attempt.next_try_at - attempt.settled_at


@pytest.mark.parametrize(
    ("text", "waits"),
    [
        ("", None),
        (" , ", None),
        ("0", [0]),
        ("0, 5 s, 2m, 1 h, 24h", [0, 5, 120, 3_600, 86_400]),
        ("0,0,10", [0, 0, 10]),
        (schedule.as_text(None), None),
    ],
)
def test_a_schedule_is_written_as_people_write_it(text, waits):
    assert schedule.parse(text) == waits


@pytest.mark.parametrize("waits", [None, [0], [0, 5, 90, 5_400, 86_400]])
def test_what_is_shown_can_be_entered_again(waits):
    assert schedule.parse(schedule.as_text(waits)) == waits


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("soon", "“soon” is no wait"),
        ("0, -5", "“-5” is no wait"),
        ("0, 1e3", "is no wait"),
        ("0, ٣", "is no wait"),
        ("5 s, 1 m", "begin with 0"),
        ("0, 25 h", "24 hours"),
        ("0, 1 h, 5 m", "at least as long"),
        (", ".join(["0"] * 31), "between 1 and 30"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused_in_words(text, words):
    with pytest.raises(ValidationError, match=words):
        schedule.parse(text)


@pytest.mark.parametrize("waits", ["0, 5", [0, "5"], [0, 1.5], [0, True], {}, [], [0, -1]])
def test_only_a_list_of_seconds_is_stored(studio, waits):
    with pytest.raises(ValidationError):
        services.change(studio.destination, schedule=waits)
    studio.destination.refresh_from_db()
    assert studio.destination.schedule is None


@pytest.mark.parametrize(
    ("waits", "words"),
    [
        (None, "14 tries over about 75 h"),
        ([0], "1 try"),
        ([0, 5, 30], "3 tries over about 35 s"),
        ([0, 300, 600], "3 tries over about 15 m"),
    ],
)
def test_a_schedule_says_how_often_and_for_how_long(waits, words):
    assert schedule.in_words(waits) == words


def test_the_form_takes_it_and_marks_a_mistake_at_its_field(studio):
    def form(text):
        data = {"name": "Inbox", "schedule": text}
        return DestinationForm(data, organisation=studio.organisation)

    good = form("0, 10 s")
    assert good.is_valid()
    assert good.cleaned_data["schedule"] == [0, 10]
    assert "schedule" in form("10 s").errors


@pytest.fixture
def calendar(studio):
    made = {"kind": "icalendar", "name": "Calendar", "answers": {}}
    return services.create(studio.organisation, studio.ana, **made)


def through_the_api(calendar, **values):
    client = APIClient()
    client.force_authenticate(calendar.owner)
    wish = {"kind": calendar.kind, "name": calendar.name, **values}
    answer = client.put(f"/api/v1/destinations/{calendar.pk}/", wish, format="json")
    calendar.refresh_from_db()
    return answer


def test_the_api_takes_and_shows_schedule_and_mode(calendar):
    answer = through_the_api(calendar, schedule=[0, 10, 60], deliveryMode="every")
    assert (answer.status_code, answer.json()["schedule"]) == (200, [0, 10, 60])
    assert (calendar.schedule, calendar.delivery_mode) == ([0, 10, 60], "every")
    assert through_the_api(calendar, schedule=None).json()["schedule"] is None


@pytest.mark.parametrize(
    "wrong",
    [{"schedule": [5]}, {"schedule": [0, -1]}, {"schedule": []}, {"schedule": [0, 9, 3]},
     {"schedule": "0, 5 s"}, {"schedule": [0, 86_401]}, {"deliveryMode": "some"}],
)  # fmt: skip
def test_the_api_refuses_a_schedule_or_mode_that_makes_no_sense(calendar, wrong):
    answer = through_the_api(calendar, **wrong)
    assert answer.status_code == 400
    assert next(iter(wrong)) in str(answer.json())
    assert (calendar.schedule, calendar.delivery_mode) == (None, "latest")


def test_the_page_of_a_destination_shows_its_schedule(studio, client):
    services.change(studio.destination, schedule=[0, 60, 3_600])
    client.force_login(studio.ana)
    page = client.get(reverse("destination", args=[studio.destination.pk])).content.decode()
    assert "3 tries over about 61 m" in page
    assert "0, 1 m, 1 h" in page


def test_the_next_try_is_seen_on_the_page_of_the_delivery(studio, inbox, client):
    studio.publish()
    inbox.answers.append(UnavailableError("no"))
    try_once(studio)
    client.force_login(studio.ana)
    page = client.get(reverse("delivery", args=[studio.deliveries()[0].pk])).content.decode()
    assert "next try" in page


def test_a_destination_keeps_to_its_own_schedule_and_then_the_lane_is_dead(studio, inbox):
    services.change(studio.destination, schedule=[0, 100, 1_000])
    studio.publish()
    inbox.answers.extend([UnavailableError("no")] * 3)
    first, second = try_once(studio), try_once(studio)
    assert timedelta(seconds=50) <= waited(first) <= timedelta(seconds=150)
    assert timedelta(seconds=500) <= waited(second) <= timedelta(seconds=1_500)
    assert try_once(studio).next_try_at is None
    assert studio.states() == [Delivery.State.DEAD]
    assert studio.lane.state == "dead"
    studio.make_due()
    assert not deliveries.deliver_due("worker"), "no attempt after the cap"


def test_a_change_of_the_schedule_is_recorded(studio):
    services.change(studio.destination, schedule=[0, 5])
    said = list(stored.lines(action="destination.changed"))[-1]
    assert (said["extra"]["schedule.before"], said["extra"]["schedule.after"]) == (
        "usual",
        "0, 5 s",
    )


NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
DAY = timedelta(hours=24)


@pytest.mark.parametrize(
    ("header", "least"),
    [
        ("0", timedelta(0)),
        ("1", timedelta(seconds=1)),
        ("3600", timedelta(hours=1)),
        (format_datetime(NOW + timedelta(hours=2), usegmt=True), timedelta(hours=2)),
        (format_datetime(NOW - timedelta(hours=2), usegmt=True), None),
        ("-1", None),
        ("soon", None),
        ("1.5", None),
        ("", None),
        (None, None),
        (str(10**12), DAY),
        ("9" * 70, None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", DAY),
    ],
)
def test_f36_retry_after_is_obeyed_ignored_or_capped(header, least):
    asked = parse_retry_after(header, now=NOW)
    assert asked == least
    ours, longest = retry.SCHEDULE[1], retry.SCHEDULE[1] * 1.5
    for _ in range(20):
        wait = retry.delay(1, asked)
        assert wait >= max(ours * 0.5, least or timedelta(0))
        assert wait <= max(longest, (least or timedelta(0))) + (least or timedelta(0)) * 0.1


def test_f36_a_pause_that_is_asked_for_is_kept_by_the_whole_destination(studio, inbox):
    studio.publish()
    inbox.answers.append(ThrottledError("slow down", retry_after=timedelta(hours=1)))
    attempt = try_once(studio)
    assert timedelta(hours=1) <= waited(attempt) <= timedelta(hours=1, minutes=6)
    studio.make_due()
    assert not deliveries.deliver_due("worker"), "the limiter holds the destination as well"
