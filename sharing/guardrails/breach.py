"""A breach, and since when a guardrail looks at a thing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from destinations.models import Destination
from sharing.models import Route, Stop
from sharing.stops import scopes


@dataclass(frozen=True)
class Breach:
    """What is to be paused, by which guardrail, and the figures in one sentence."""

    target: Destination | Route
    guardrail: Stop.Guardrail
    words: str

    @property
    def named(self) -> dict[str, Any]:
        return scopes.columns(self.target)


def looked_at_from(
    target: Destination | Route, guardrail: Stop.Guardrail, now: datetime, window: timedelta
) -> datetime:
    """The beginning of the window, or when a person last lifted this very stop."""
    reviewed = Stop.objects.filter(
        guardrail=guardrail, lifted_at__gt=now - window, **scopes.columns(target)
    )
    latest = reviewed.order_by("-lifted_at").values_list("lifted_at", flat=True).first()
    return latest or now - window
