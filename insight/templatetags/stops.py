"""What every page says about stops: what is held back, why, and the one thing to do about it."""

from typing import Any

from django import template

from accounts.models import User
from sharing.models import Delivery, Stop
from sharing.selectors import stops as selectors
from sharing.stops.scopes import Target

register = template.Library()
MOST_NAMES = 3


@register.inclusion_tag("components/stop_banner.html", takes_context=True)
def stop_banner(context: template.Context) -> dict[str, Any]:
    """What is stopped and touches the reader, on every page. One query."""
    user = context.get("user")
    found = list(selectors.in_force(user)) if isinstance(user, User) else []
    return {
        "stops": [selectors.Shown(stop, 0, may_lift=False) for stop in found[:MOST_NAMES]],
        "more": max(0, len(found) - MOST_NAMES),
        "worst": "bad" if any(stop.mode == Stop.Mode.KILL for stop in found) else "warn",
    }


@register.inclusion_tag("sharing/stop_note.html", takes_context=True)
def stop_note(context: template.Context, target: Target) -> dict[str, Any]:
    """The stop in force of exactly this, on its own page."""
    stop, user = selectors.on(target), context.get("user")
    if stop is None or not isinstance(user, User):
        return {"shown": None}
    return {
        "shown": selectors.shown([stop], user)[0],
        "csrf_token": context.get("csrf_token"),
        "here": _here(context),
    }


@register.inclusion_tag("sharing/held.html", takes_context=True)
def held_by(context: template.Context, delivery: Delivery) -> dict[str, Any]:
    """The stops that hold a waiting delivery, each with its lift."""
    user = context.get("user")
    return {
        "holding": selectors.holding(delivery, user) if isinstance(user, User) else [],
        "csrf_token": context.get("csrf_token"),
        "here": _here(context),
    }


def _here(context: template.Context) -> str:
    """Where a person comes back to after lifting; a live part stands on its page."""
    request = context.get("request")
    return request.headers.get("HX-Current-URL", request.get_full_path()) if request else ""
