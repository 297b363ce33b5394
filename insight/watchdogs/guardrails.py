"""Watchdogs over the guardrails: what Baton itself has paused waits for a person to look at it."""

from collections.abc import Callable, Iterator
from datetime import datetime

from insight.alerts import Finding
from sharing.models import Stop
from sharing.stops import covering


def paused_by(guardrail: Stop.Guardrail, kind: str) -> Callable[[datetime], Iterator[Finding]]:
    """The watchdog that raises an alert of this kind for each stop of this guardrail."""

    def watchdog(now: datetime) -> Iterator[Finding]:
        for stop in covering.in_force().filter(guardrail=guardrail).select_related("route"):
            yield Finding(
                kind,
                f"stop:{stop.pk}",
                organisation=stop.organisation_id,
                destination=stop.route.destination_id if stop.route else stop.destination_id,
                facts={"stop": str(stop.pk)},
            )

    return watchdog


unusual_volume = paused_by(Stop.Guardrail.VOLUME, "unusual_volume")
emptied_calendars = paused_by(Stop.Guardrail.EMPTYING, "emptied_calendars")
too_many_failures = paused_by(Stop.Guardrail.FAILURES, "too_many_failures")
