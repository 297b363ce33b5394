"""What a waiting delivery waits for, and when it is tried next: what a claim goes by, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

from django.db.models import QuerySet
from django.utils import timezone

from destinations.models import Destination
from sharing import incarnation
from sharing.models import Delivery, Lane, Route
from sharing.models.base import LONG_AGO
from sharing.stops import covering

ROUTE = "when its route sends"
LAST_TRY = "after the pause that follows the last try"
LATE_CALL = "once no earlier call can still be applied there"
ASKED = "after the pause that the destination asked for"
CALENDAR = "for its calendar to be read after the restore"
PROBE = "when one call tries whether the destination is back"


@dataclass(frozen=True)
class NextTry:
    """The time, never a past one, and what puts it off; no time while it waits for a person,
    or for its calendar after a restore.
    """

    at: datetime | None
    words: str = ""


def with_what_holds(rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """So that nothing is asked row by row."""
    return rows.annotate(
        held=covering.held_deliveries(), unread_calendar=incarnation.unread_calendar()
    )


def next_try(delivery: Delivery) -> NextTry | None:
    """None: it waits no more. Asks the database nothing where the list has read all it needs."""
    if delivery.state != Delivery.State.WAITING:
        return None
    if person := _person(delivery):
        return NextTry(None, person)
    now = timezone.now()
    if delivery.lane.lease_until > now:
        return NextTry(now)  # it is under way
    if _unread(delivery):
        return NextTry(None, CALENDAR)
    at, words = max(_waits(delivery), key=itemgetter(0))
    return NextTry(at, words) if at > now else NextTry(now)


def _person(delivery: Delivery) -> str:
    """What somebody must do before it can go; empty when time alone is enough."""
    lane = delivery.lane
    if _held(delivery):
        return "for a stop to be lifted"
    if lane.destination.state != Destination.State.ACTIVE:
        return "for the destination to be resumed"
    if lane.route.state == Route.State.PAUSED:
        return "for its route to be resumed"
    if lane.state != Lane.State.ACTIVE:
        return "for somebody to say whether an earlier version is there"
    return ""


def _held(delivery: Delivery) -> bool:
    """As the list has asked for all of its rows, or asked now for this one."""
    held: bool | None = getattr(delivery, "held", None)
    return covering.holding(delivery).exists() if held is None else held


def _unread(delivery: Delivery) -> bool:
    """Like `_held`."""
    unread: bool | None = getattr(delivery, "unread_calendar", None)
    if unread is not None:
        return unread
    return Delivery.objects.filter(incarnation.unread_calendar(), pk=delivery.pk).exists()


def _waits(delivery: Delivery) -> Iterator[tuple[datetime, str]]:
    lane, place = delivery.lane, delivery.lane.destination
    by_route = delivery.started_at is None and lane.tries == 0
    yield lane.due_at, ROUTE if by_route else LAST_TRY
    yield lane.hold_until, LATE_CALL
    yield place.held_until or LONG_AGO, ASKED
    if place.breaker_state != Destination.Breaker.CLOSED:
        yield place.breaker_until, PROBE
