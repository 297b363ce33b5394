"""What follows from a breach: a pause of exactly what it is about."""

from collections.abc import Callable, Iterator
from datetime import datetime

from destinations.models import Destination
from sharing import clock, stops
from sharing.guardrails import emptying, failures, volume
from sharing.guardrails.breach import Breach
from sharing.models import Source, Stop
from sharing.stops import covering

Guardrail = Callable[[datetime], Iterator[Breach]]

GUARDRAILS: tuple[Guardrail, ...] = (volume.breaches, failures.breaches)


def hold_breaches() -> int:
    """Look at every guardrail; says how many stops were put."""
    now = clock.now()
    found = [breach for look in GUARDRAILS for breach in look(now)]
    return sum(_hold(breach) for breach in found)


def hold_emptied(source: Source) -> None:
    """Most of this calendar is gone: hold each destination that loses too many of them at once.

    Call it in the transaction that records the reading.
    """
    of_it = Destination.objects.filter(lanes__plan__athlete=source.athlete_id)
    for destination in of_it.distinct().order_by("pk"):
        if (breach := emptying.breach_by(source, destination)) is not None:
            _hold(breach)


def _hold(breach: Breach) -> bool:
    """Another stop of the same thing is enough, except where calendars were emptied: whoever
    lifts that one was not asked about them.
    """
    standing = covering.in_force().filter(**breach.named)
    if breach.guardrail == Stop.Guardrail.EMPTYING:
        standing = standing.filter(guardrail=breach.guardrail)
    if standing.exists():
        return False
    stops.put(breach.target, Stop.Mode.PAUSE, reason=breach.words, guardrail=breach.guardrail)
    return True
