"""Mailing the notices: what a person is to be told now goes out as one mail, or waits for later.

A mail names kinds, destinations and numbers, and links to the rest. No athlete is named, and
nothing of a plan is in it.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.models import User
from insight import notices
from insight.catalogue import KINDS
from insight.models import Notice
from insight.selectors.alerts import details
from sharing import clock

logger = logging.getLogger(__name__)

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
GIVE_UP = timedelta(days=3)
MOST_IN_ONE = 100


def mail_due() -> int:
    """Send what is due, one mail to each person. Says how many mails went out.

    Switched off, nothing is kept for later: a mail of last week's fault helps nobody.
    """
    if not settings.BATON_ALERT_MAIL:
        Notice.objects.filter(state=Notice.State.WAITING).update(state=Notice.State.DROPPED)
        return 0
    due = Notice.objects.filter(state=Notice.State.WAITING, due_at__lte=clock.now())
    rows = due.select_related("person", "alert__destination", "alert__athlete__connection")
    sent = 0
    for _, each in groupby(rows.order_by("person", "due_at"), key=lambda row: row.person_id):
        sent += _tell(list(each))
    return sent


def _tell(waiting: list[Notice]) -> bool:
    """One person. No transaction is open while the mail server is asked."""
    person, wanted = waiting[0].person, []
    for notice in waiting:
        if notices.people_of(notice.alert).filter(pk=person.pk).exists():
            wanted.append(notice)
        else:
            Notice.objects.filter(pk=notice.pk).update(state=Notice.State.DROPPED)
    if not wanted:
        return False
    try:
        _mail(person, wanted[:MOST_IN_ONE]).send()
    except (SMTPException, OSError) as error:
        logger.warning("A mail about alerts did not go out (%s).", type(error).__name__)
        _later(wanted, error, clock.now())
        return False
    for notice in wanted[:MOST_IN_ONE]:
        notices.sent(notice, clock.now())
    return True


def _later(wanted: Sequence[Notice], error: Exception, now: datetime) -> None:
    """Again with growing pauses. What the mail server refuses for good is not tried again."""
    for notice in wanted:
        pause = min(FIRST_PAUSE * 2 ** min(notice.tries, 10), LONGEST_PAUSE)
        over = _for_good(error) or notice.made_at < now - GIVE_UP
        Notice.objects.filter(pk=notice.pk, state=Notice.State.WAITING).update(
            state=Notice.State.FAILED if over else Notice.State.WAITING,
            tries=notice.tries + 1,
            due_at=now + pause,
            last_error=type(error).__name__[:64],
        )


def _for_good(error: Exception) -> bool:
    """The address or the message is refused with 5xx. A refused sender or password is ours to mend:
    then the mail waits.
    """
    match error:
        case SMTPRecipientsRefused():
            codes = [code for code, _ in error.recipients.values()]
        case SMTPDataError():
            codes = [error.smtp_code]
        case _:
            codes = []
    return bool(codes) and min(codes) >= 500


def _mail(person: User, told: Sequence[Notice]) -> EmailMessage:
    lines = [
        {
            "notice": notice,
            "alert": notice.alert,
            "kind": KINDS[notice.alert.kind],
            "words": KINDS[notice.alert.kind].words(technical=False),
            "details": details(notice.alert),
            "url": settings.BATON_PUBLIC_URL + reverse("alert", args=[notice.alert_id]),
        }
        for notice in told
    ]
    all_alerts = settings.BATON_PUBLIC_URL + reverse("alerts")
    body = render_to_string("insight/alert_mail.txt", {"lines": lines, "all": all_alerts})
    return EmailMessage(_subject(told), body, to=[person.email], headers=_headers(told))


def _subject(told: Sequence[Notice]) -> str:
    if len(told) > 1:
        return f"Baton: {len(told)} alerts"
    over = "Over: " if told[0].event == Notice.Event.RESOLVED else ""
    return f"Baton: {over}{KINDS[told[0].alert.kind].title}"


def _headers(told: Sequence[Notice]) -> dict[str, str]:
    """A mail sent again carries the same number; what follows answers the alert's beginning."""
    headers = {"Message-ID": _number(told[0]), "Auto-Submitted": "auto-generated"}
    begun = Notice.objects.filter(
        alert=told[0].alert,
        person=told[0].person,
        event=Notice.Event.RAISED,
        state__in=[Notice.State.SENT, Notice.State.WAITING],
    ).first()
    if len(told) == 1 and begun and begun != told[0]:
        headers |= {"In-Reply-To": _number(begun), "References": _number(begun)}
    return headers


def _number(notice: Notice) -> str:
    host = urlsplit(settings.BATON_PUBLIC_URL).hostname or "localhost"
    return f"<alert.{notice.pk}@{host}>"
