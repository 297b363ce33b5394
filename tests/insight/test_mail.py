"""Mail about alerts: to the right people, once, not too often, and never lost."""

from datetime import timedelta
from smtplib import (
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPRecipientsRefused,
    SMTPServerDisconnected,
)

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from accounts.models import Membership
from destinations.models import Destination
from insight import alerts
from insight.alerts import Finding
from insight.mailing import mail_due
from insight.models import Alert, Notice
from insight.watchdogs import destinations
from sharing import clock
from tests.insight.conftest import member

pytestmark = pytest.mark.django_db


def failing(studio):
    return alerts.raise_(
        Finding(
            "breaker_open",
            f"destination:{studio.destination.pk}",
            organisation=studio.organisation.pk,
            destination=studio.destination.pk,
            facts={"reason": "unavailable"},
        )
    )


def silent(studio):
    return alerts.raise_(
        Finding(
            "webhooks_silent",
            f"athlete:{studio.ben.pk}",
            organisation=studio.organisation.pk,
            athlete=studio.ben.pk,
            facts={"heard": int((clock.now() - timedelta(hours=27)).timestamp())},
        )
    )


def recipients():
    return sorted(address for message in mail.outbox for address in message.to)


def half_an_hour_passes():
    past = timedelta(minutes=31)
    for notice in Notice.objects.all():
        notice.due_at -= past
        notice.sent_at = notice.sent_at and notice.sent_at - past
        notice.save()


def test_owners_and_who_answers_for_the_destination_are_told(studio, olga, dan):
    adam = member(studio.organisation, "Adam", Membership.Role.ADMIN)
    vic = member(studio.organisation, "Vic", Membership.Role.DESTINATION_OWNER)
    member(studio.organisation, "Cara", Membership.Role.ASSISTANT)
    Destination.objects.update(deputy=vic)
    failing(studio)
    assert mail_due() == 4
    assert recipients() == sorted(p.email for p in (adam, olga, studio.ana, vic))


def test_the_coach_of_an_athlete_is_told_and_no_other_coach(studio, olga):
    member(studio.organisation, "Carl", Membership.Role.COACH)
    silent(studio)
    mail_due()
    assert recipients() == sorted([olga.email, studio.ana.email])


def test_somebody_of_another_studio_is_never_told(studio, dan):
    Destination.objects.update(owner=dan, deputy=dan)
    failing(studio)
    assert mail_due() == 0


def test_staff_is_told_of_the_installation_and_else_the_owners(studio, olga, dan):
    alerts.raise_(Finding("nothing_claimed", "installation"))
    mail_due()
    assert recipients() == sorted([olga.email, dan.email])
    Alert.objects.all().delete()
    mail.outbox.clear()
    olga.is_staff = True
    olga.save()
    alerts.raise_(Finding("nothing_claimed", "installation"))
    mail_due()
    assert recipients() == [olga.email]


def test_it_says_what_to_do_and_links_there_without_naming_the_athlete(studio, olga, settings):
    alert = silent(studio)
    mail_due()
    message = mail.outbox[0]
    assert message.subject == "Baton: TrainingPeaks announces no changes"
    assert f"{settings.BATON_PUBLIC_URL}/alerts/{alert.pk}/" in message.body
    assert "The last webhook event came 27 hours ago." in message.body
    assert "Ben" not in message.subject + message.body
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"


def test_a_destinations_name_stays_as_it_is_and_out_of_the_headers(studio, olga):
    Destination.objects.update(name="Tri & Run <x>\r\nBcc: all@example.com")
    failing(studio)
    mail_due()
    assert "Tri & Run <x>" in mail.outbox[0].body
    assert "\n" not in mail.outbox[0].subject
    assert mail.outbox[0].recipients() == mail.outbox[0].to


def test_one_mail_tells_of_all_that_is_new(studio, olga):
    failing(studio)
    silent(studio)
    assert mail_due() == 2  # one to Ana, one to Olga
    assert {message.subject for message in mail.outbox} == {"Baton: 2 alerts"}
    assert mail_due() == 0


def test_the_end_is_told_once_and_not_within_half_an_hour(studio, olga):
    Membership.objects.filter(user=studio.ana).delete()
    alert = failing(studio)
    mail_due()
    alerts.resolve(alert)
    assert mail_due() == 0
    half_an_hour_passes()
    assert mail_due() == 1
    begin, end = mail.outbox
    assert end.subject == "Baton: Over: A destination fails"
    assert end.extra_headers["References"] == begin.extra_headers["Message-ID"]
    half_an_hour_passes()
    assert mail_due() == 0


def test_what_became_worse_is_told_again_and_belongs_to_the_same_talk(studio, olga):
    def failing_for(percent):
        found = destinations.failing(clock.now())
        Destination.objects.filter(pk=studio.destination.pk).update(warned_percent=percent)
        alerts.reconcile("destination_failing", found)
        half_an_hour_passes()
        mail_due()
        return [message for message in mail.outbox if message.to == [olga.email]]

    (first,) = failing_for(50)
    assert failing_for(50) == [first]
    *_, second = failing_for(70)
    assert "70 % of the way" in second.body
    assert second.extra_headers["References"] == first.extra_headers["Message-ID"]
    assert second.extra_headers["Message-ID"] != first.extra_headers["Message-ID"]
    over = failing_for(0)[-1]
    assert over.subject.startswith("Baton: Over: ")
    assert over.extra_headers["References"] == first.extra_headers["Message-ID"]


