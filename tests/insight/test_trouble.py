"""What is wrong with the source is said in the same words wherever it shows."""

from html import unescape

import pytest
from django.urls import reverse

from accounts.models import Connection
from insight import alerts
from insight.alerts import Finding
from sharing import trouble
from sharing.deliveries import deliver_due
from sharing.models import Source
from sharing.source.errors import CATALOGUE, AthleteDetachedError
from tests.insight.conftest import standing

pytestmark = pytest.mark.django_db


def page(client, user, name, *args):
    client.force_login(user)
    return unescape(client.get(reverse(name, args=args)).content.decode())


@pytest.mark.parametrize(
    ("state", "code"),
    [("needs_reauth", "needs_reconnect"), ("scope_missing", "source_scope_missing")],
)
def test_every_page_says_the_same_about_a_connection(client, studio, state, code):
    Connection.objects.update(state=state)
    assert standing() == {state}
    row, ben = CATALOGUE[code], studio.ben.pk
    for name, *args in [("home",), ("connections",), ("athlete", ben)]:
        shown = page(client, studio.ana, name, *args)
        assert row.coach_words in shown, name
        assert row.action in shown, name
    assert row.coach_words in page(client, studio.ana, "health")
    assert row.coach_words in page(client, studio.ana, "alerts")


def test_a_connection_that_was_ended_is_no_trouble(client, studio):
    Connection.objects.update(state="disconnected")
    assert "Nothing is lost meanwhile." in page(client, studio.ana, "home")
    assert "For whoever runs Baton" not in page(client, studio.ana, "connections")


@pytest.mark.parametrize(
    "code", ["source_unavailable", "emptied", "fault_of_our_own", "bad_answer", "needs_time_zone"]
)
def test_the_athletes_page_says_what_the_last_reading_met_and_what_to_do(client, studio, code):
    failures = 0 if code == "needs_time_zone" else 1
    Source.objects.update(last_error=code, failures=failures)
    shown = page(client, studio.ana, "athlete", studio.ben.pk)
    row = CATALOGUE[code]
    assert f"{row.coach_words} <strong>{row.action}</strong>" in shown
    assert f"<code>{code}</code>" in shown


def test_what_one_look_for_changes_met_is_over_with_the_next(client, studio):
    Source.objects.update(last_error="source_unavailable", failures=0)
    row = CATALOGUE["source_unavailable"]
    assert row.coach_words not in page(client, studio.ana, "athlete", studio.ben.pk)


def test_a_calendar_that_is_not_shown_is_told_on_its_page_and_in_the_log(client, studio, olga):
    trouble.follows(studio.source.pk, AthleteDetachedError())
    row = CATALOGUE["athlete_not_shown"]
    assert row.coach_words in page(client, studio.ana, "athlete", studio.ben.pk)
    assert row.coach_words in page(client, olga, "audit")


def test_the_log_tells_an_alert_by_its_title_and_never_by_an_error_of_the_same_name(
    client, studio, olga
):
    alerts.raise_(
        Finding(
            "scope_missing",
            f"connection:{studio.connection.pk}",
            organisation=studio.organisation.pk,
            connection=studio.connection.pk,
        )
    )
    shown = page(client, olga, "audit")
    assert "A TrainingPeaks permission is missing" in shown
    assert "not allowed to write plans there" not in shown


def test_the_log_tells_what_is_no_error_in_plain_words(client, studio, olga):
    studio.publish()
    deliver_due("test")
    assert "Success" in page(client, olga, "audit")
