"""The road of one delivery, from the webhook event to the receipt and its audit entries."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from audit.models import Entry
from sharing import reasons
from sharing.models import Attempt, Delivery, Hint, Step
from sharing.reasons import explain

MOST_HINTS = 200
UNDONE = (Delivery.State.WAITING, Delivery.State.UNKNOWN, Delivery.State.DEAD)
SETTLED_WORDS = {
    "delivered": "Delivered",
    "superseded": "Superseded",
    "blocked": "Blocked",
    "unknown": "Outcome unknown",
    "dead": "Given up",
}
OUTCOME_STATES = {
    "success": "delivered",
    "late_success": "delivered",
    "unknown": "unknown",
    "crashed": "unknown",
    "refused": "blocked",
    "postponed": "waiting",
    "gave_up": "waiting",
    "held": "waiting",
    "unlisted": "waiting",
    "transient": "transient",
    "": "intended",
}


@dataclass
class Stage:
    """One stop on the road. `took` is the time since the stop before."""

    title: str
    at: datetime
    state: str = "delivered"
    icon: str = ""
    lines: list[str] = field(default_factory=list)
    attempt: Attempt | None = None
    steps: list[Step] = field(default_factory=list)
    took: timedelta | None = None

    @property
    def answer(self) -> str:
        """What the destination said to the first call that went wrong, or before any call."""
        said = (step.excerpt for step in self.steps if step.error_code and step.excerpt)
        return next(said, self.attempt.excerpt if self.attempt else "")


@dataclass(frozen=True)
class Trace:
    stages: list[Stage]
    last: Stage | None  # the attempt that says why the delivery stands as it does
    entries: list[Entry]
    whole: timedelta | None  # from the first sign of the change to the destination's answer


def trace(delivery: Delivery) -> Trace:
    stages = [*_source(delivery), *_promise(delivery), *_attempts(delivery), *_ending(delivery)]
    stages.sort(key=lambda stage: stage.at)
    for before, after in pairwise(stages):
        after.took = after.at - before.at
    return Trace(stages, _last(delivery, stages), _entries(delivery), _whole(delivery))


def _last(delivery: Delivery, stages: list[Stage]) -> Stage | None:
    if delivery.state not in UNDONE:
        return None
    return next((stage for stage in reversed(stages) if stage.attempt), None)


def _source(delivery: Delivery) -> Iterable[Stage]:
    version = delivery.version
    hints = _hints(delivery)
    if version.first_hint_at:
        yield Stage("Change noticed", version.first_hint_at, icon="webhook", lines=_kinds(hints))
    yield Stage(
        "Read from TrainingPeaks", version.read_at, icon="read",
        lines=["The whole window was read again: the event is only a hint."],
    )  # fmt: skip
    yield Stage(
        f"Version {version.version} recorded", version.published_at, icon="version",
        lines=version.summary(),
    )  # fmt: skip


def _hints(delivery: Delivery) -> list[Hint]:
    """The events that led to this version: those between its first hint and its reading."""
    version = delivery.version
    found = Hint.objects.filter(
        source__athlete=delivery.lane.plan.athlete_id, seq__lte=version.hint_seq
    )
    if version.first_hint_at:
        found = found.filter(received_at__gte=version.first_hint_at)
    return list(found.defer("body").order_by("received_at")[:MOST_HINTS])


def _kinds(hints: Iterable[Hint]) -> list[str]:
    counted = Counter(
        f"{hint.get_kind_display()}: {hint.event_type}" if hint.event_type
        else str(hint.get_kind_display())
        for hint in hints
    )  # fmt: skip
    return [f"{kind} ({count} ×)" if count > 1 else kind for kind, count in counted.items()]


def _promise(delivery: Delivery) -> Iterable[Stage]:
    route = delivery.lane.route
    removing = delivery.intent == Delivery.Intent.REMOVE
    yield Stage(
        "Removal promised" if removing else "Delivery promised",
        delivery.accepted_at,
        icon="routes",
        lines=[f"Route “{route.name}”, {route.get_cadence_display().lower()}."],
    )


def _attempts(delivery: Delivery) -> Iterable[Stage]:
    attempts = delivery.attempts.prefetch_related("steps").order_by("started_at")
    for attempt in attempts:
        state = OUTCOME_STATES.get(attempt.outcome, "failed")
        lines = [explain(attempt.error_code).coach_words] if attempt.error_code else []
        yield Stage(
            f"Attempt {attempt.number}", attempt.started_at, state=state, icon="send",
            lines=lines, attempt=attempt, steps=list(attempt.steps.all()),
        )  # fmt: skip


def _ending(delivery: Delivery) -> Iterable[Stage]:
    if delivery.settled_at:
        why = reasons.of(delivery)
        yield Stage(
            SETTLED_WORDS.get(delivery.state, delivery.state), delivery.settled_at,
            state=delivery.state, lines=[line for line in (why.coach_words, why.action) if line],
        )  # fmt: skip
    for seen in delivery.version.acknowledgements.all():
        if delivery.settled_at and seen.acknowledged_at >= delivery.settled_at:
            yield Stage("Seen by the athlete", seen.acknowledged_at, icon="eye")


def _entries(delivery: Delivery) -> list[Entry]:
    own = Entry.objects.filter(delivery=delivery.pk)
    version = Entry.objects.filter(id=delivery.version.audit_entry_id)
    return list((own | version).order_by("seq"))


def _whole(delivery: Delivery) -> timedelta | None:
    if delivery.settled_at is None:
        return None
    return delivery.settled_at - (delivery.version.first_hint_at or delivery.version.read_at)
