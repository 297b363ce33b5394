"""Whether wake-up calls arrive: every few seconds one is asked for, and whoever it wakes answers.

Only processes that take calls ask. A pump alone needs no broker, asks for nothing, misses nothing.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Case, DateTimeField, F, Q, Value, When

from sharing import clock, wake
from sharing.models import Hearing

EVERY = timedelta(seconds=8)  # a little less than between two beats of a pump, which asks
FORGOTTEN = timedelta(minutes=1)  # nobody has asked for so long: nobody takes calls any more


def ask() -> None:
    """Ring, unless somebody has just done so. What nobody has answered stays the same question."""
    Hearing.objects.get_or_create(pk=1)
    now = clock.now()
    lately = Q(rung_at__gte=now - FORGOTTEN)
    asked = Hearing.objects.filter(rung_at__lte=now - EVERY).update(
        rung_at=now,
        asked_at=_case(lately & Q(asked_at__isnull=False), F("asked_at"), Value(now)),
        since=_case(lately, F("since"), Value(None)),
    )
    if asked:
        wake.wake()


def heard() -> None:
    """A call was taken: that answers what was asked."""
    unanswered = Hearing.objects.filter(asked_at__isnull=False)
    if not unanswered.exists():  # as a rule: calls come more often than questions
        return
    now = clock.now()
    anew = Q(since=None) | Q(asked_at__lt=now - settings.BATON_ALERT_BROKER)
    unanswered.update(asked_at=None, heard_at=now, since=_case(anew, Value(now), F("since")))


def listening(now: datetime) -> Hearing | None:
    """How calls arrive; none where nobody takes any."""
    return Hearing.objects.filter(rung_at__gte=now - FORGOTTEN).first()


def is_silent(row: Hearing, now: datetime) -> bool:
    """Whether a question has waited for its answer for too long."""
    return row.asked_at is not None and row.asked_at < now - settings.BATON_ALERT_BROKER


def _case(when: Q, then: F | Value, otherwise: F | Value) -> Case:
    return Case(When(when, then=then), default=otherwise, output_field=DateTimeField())
