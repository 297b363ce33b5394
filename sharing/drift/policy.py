"""What is done about a difference: by the route, field by field."""

from collections.abc import Mapping

from destinations import registry
from destinations.models import Destination
from destinations.port import ReadBack
from plans.fields import ALWAYS, SESSION_FIELDS
from sharing.models import Drift, Route

Choice = Route.OnDrift
WHOLE = {  # differences of a session as a whole: their names in a policy
    Drift.Kind.MISSING: "A session is missing there",
    Drift.Kind.EXTRA: "A session is there twice",
}
ASKED_FIRST = frozenset({"date", "start_time", Drift.Kind.EXTRA})  # somebody may have a reason


def default(name: str) -> Choice:
    return Choice.ASK if name in ASKED_FIRST else Choice.SOURCE


def choice(chosen: Mapping[str, str], name: str) -> Choice:
    """The route's choice for a field or for a session as a whole, or the default."""
    said = chosen.get(name, "")
    return Choice(said) if said in Choice.values else default(name)


def of_route(route: Route, kind: str, field: str) -> Choice:
    return choice(route.drift_policy, name_of(kind, field))


def name_of(kind: str, field: str) -> str:
    """What a policy calls it: the field that was altered, or what happened to all of it."""
    return field or str(kind)


def fields_of(destination: Destination) -> dict[str, str]:
    """What a policy can be chosen for at this destination: name → words. Empty: it cannot be
    read back.
    """
    adapter = registry.adapter_class(destination.kind)
    if not issubclass(adapter, ReadBack):
        return {}
    whole = {str(kind): words for kind, words in WHOLE.items()}
    return whole | {name: label(name) for name in adapter.capabilities.compared}


def in_words(route: Route) -> list[tuple[str, str]]:
    """What the route does about each difference, for its page."""
    compared = fields_of(route.destination)
    return [(words, choice(route.drift_policy, name).label) for name, words in compared.items()]


def label(field: str) -> str:
    about = SESSION_FIELDS.get(field) or ALWAYS.get(field)
    return about.label if about else "Whole session"
