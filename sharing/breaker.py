"""The circuit breaker of a destination, in the database: one opinion shared by all workers.

It opens after ten failures in a row, or when at least seven of ten attempts failed within five
minutes, as far as these came after it closed last; and earlier where calls take long, once half a
minute has brought nothing but failures to more than one lane. While it is open lanes wait and
spend no attempts; then one lane probes.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q

from audit.log import Log
from destinations.models import Destination
from sharing import failing
from sharing.models import Attempt
from sharing.models.base import LONG_AGO

FAILURES_IN_A_ROW = 10
SLOWLY = timedelta(seconds=30)  # since the first failure, and nothing but failures since
LONG = 0.3  # of the deadline of a call
WINDOW = timedelta(minutes=5)
ENOUGH_ATTEMPTS = 10
BAD_SHARE = 0.7
STILL_WELL = timedelta(seconds=5)  # how exactly the last success is known
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=15)
BAD_OUTCOMES = ("transient", "unknown")
TELLING = ("success", *BAD_OUTCOMES)  # what says how the destination is; the rest is about us
MOST_ATTEMPTS = 200  # the newest of the window


def allows(destination: Destination, now: datetime, under_way: int) -> bool:
    """Whether a lane may be sent: always while closed; one at a time as a probe once the pause is
    over.
    """
    if destination.breaker_state == Destination.Breaker.CLOSED:
        return True
    return destination.breaker_until <= now and under_way == 0


def succeeded(destination: Destination, log: Log, now: datetime) -> None:
    """Close it, and forget the failures. A destination that is well is not written each time: that
    would have all of its lanes wait for one row.
    """
    was_open = destination.breaker_state != Destination.Breaker.CLOSED
    unwell = ~Q(breaker_state=Destination.Breaker.CLOSED) | Q(failing_since__isnull=False)
    long_ago = Q(last_ok_at=None) | Q(last_ok_at__lt=now - STILL_WELL)
    Destination.objects.filter(unwell | long_ago, pk=destination.pk).update(
        breaker_state=Destination.Breaker.CLOSED,
        breaker_until=LONG_AGO,
        breaker_opened_at=None,
        breaker_closed_at=now if was_open else F("breaker_closed_at"),
        breaker_step=0,
        consecutive_failures=0,
        failing_since=None,
        warned_percent=failing.forgotten(),
        last_ok_at=now,
    )
    if was_open:
        _record(destination, "closed", log)


def failed(destination: Destination, code: str, log: Log, now: datetime) -> None:
    """Count a failure that says the destination is unwell; open, or lengthen the pause after a
    failed probe. What was under way when it opened is no probe.
    """
    destination = Destination.objects.select_for_update(no_key=True).get(pk=destination.pk)
    destination.consecutive_failures += 1
    destination.failing_since = destination.failing_since or now
    destination.last_error_code = code
    destination.last_error_at = now
    closed = destination.breaker_state == Destination.Breaker.CLOSED
    if _unwell(destination, now) if closed else destination.breaker_until <= now:
        _open(destination, log, now)
    failing.went_on(destination, log, now)
    destination.save()


def _unwell(destination: Destination, now: datetime) -> bool:
    if destination.consecutive_failures >= FAILURES_IN_A_ROW or _slowly(destination, now):
        return True
    since = max(now - WINDOW, destination.breaker_closed_at or LONG_AGO)
    answered = Attempt.objects.filter(
        lane__destination=destination, settled_at__gte=since, outcome__in=TELLING
    )
    newest = answered.order_by("-settled_at").values_list("outcome", flat=True)
    outcomes = list(newest[:MOST_ATTEMPTS])
    bad = sum(outcome in BAD_OUTCOMES for outcome in outcomes)
    return len(outcomes) >= ENOUGH_ATTEMPTS and bad / len(outcomes) >= BAD_SHARE


def _slowly(destination: Destination, now: datetime) -> bool:
    """Whether its calls hang. Two at once that each last for 15 seconds would take 75 to fail
    ten times. A lane alone may be to blame itself, and nobody waits behind it.
    """
    since = destination.failing_since or now
    if since > now - SLOWLY:
        return False
    failures = Attempt.objects.filter(
        lane__destination=destination, settled_at__gte=since, outcome__in=BAD_OUTCOMES
    )
    long = timedelta(seconds=LONG * settings.BATON_SEND_DEADLINE)
    lasting = failures.filter(settled_at__gte=F("started_at") + long)
    return lasting.values("lane").distinct().count() > 1


def _open(destination: Destination, log: Log, now: datetime) -> None:
    first = destination.breaker_state == Destination.Breaker.CLOSED
    pause = min(FIRST_PAUSE * 2**destination.breaker_step, LONGEST_PAUSE)
    destination.breaker_state = Destination.Breaker.OPEN
    destination.breaker_opened_at = destination.breaker_opened_at or now
    destination.breaker_until = now + pause
    destination.breaker_step = min(destination.breaker_step + 1, 10)
    if first:
        _record(destination, "opened", log)


def _record(destination: Destination, what: str, log: Log) -> None:
    log.record(
        f"destination.breaker.{what}",
        organisation=destination.organisation_id,
        destination=destination.pk,
        outcome=destination.last_error_code or None,
    )
