"""A destination that only fails: said on the way, and after five days it is switched off.

What waits there is kept, and so is every version. Time counts between failures: a destination
that nobody calls does not fail.
"""

from datetime import datetime, timedelta

from django.db.models import Case, When

from audit.log import Log
from destinations.models import SWITCHED_OFF, Destination

ENDURED = timedelta(days=5)
MARKS = (50, 70, 90, SWITCHED_OFF)  # per cent of that
REASON = "failing_for_days"


def went_on(destination: Destination, log: Log, now: datetime) -> None:
    """One more failure. Part of the caller's transaction; the caller saves the row."""
    percent = 100 * (now - (destination.failing_since or now)) / ENDURED
    reached = max((mark for mark in MARKS if mark <= percent), default=0)
    if reached <= destination.warned_percent or destination.state != Destination.State.ACTIVE:
        return
    destination.warned_percent = reached
    if reached == SWITCHED_OFF:
        destination.state, destination.paused_reason = Destination.State.DISABLED, REASON
    destination.audit_entry_id = log.record(
        "destination.disabled" if reached == SWITCHED_OFF else "destination.failing",
        organisation=destination.organisation_id,
        destination=destination.pk,
        outcome=destination.last_error_code,
        extra={"percent": reached},
    )


def forgotten() -> Case:
    """A success makes up for the warnings. That it was switched off is forgotten later, when what
    died meanwhile is promised again.
    """
    return Case(When(warned_percent=SWITCHED_OFF, then=SWITCHED_OFF), default=0)
