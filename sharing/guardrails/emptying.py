"""Emptied calendars: one pass over the source would take the plans of many athletes, or all, away.

It is looked at in the transaction that records such a reading, so the pause is there before
anything of it can leave. The few that came before it were too few to be told from intent.
"""

from datetime import datetime, timedelta

from django.db.models import Q

from destinations.models import Destination
from sharing import clock, mass_change, windows
from sharing.guardrails.breach import Breach, looked_at_from
from sharing.models import Source, Stop
from sharing.source.errors import EmptiedError

# What is emptied within a pass is looked at as one. Each source is read as a whole at an hour of
# its own, so that it takes as long as that until all of them have shown that they are empty.
PASS = windows.WHOLE_EVERY


def is_emptied(before: int, after: int) -> bool:
    """Whether a calendar has lost more than half of its sessions, however few they were.

    One small calendar proves nothing: how many there are within a pass is what counts.
    """
    return before > 2 * after


def breach_by(emptied: Source, destination: Destination) -> Breach | None:
    """What this reading does to a destination together with the others of the same pass."""
    now = clock.now()
    since = looked_at_from(destination, Stop.Guardrail.EMPTYING, now, PASS)
    sources = Source.objects.filter(
        state=Source.State.ACTIVE, athlete__plans__lanes__destination=destination
    ).distinct()
    count = sources.filter(_emptied_since(since) | Q(pk=emptied.pk)).count()
    everybody = sources.count()
    if not mass_change.too_many_athletes(count, everybody):
        return None
    return Breach(
        destination,
        Stop.Guardrail.EMPTYING,
        f"{count} of {everybody} calendars lost most of their sessions within "
        f"{PASS // timedelta(hours=1)} hours.",
    )


def _emptied_since(since: datetime) -> Q:
    """Read so, or about to be: an empty calendar is asked for twice before it is believed."""
    return Q(emptied_at__gte=since) | Q(last_error=EmptiedError.code)
