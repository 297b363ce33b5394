"""A bulk action as a person reads it: what it is about, what it would do, how far it is."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet

from accounts.models import Athlete, Cohort, User
from destinations.models import Destination
from sharing.bulk import asking, criteria
from sharing.bulk.carrying import HELD, NOTHING, OVERTAKES
from sharing.bulk.criteria import To
from sharing.bulk.refusing import BLOCKED, SUPERSEDED
from sharing.models import BulkAction, BulkItem, Delivery, Plan, Route
from sharing.reasons import given_up

Kind, State = BulkAction.Kind, BulkAction.State
ROWS: dict[str, Any] = {
    "destination": Destination, "route": Route, "plan": Plan, "athlete": Athlete, "cohort": Cohort,
}  # fmt: skip
MOST_REASONS = 12
STEPS = {"create": "to create", "update": "to update", "remove": "to remove"}
LANES = {
    NOTHING: "nothing to do",
    SUPERSEDED: "superseded",
    BLOCKED: "blocked",
    HELD: "held by a stop or a pause",
}


@dataclass(frozen=True)
class Progress:
    """How many lanes of how many, and how their deliveries stand."""

    total: int
    seen: int  # previewed
    items: Mapping[str, int]
    deliveries: Mapping[str, int]

    @property
    def handled(self) -> int:
        return self.seen - self.items.get(BulkItem.State.WAITING, 0)

    @property
    def waiting(self) -> int:
        return self.deliveries.get(Delivery.State.WAITING, 0)


@dataclass(frozen=True)
class Line:
    """One lane of an action."""

    item: BulkItem

    @property
    def told(self) -> str:
        return told(self.item.forecast) or self.item.reason

    @property
    def why(self) -> str:
        """The reason, where the figures do not say it already."""
        return self.item.reason if told(self.item.forecast) else ""


def title(action: BulkAction) -> str:
    wish = criteria.of(action)
    if wish.to == To.BEFORE:
        return "Undo"
    if wish.to == To.NEWEST:
        return "Release to the newest version"
    return {
        Kind.REDELIVER: "Deliver again",
        Kind.ROLL_BACK: "Roll back",
        Kind.TAKE_BACK: "Take everything back",
    }[Kind(action.kind)]


def names(actions: Iterable[BulkAction], user: User) -> dict[UUID, str]:
    """What the filters name, one question for each sort of thing. What this person may not see has
    no name.
    """
    keys: dict[str, set[UUID]] = {}
    for action in actions:
        for name, key in criteria.of(action).named.items():
            keys.setdefault(name, set()).add(key)
    return {
        row.pk: str(row)
        for name, wanted in keys.items()
        for row in ROWS[name].objects.for_user(user).filter(pk__in=wanted)
    }


def about(action: BulkAction, named: Mapping[UUID, str]) -> list[tuple[str, str]]:
    """The filter in words."""
    wish = criteria.of(action)
    lines = [
        (name.capitalize(), named.get(key, "not there any more"))
        for name, key in wish.named.items()
    ]
    if action.kind == Kind.REDELIVER:
        lines.append(("State", Delivery.State(wish.state or Delivery.State.DEAD).label))
    if wish.cause:
        lines.append(("Cause", given_up(wish.cause).coach_words))
    if wish.since:
        lines.append(("Since", f"{wish.since:%-d %b %Y, %H:%M} UTC"))
    if wish.until:
        lines.append(("Until", f"{wish.until:%-d %b %Y, %H:%M} UTC"))
    if words := _target(wish):
        lines.append(("Back to", words))
    return lines


def _target(wish: criteria.Criteria) -> str:
    match wish.to:
        case To.VERSION:
            return f"version {wish.version}"
        case To.MOMENT if wish.moment:
            return f"what was the newest on {wish.moment:%-d %b %Y, %H:%M} UTC"
        case To.PREVIOUS:
            return "one version before"
        case To.NEWEST:
            return "the newest version"
    return "what was owed before that action" if wish.to else ""


def told(forecast: Mapping[str, int]) -> str:
    """One lane's forecast in words; a refusal has its own."""
    steps = [f"{forecast[name]} {words}" for name, words in STEPS.items() if forecast.get(name)]
    if forecast.get(NOTHING):
        steps.append("Nothing to send")
    if overtaken := forecast.get(OVERTAKES):
        steps.append(f"{overtaken} waiting superseded")
    if steps and forecast.get(HELD):
        steps.append("will wait")
    return ", ".join(steps)


def steps(action: BulkAction) -> list[tuple[int, str]]:
    return [(action.forecast.get(name, 0), words) for name, words in STEPS.items()]


def lanes(action: BulkAction) -> list[tuple[int, str]]:
    return [(action.forecast.get(name, 0), words) for name, words in LANES.items()]


def progress(action: BulkAction) -> Progress:
    return progresses([action])[action.pk]


def progresses(actions: Collection[BulkAction]) -> dict[UUID, Progress]:
    """How far each is, in two questions however many they are."""
    rows = BulkItem.objects.filter(action__in=[action.pk for action in actions]).order_by()
    items: dict[UUID, dict[str, int]] = defaultdict(dict)
    made: dict[UUID, dict[str, int]] = defaultdict(dict)
    for key, state, count in rows.values_list("action", "state").annotate(Count("pk")):
        items[key][state] = count
    promised = rows.exclude(made=None).values_list("action", "made__state")
    for key, state, count in promised.annotate(Count("pk")):
        made[key][state] = count
    return {
        action.pk: Progress(
            total=action.total,
            seen=sum(items[action.pk].values()),
            items=items[action.pk],
            deliveries=made[action.pk],
        )
        for action in actions
    }


def reasons(action: BulkAction) -> list[tuple[str, int]]:
    """Why lanes are left as they are, the most frequent first."""
    said = action.items.exclude(reason="").values_list("reason").order_by()
    return list(said.annotate(count=Count("pk")).order_by("-count", "reason")[:MOST_REASONS])


def items(action: BulkAction, user: User) -> QuerySet[BulkItem]:
    """The lanes that this person may see, those that need a look first."""
    rows = BulkItem.objects.for_user(user).filter(action=action)
    return rows.select_related(
        "lane__plan__athlete", "lane__destination", "version", "delivery__version", "made__version"
    ).order_by("-reason", "lane__plan__athlete__name", "pk")


def is_live(action: BulkAction, now: Progress) -> bool:
    """Whether the page will say something else soon."""
    looking = action.state == State.PREVIEW and not action.forecast
    return looking or action.state == State.RUNNING or bool(now.waiting)


def needs_second(action: BulkAction) -> bool:
    return bool(needing_second([action]))


def needing_second(actions: Iterable[BulkAction]) -> set[UUID]:
    """Which of these will ask for a second person once they are started."""
    ready = (each for each in actions if each.forecast and each.state == State.PREVIEW)
    return asking.needing_second(ready)
