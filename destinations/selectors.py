"""Reading destinations: whose they are, how they are, and what each kind can hold."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from destinations import registry
from destinations.errors import CATALOGUE, ErrorKind
from destinations.models import LONG_AGO, SWITCHED_OFF, Destination
from destinations.port import Capabilities, IdempotencyClass

LOSSES: dict[str, str] = {
    "future_sessions": "sessions that are still to come",
    "dates": "the day of a session",
    "time_of_day": "the time of day",
    "duration": "the duration as a figure",
    "distance": "the distance as a figure",
    "intervals": "intervals as intervals (they become text)",
    "exercises": "exercises and sets as such (they become text)",
    "update": "later changes",
    "remove": "taking a session away again",
}

LONG_PAUSE = timedelta(minutes=1)  # shorter ones come and go with every busy hour
FOR_DAYS = "Failing for days. After five days of nothing else it is switched off."


@dataclass(frozen=True)
class Kind:
    """A kind of destination as a person chooses it."""

    kind: str
    label: str
    capabilities: Capabilities

    @property
    def losses(self) -> list[str]:
        """What it cannot hold, in a coach's words."""
        return [words for name, words in LOSSES.items() if not getattr(self.capabilities, name)]


@dataclass(frozen=True)
class Health:
    """How a destination is, in one word and one sentence, and what to do about it."""

    word: str
    sentence: str
    error: ErrorKind | None = None


def kinds() -> list[Kind]:
    return [
        Kind(adapter.kind, adapter.label, adapter.capabilities)
        for adapter in registry.ADAPTERS.values()
    ]


def destinations_of(user: User) -> QuerySet[Destination]:
    return Destination.objects.for_user(user).select_related("organisation", "owner", "deputy")


def masked_settings(destination: Destination) -> dict[str, object]:
    form = registry.adapter_class(destination.kind).config_form
    return form.masked(destination.configuration)


def promises_too_much(destination: Destination) -> bool:
    """Whether it passes for one that recognises message ids although its address says otherwise."""
    if destination.idempotency_class != IdempotencyClass.KEYED:
        return False
    return registry.adapter_for(destination).promise() == IdempotencyClass.NONE


def asked_until(destination: Destination) -> datetime | None:
    """Until when it asked us to wait; None when that is over."""
    return _to_come(destination.held_until or LONG_AGO)


def probes_at(destination: Destination) -> datetime | None:
    """When, while it fails, one call tries whether it is back; None: now."""
    return _to_come(max(destination.breaker_until, destination.held_until or LONG_AGO))


def _to_come(moment: datetime) -> datetime | None:
    return moment if moment > timezone.now() else None


def health(destination: Destination) -> Health:
    """The first of these that is true, with the last error as its reason."""
    word, sentence = next(words for true, words in _signs(destination) if true)
    healthy = word in {"untested", "well"}
    reason = CATALOGUE.get(destination.paused_reason) or CATALOGUE.get(destination.last_error_code)
    return Health(word, sentence, None if healthy else reason)


def _signs(destination: Destination) -> list[tuple[bool, tuple[str, str]]]:
    state, breaker = Destination.State, Destination.Breaker
    asked = _long_pause(destination)
    return [
        (destination.state == state.DISABLED, ("off", "Switched off. Nothing is sent.")),
        (destination.state == state.PAUSED, ("paused", "Paused. Everything waits.")),
        (0 < destination.warned_percent < SWITCHED_OFF, ("failing", FOR_DAYS)),
        (destination.breaker_state != breaker.CLOSED, ("failing", "Failing. Tried again later.")),
        (asked != "", ("unsteady", asked)),
        (destination.failing_since is not None, ("unsteady", "The last calls failed.")),
        (destination.last_ok_at is None, ("untested", "Not tested yet.")),
        (True, ("well", "Everything arrived.")),
    ]


def _long_pause(destination: Destination) -> str:
    """Said of a pause that it asked for and that is not over in a moment; otherwise empty."""
    until = asked_until(destination)
    if until is None or until - timezone.now() < LONG_PAUSE:
        return ""
    return f"It asked us to wait until {until.astimezone(UTC):%-d %b, %H:%M} UTC."
