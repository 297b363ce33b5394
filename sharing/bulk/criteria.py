"""What a bulk action is about: which deliveries or lanes, and what they are brought back to."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from pydantic import BaseModel, ConfigDict

from sharing.models import BulkAction, Delivery

Kind = BulkAction.Kind


class To(StrEnum):
    """What a roll back leads to."""

    VERSION = "version"  # this number; of one plan
    MOMENT = "moment"  # whatever was the newest version then
    PREVIOUS = "previous"  # the version before the one that is owed now
    NEWEST = "newest"  # a release: as the coach has it now
    BEFORE = "before"  # an undo: what was owed before another action


HIGHEST = 2**31 - 1  # a version number that the database can hold
SCOPE = {
    "destination": "destination",
    "route": "route",
    "plan": "plan",
    "athlete": "plan__athlete",
    "cohort": "plan__athlete__cohorts",
}  # what can be named → where a lane has it


class Criteria(BaseModel):
    """A filter. What is not said is not filtered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    destination: UUID | None = None
    route: UUID | None = None
    plan: UUID | None = None
    athlete: UUID | None = None
    cohort: UUID | None = None
    state: str = ""
    cause: str = ""
    since: datetime | None = None
    until: datetime | None = None
    to: str = ""
    version: int | None = None
    moment: datetime | None = None
    undoes: UUID | None = None

    def stored(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_defaults=True)

    def for_the_log(self) -> dict[str, str | int]:
        """Identities, codes and numbers; a moment as its second."""
        return {name: _logged(value) for name, value in self if value not in (None, "")}

    @property
    def named(self) -> dict[str, UUID]:
        """The rows that it names, by what they are."""
        return {name: value for name in SCOPE if (value := getattr(self, name))}


def of(action: BulkAction) -> Criteria:
    return Criteria.model_validate(action.criteria)


def check(kind: str, wish: Criteria) -> None:
    """Refuse what cannot be meant, in words that say what to do."""
    if kind == Kind.REDELIVER:
        if wish.state and wish.state not in _REDELIVERABLE:
            raise ValidationError({"state": "Choose dead, unknown, blocked or delivered."})
        return
    if kind == Kind.ROLL_BACK:
        _check_target(wish)
    if not wish.named and wish.to != To.BEFORE:
        raise ValidationError("Name a plan, an athlete, a cohort, a route or a destination.")


_REDELIVERABLE = frozenset(
    {
        Delivery.State.DEAD,
        Delivery.State.UNKNOWN,
        Delivery.State.BLOCKED,
        Delivery.State.DELIVERED,
    }
)


def _check_target(wish: Criteria) -> None:
    if wish.to not in set(To):
        raise ValidationError({"to": "Say what to go back to."})
    if wish.to == To.VERSION and not (wish.version and wish.plan):
        raise ValidationError({"version": "A version number belongs to one plan: name both."})
    if wish.to == To.MOMENT and wish.moment is None:
        raise ValidationError({"moment": "Say which moment to go back to."})
    if wish.to == To.BEFORE and wish.undoes is None:
        raise ValidationError({"undoes": "Say which action to undo."})


def may_end_in_nothing(kind: str, wish: Criteria) -> bool:
    """Whether a lane without a version is to hold nothing, not merely without an answer."""
    return kind == Kind.TAKE_BACK or wish.to == To.BEFORE


def _logged(value: object) -> str | int:
    if isinstance(value, datetime):
        return int(value.timestamp())
    return value if isinstance(value, int) else str(value)