def test_each_acknowledgement_is_followed_by_one_mail_at_most_however_many_more_there_are(
    studio, olga
):
    Membership.objects.filter(user=studio.ana).delete()

    def given_up(count):
        found = Finding(
            "delivery_dead", f"destination:{studio.destination.pk}:refused",
            organisation=studio.organisation.pk, destination=studio.destination.pk,
            count=count, adds_up=True, facts={"reason": "refused", "since": 0},
        )  # fmt: skip
        alert = alerts.raise_(found)
        mail_due()
        return alert

    alerts.acknowledge(given_up(1), olga)
    for count in (2, 3, 4):
        given_up(count)
    assert len(mail.outbox) == 1  # not within half an hour
    half_an_hour_passes()
    given_up(5)
    half_an_hour_passes()
    given_up(6)
    assert len(mail.outbox) == 2
    assert mail.outbox[1].extra_headers["References"] == mail.outbox[0].extra_headers["Message-ID"]


def test_what_was_over_before_anybody_was_told_is_told_to_nobody(studio, olga):
    alerts.resolve(failing(studio))
    half_an_hour_passes()
    assert mail_due() == 0


def test_a_fault_that_comes_and_goes_mails_once_in_half_an_hour(studio, olga):
    Membership.objects.filter(user=studio.ana).delete()
    for _ in range(5):
        alert = failing(studio)
        mail_due()
        alerts.resolve(alert)
        mail_due()
    assert len(mail.outbox) == 1
    failing(studio)
    half_an_hour_passes()
    assert mail_due() == 1
    assert mail.outbox[1].subject == "Baton: A destination fails"


def test_who_heard_of_a_fault_that_came_and_went_hears_once_that_it_is_over(studio, olga):
    Membership.objects.filter(user=studio.ana).delete()
    alert = failing(studio)
    mail_due()
    for _ in range(2):
        alerts.resolve(alert)
        alert = failing(studio)
        assert mail_due() == 0
    alerts.resolve(alert)
    half_an_hour_passes()
    assert mail_due() == 1
    assert mail.outbox[1].subject == "Baton: Over: A destination fails"
    half_an_hour_passes()
    assert mail_due() == 0


def test_whose_last_mail_said_that_it_is_over_is_told_nothing_of_a_fault_too_short_to_tell(
    studio, olga
):
    Membership.objects.filter(user=studio.ana).delete()
    alert = failing(studio)
    mail_due()
    alerts.resolve(alert)
    half_an_hour_passes()
    assert mail_due() == 1
    alerts.resolve(failing(studio))
    half_an_hour_passes()
    assert mail_due() == 0


@pytest.mark.parametrize("error", [SMTPServerDisconnected(), ConnectionRefusedError()])
def test_a_mail_that_fails_loses_nothing_and_is_tried_again(studio, olga, monkeypatch, error):
    def refuse(self, messages):
        raise error

    Membership.objects.filter(user=studio.ana).delete()
    with monkeypatch.context() as broken:
        broken.setattr(EmailBackend, "send_messages", refuse)
        alert = failing(studio)
        assert mail_due() == 0
    notice = Notice.objects.get()
    assert (notice.state, notice.tries, notice.last_error) == ("waiting", 1, type(error).__name__)
    assert notice.due_at > clock.now()
    alert.refresh_from_db()
    assert alert.state == "open"
    assert mail_due() == 0  # not at once
    Notice.objects.update(due_at=clock.now())
    assert mail_due() == 1


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (SMTPRecipientsRefused({"olga@example.com": (550, b"No such user")}), "failed"),
        (SMTPRecipientsRefused({"olga@example.com": (450, b"Mailbox busy")}), "waiting"),
        (SMTPDataError(554, b"Refused"), "failed"),
        (SMTPDataError(451, b"Later"), "waiting"),
        (SMTPAuthenticationError(535, b"Wrong password"), "waiting"),
    ],
    ids=["no such user", "mailbox busy", "refused", "later", "our password"],
)
def test_only_what_is_refused_for_good_is_not_tried_again(studio, olga, monkeypatch, error, state):
    def refuse(*args):
        raise error

    failing(studio)
    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    assert mail_due() == 0
    assert {notice.state for notice in Notice.objects.filter(person=olga)} == {state}


def test_a_mail_server_that_is_gone_for_days_is_given_up(studio, olga, monkeypatch):
    def refuse(self, messages):
        raise ConnectionRefusedError

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    failing(studio)
    Notice.objects.update(made_at=clock.now() - timedelta(days=3, minutes=1))
    mail_due()
    assert set(Notice.objects.values_list("state", flat=True)) == {"failed"}


def test_who_left_meanwhile_is_not_told(studio, olga):
    failing(studio)
    Membership.objects.filter(user=olga).delete()
    studio.ana.is_active = False
    studio.ana.save()
    assert mail_due() == 0
    assert set(Notice.objects.values_list("state", flat=True)) == {"dropped"}


def test_an_alert_that_ends_while_its_mail_goes_out_is_still_told_to_be_over(
    studio, olga, monkeypatch
):
    Membership.objects.filter(user=studio.ana).delete()
    alert = failing(studio)
    send = EmailBackend.send_messages

    def end_meanwhile(self, messages):
        alerts.resolve(alert)
        return send(self, messages)

    with monkeypatch.context() as slow:
        slow.setattr(EmailBackend, "send_messages", end_meanwhile)
        assert mail_due() == 1
    half_an_hour_passes()
    assert mail_due() == 1
    assert "Over" in mail.outbox[1].subject


def test_mail_that_is_switched_off_is_not_sent_later(studio, olga, settings):
    settings.BATON_ALERT_MAIL = False
    failing(studio)
    assert mail_due() == 0
    settings.BATON_ALERT_MAIL = True
    assert mail_due() == 0
    assert mail.outbox == []
