"""What died because its destination failed for days is promised again, once a person has switched
the destination on: the newest version of each plan, and what was to be taken back. What waits for a
change of its destination's settings is due once somebody has changed something there.
"""

import logging
from collections.abc import Iterator

from django.db import transaction
from django.db.models import Exists, F, OuterRef

from audit.retrying import retried
from destinations.errors import UnlistedError
from destinations.models import LONG_AGO, SWITCHED_OFF, Destination
from sharing import breaker, clock, outcomes, redeliver
from sharing.models import Attempt, Delivery, Lane

logger = logging.getLogger(__name__)


def revive_due() -> int:
    """Look after every destination that was switched on again; how many promises that made."""
    _let_go()
    _look_again()
    again = Destination.objects.filter(state=Destination.State.ACTIVE, warned_percent=SWITCHED_OFF)
    return sum(_revive(destination) for destination in again)


def _let_go() -> None:
    """A person lifted a pause, asked for by the destination or of its breaker: what it put off is
    due now.
    """
    for destination in Destination.objects.filter(held_until=None):
        _make_due(destination)


@retried
def _make_due(destination: Destination) -> None:
    with transaction.atomic():
        now = clock.now()
        waiting = Lane.objects.filter(destination=destination, state=Lane.State.ACTIVE)
        waiting.filter(_put_off(), due_at__gt=now).update(due_at=now)
        Destination.objects.filter(pk=destination.pk, held_until=None).update(held_until=LONG_AGO)


def _put_off() -> Exists:
    """As a condition on lanes: its last attempt set the time, and did so because the destination
    did not answer well or its turn was far off. Not because it refused what it was sent.
    """
    last = Attempt.objects.filter(lane=OuterRef("pk"), epoch=OuterRef("epoch"))
    by_it = (*breaker.BAD_OUTCOMES, outcomes.POSTPONED)
    return Exists(last.filter(outcome__in=by_it, next_try_at__isnull=False))


@retried
def _look_again() -> None:
    """Who was not in a destination's list may be since then."""
    tried = Attempt.objects.filter(
        lane=OuterRef("pk"), started_at__gte=OuterRef("destination__audit_entry__at")
    )
    unlisted = Lane.objects.filter(
        state=Lane.State.ACTIVE, desired__gt=F("settled"), last_error=UnlistedError.code
    )
    now = clock.now()
    unlisted.filter(~Exists(tried), due_at__gt=now).update(due_at=now)


def _revive(destination: Destination) -> int:
    made = sum(_promised(delivery) for delivery in _died_with(destination))
    Destination.objects.filter(pk=destination.pk, warned_percent=SWITCHED_OFF).update(
        warned_percent=0
    )
    return made


def _died_with(destination: Destination) -> Iterator[Delivery]:
    """The last word of each dead lane, if it was the destination that did not answer well."""
    bad = Attempt.objects.filter(delivery=OuterRef("pk"), outcome__in=breaker.BAD_OUTCOMES)
    for lane in Lane.objects.filter(destination=destination, state=Lane.State.DEAD):
        last = lane.deliveries.order_by("-revision").filter(state=Delivery.State.DEAD)
        yield from last.filter(Exists(bad))[:1]


def _promised(delivery: Delivery) -> int:
    try:
        redeliver.redeliver(delivery)
    except redeliver.RedeliverRefused as refusal:
        logger.info("Not promised again: %s", refusal)
        return 0
    return 1
