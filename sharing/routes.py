"""Routes: opened, changed, paused, retired.

Each is one audited transaction that also moves the lanes.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import time
from uuid import UUID

from django.core.exceptions import ValidationError

from accounts.models import Athlete, Organisation
from audit.log import Log, audited_atomic
from audit.retrying import retried
from destinations import registry
from destinations.models import Destination
from plans.fields import MINIMAL_FIELDS, SESSION_FIELDS
from sharing import fan_out
from sharing.models import Drift, Plan, Route

DEFAULT_PURPOSE = "carry out the plan"


@dataclass(frozen=True, kw_only=True)
class RouteSettings:
    """What a person may choose about a route."""

    name: str
    purpose: str
    fields: Mapping[str, str] = field(
        default_factory=lambda: dict.fromkeys(sorted(MINIMAL_FIELDS), DEFAULT_PURPOSE)
    )
    plan_kind: str = Plan.Kind.ROLLING
    audience: str = Route.Audience.EVERYONE
    athletes: Collection[UUID] = ()
    cadence: str = Route.Cadence.REAL_TIME
    local_time: time = time(2, 0)
    weekday: int = 6
    urgent_at_once: bool = True
    drift_policy: Mapping[str, str] = field(default_factory=dict)


@retried
def open_route(organisation: Organisation, destination: Destination, wish: RouteSettings) -> Route:
    """Create the route, and promise the newest version of every plan it covers."""
    _check(organisation, destination, wish)
    with audited_atomic() as log:
        _one_after_the_other(organisation.pk)
        _check_overlap(destination, wish)
        route = Route(organisation=organisation, destination=destination)
        _apply(route, wish)
        route.audit_entry_id = _record(route, "opened", log)
        route.save(force_insert=True)
        route.athletes.set(_athletes(organisation, wish))
        fan_out.share_newest(fan_out.open_lanes(route, log), log)
    return route


@retried
def change(route: Route, wish: RouteSettings) -> Route:
    """Change a route: who is no longer covered loses what was written, everyone else gets the
    newest rendering.
    """
    _check(route.organisation, route.destination, wish)
    with audited_atomic() as log:
        _one_after_the_other(route.organisation_id)
        _check_overlap(route.destination, wish, ignoring=route)
        route = Route.objects.select_for_update(no_key=True).get(pk=route.pk)
        _apply(route, wish)
        route.audit_entry_id = _record(route, "changed", log)
        route.save()
        route.athletes.set(_athletes(route.organisation, wish))
        covered = fan_out.open_lanes(route, log)
        keep = {lane.pk for lane in covered}
        fan_out.take_back([lane for lane in fan_out.lanes_on(route) if lane.pk not in keep], log)
        fan_out.share_newest(covered, log)
    return route


@retried
def set_state(route: Route, state: Route.State) -> Route:
    """Pause or resume: the queue is kept.

    Retire: everything written on this route is taken back.
    """
    with audited_atomic() as log:
        route = Route.objects.select_for_update(no_key=True).get(pk=route.pk)
        if route.state == state:
            return route
        route.state = state
        route.audit_entry_id = _record(route, state.value, log)
        route.save(update_fields=["state", "audit_entry"])
        if state == Route.State.RETIRED:
            fan_out.take_back(fan_out.lanes_on(route), log)
    return route


def _apply(route: Route, wish: RouteSettings) -> None:
    route.name = wish.name
    route.purpose = wish.purpose
    route.fields = dict(wish.fields)
    route.plan_kind = wish.plan_kind
    route.audience = wish.audience
    route.cadence = wish.cadence
    route.local_time = wish.local_time
    route.weekday = wish.weekday
    route.urgent_at_once = wish.urgent_at_once
    route.drift_policy = dict(wish.drift_policy)


def _athletes(organisation: Organisation, wish: RouteSettings) -> list[Athlete]:
    chosen = Athlete.objects.filter(organisation=organisation, pk__in=list(wish.athletes))
    return list(chosen.exclude(state__in=Athlete.LEAVING))


def _check(organisation: Organisation, destination: Destination, wish: RouteSettings) -> None:
    """Refuse what cannot be meant, in words that say what to do."""
    if destination.organisation_id != organisation.pk:
        raise ValidationError("Choose a destination of your own organisation.")
    if not wish.purpose.strip():
        raise ValidationError({"purpose": "Say what this route is for."})
    unknown = set(wish.fields) - set(SESSION_FIELDS)
    if unknown:
        raise ValidationError({"fields": f"Unknown fields: {', '.join(sorted(unknown))}."})
    unexplained = sorted(name for name, purpose in wish.fields.items() if not purpose.strip())
    if unexplained:
        raise ValidationError({"fields": f"Say why these leave: {', '.join(unexplained)}."})
    _check_drift_policy(destination, wish)


def _check_drift_policy(destination: Destination, wish: RouteSettings) -> None:
    if not wish.drift_policy:
        return
    able = registry.adapter_class(destination.kind).capabilities
    if not able.read_back:
        words = f"{destination.name} cannot be read back: nothing is ever found to differ there."
        raise ValidationError({"drift_policy": words})
    unknown = set(wish.drift_policy) - {*able.compared, Drift.Kind.MISSING, Drift.Kind.EXTRA}
    if unknown:
        words = f"These are not compared there: {', '.join(sorted(unknown))}."
        raise ValidationError({"drift_policy": words})
    if not set(wish.drift_policy.values()) <= set(Route.OnDrift.values):
        choices = ", ".join(Route.OnDrift.values)
        raise ValidationError({"drift_policy": f"Choose one of these for each: {choices}."})


def _one_after_the_other(organisation: UUID) -> None:
    """Routes of an organisation are opened and changed in turn.

    The destination's row would do, but whoever settles an attempt locks that after the lane.
    """
    Organisation.objects.select_for_update(no_key=True).get(pk=organisation)


def _check_overlap(
    destination: Destination, wish: RouteSettings, ignoring: Route | None = None
) -> None:
    """Two routes with the same athlete and destination would write everything twice."""
    others = Route.objects.filter(destination=destination).exclude(state=Route.State.RETIRED)
    if ignoring is not None:
        others = others.exclude(pk=ignoring.pk)
    for other in others:
        everyone = Route.Audience.EVERYONE in {other.audience, wish.audience}
        if everyone or other.athletes.filter(pk__in=list(wish.athletes)).exists():
            raise ValidationError(
                f"“{other.name}” already carries these athletes to {destination.name}. "
                "Change that route, or choose other athletes."
            )


def _record(route: Route, what: str, log: Log) -> UUID:
    return log.record(
        f"route.{what}", organisation=route.organisation_id, destination=route.destination_id
    )
