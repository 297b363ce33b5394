"""Published calendars: whose address is taken, that it stays sealed, and who may connect one."""

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from accounts import calendars, oauth
from accounts.models import Connection
from audit.models import Entry
from tests.accounts.conftest import PASSWORD

SECRET = "canary-calendar-key"
PUBLISHED = f"webcal://www.trainingpeaks.com/ical/{SECRET}.ics"
READ_AT = f"https://www.trainingpeaks.com/ical/{SECRET}.ics"
NEW = reverse("calendar_new")


@pytest.fixture
def ana(client, studio):
    client.login(email="ana@example.com", password=PASSWORD)
    return client


def given(client, address=PUBLISHED, name="Ben"):
    return client.post(NEW, {"name": name, "published_at": address})


def calendar():
    return Connection.objects.get(kind=Connection.Kind.CALENDAR_FEED)


@pytest.mark.parametrize(
    "address",
    [
        "webcal://169.254.169.254/latest/meta-data",
        "http://localhost/ical/x.ics",
        "https://trainingpeaks.com.evil.example/ical/x.ics",
        "https://www.trainingpeaks.com@evil.example/ical/x.ics",
        "https://eviltrainingpeaks.com/x.ics",
        "https://[::1]/x.ics",
        "https://[broken/x.ics",
        "file:///etc/passwd",
        "x",
    ],
)
def test_an_address_of_anybody_else_is_refused_in_words(ana, address):
    answer = given(ana, address)
    assert answer.context["form"].errors["published_at"] == [calendars.REFUSED]
    assert not Connection.objects.exists()


def test_the_sandbox_is_an_address_only_where_the_setting_says_so(settings):
    settings.TRAININGPEAKS_API_URL = "http://127.0.0.1:8765"
    address = "webcal://127.0.0.1:8765/ical/x.ics"
    settings.TRAININGPEAKS_INSECURE_TRANSPORT = True
    assert calendars.address(address) == "http://127.0.0.1:8765/ical/x.ics"
    settings.TRAININGPEAKS_INSECURE_TRANSPORT = False
    with pytest.raises(ValidationError):
        calendars.address(address)


def test_ana_connects_bens_calendar(ana, studio):
    assert given(ana)["Location"] == reverse("connections")
    made = calendar()
    assert (made.organisation, made.user, made.name) == (studio.organisation, studio.ana, "Ben")
    assert (made.feed_url, made.state) == (READ_AT, Connection.State.HEALTHY)


def test_the_address_is_shown_nowhere_and_written_nowhere_in_the_open(ana):
    given(ana)
    assert SECRET not in ana.get(reverse("connections")).content.decode()
    stored = Connection.objects.values_list("feed_url", flat=True).get()
    assert SECRET not in str(stored)
    entry = Entry.objects.get(action="connection.made")
    assert SECRET.encode() not in bytes(entry.body)


def test_one_calendar_is_connected_once_however_it_is_written(ana):
    given(ana)
    answer = given(ana, READ_AT, name="Ben again")
    assert answer.context["form"].errors["published_at"] == [calendars.TWICE]
    assert Connection.objects.count() == 1


def test_two_studios_may_read_the_same_calendar(ana, studio):
    given(ana)
    calendars.connect(studio.dan, studio.elsewhere, name="Ben", published_at=PUBLISHED)
    assert Connection.objects.count() == 2


def test_a_new_address_takes_the_place_of_the_old_one(ana):
    given(ana)
    address = "webcal://www.trainingpeaks.com/ical/another.ics"
    ana.post(reverse("calendar_renew", args=[calendar().pk]), {"published_at": address})
    assert calendar().feed_url == "https://www.trainingpeaks.com/ical/another.ics"
    assert Entry.objects.filter(action="connection.renewed").count() == 1


def test_a_calendar_that_was_disconnected_forgets_its_address_and_can_come_back(ana):
    given(ana)
    oauth.disconnect(calendar())
    assert calendar().feed_url is None
    ana.post(reverse("calendar_renew", args=[calendar().pk]), {"published_at": PUBLISHED})
    assert (calendar().feed_url, calendar().state) == (READ_AT, Connection.State.HEALTHY)


def test_an_api_connection_has_no_calendar_address(ana, connection):
    assert ana.get(reverse("calendar_renew", args=[connection.pk])).status_code == 404


def test_cara_and_dan_cannot_connect_or_change_a_calendar_of_anas_studio(client, studio):
    made = calendars.connect(studio.ana, studio.organisation, name="Ben", published_at=PUBLISHED)
    change = reverse("calendar_renew", args=[made.pk])
    address = {"published_at": "webcal://www.trainingpeaks.com/ical/other.ics", "name": "X"}
    for email, status in (("cara@example.com", 403), ("dan@example.com", 404)):
        client.login(email=email, password=PASSWORD)
        assert client.post(change, address).status_code == status
    client.login(email="cara@example.com", password=PASSWORD)
    assert client.post(NEW, address).status_code == 403
    assert calendar().feed_url == READ_AT
