"""Retiring or narrowing a route takes back what it wrote. Above the role's limit a second person
sees a preview first.
"""

from django.db.models import QuerySet

from accounts.models import User
from sharing import routes
from sharing.bulk import limits
from sharing.bulk.refusing import NotPossible
from sharing.models import Lane, Route
from sharing.routes import RouteSettings


def retire(route: Route, by: User) -> Route:
    """End the route. What is too much for one person alone goes by a bulk action first."""
    _alone(route, _holding(route), by, "retire the route")
    return routes.set_state(route, Route.State.RETIRED)


def change(route: Route, wish: RouteSettings, by: User) -> Route:
    """Change the route. Who it no longer covers loses what was written, within the same limit."""
    _alone(route, _no_longer_covered(route, wish), by, "change the route")
    return routes.change(route, wish)


def _alone(route: Route, losing: QuerySet[Lane], by: User, then: str) -> None:
    lanes = losing.count()
    if limits.needs_second(by, route.organisation, lanes):
        raise NotPossible(
            f"This would take back {lanes} plans at once, more than you may alone. Take them "
            "back by a roll back to nothing, which shows a preview and asks a second person; "
            f"then {then}."
        )


def _holding(route: Route) -> QuerySet[Lane]:
    """Lanes whose destination has something of this route, or will have."""
    return route.lanes.filter(desired__gt=0).exclude(state=Lane.State.CLOSED)


def _no_longer_covered(route: Route, wish: RouteSettings) -> QuerySet[Lane]:
    holding = _holding(route)
    if wish.plan_kind != route.plan_kind:
        return holding
    if wish.audience == Route.Audience.CHOSEN:
        return holding.exclude(plan__athlete__in=list(wish.athletes))
    return holding.none()
