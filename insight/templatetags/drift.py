"""What the destination pages say about drift: they know nothing of sharing themselves."""

from typing import Any
from uuid import UUID

from django import template

from accounts import roles
from accounts.models import User
from destinations.models import Destination
from sharing.drift import words
from sharing.drift.asking import can_read
from sharing.models import DriftCheck, Plan
from sharing.selectors import drift as selectors

register = template.Library()

MOST = 10  # differences of one plan on its page; the drift page has all


@register.simple_tag(takes_context=True)
def drift_counts(context: dict[str, Any]) -> dict[UUID, int]:
    """Destination → differences not yet settled, for the person who looks."""
    return selectors.open_by_destination(_person(context))


@register.inclusion_tag("sharing/drift_of_plan.html", takes_context=True)
def drift_of_plan(context: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """What destinations show otherwise of this plan, and what was kept there."""
    rows = selectors.of_plan(_person(context), plan)
    return {"rows": [words.shown(row) for row in rows[:MOST]], "many": rows.count()}


@register.filter
def drift_words(destination: Destination, counted: dict[UUID, int]) -> str:
    """How many differences wait at this destination; said honestly where nobody can look."""
    if not can_read(destination):
        return "cannot be read back"
    count = counted.get(destination.pk, 0)
    return f"{count} difference{'' if count == 1 else 's'}" if count else "none known"


@register.filter
def left_out(check: DriftCheck) -> str:
    """What a check did not compare, and why."""
    return words.left_out(check)


@register.inclusion_tag("sharing/drift_panel.html", takes_context=True)
def drift_panel(context: dict[str, Any], destination: Destination) -> dict[str, Any]:
    """How a destination compares with what was written, and a button to look now."""
    user = _person(context)
    return {
        "destination": destination,
        "readable": can_read(destination),
        "check": selectors.checks(user, destination.pk).first(),
        "differing": selectors.open_by_destination(user).get(destination.pk, 0),
        "may_see": roles.may(user, "view_athlete"),
        "may_edit": roles.may(user, "manage_destination", destination),
        "csrf_token": context.get("csrf_token"),
    }


def _person(context: dict[str, Any]) -> User:
    user = context["user"]
    if not isinstance(user, User):
        raise TypeError("A signed-in person is expected.")
    return user
