"""Retiring or narrowing a route takes back what it wrote. Above the role's limit a second person
sees a preview first.
"""

from django.db.models import QuerySet

from accounts.models import User
from audit import actor
from audit.log import Log, audited_atomic
from audit.retrying import retried
from sharing import routes
from sharing.bulk import lately, limits
from sharing.bulk.refusing import NotPossible
from sharing.models import Lane, Route
from sharing.routes import RouteSettings


@retried
def retire(route: Route, by: User) -> Route:
    """End the route. What is too much for one person alone goes by a bulk action first."""
    with audited_atomic() as log:
        _alone(route, _holding(route), by, "retire the route", log)
        return routes.set_state(route, Route.State.RETIRED)


@retried
def change(route: Route, wish: RouteSettings, by: User) -> Route:
    """Change the route. Who it no longer covers loses what was written, within the same limit."""
    with audited_atomic() as log:
        _alone(route, _no_longer_covered(route, wish), by, "change the route", log)
        return routes.change(route, wish)


def _alone(route: Route, losing: QuerySet[Lane], by: User, then: str, log: Log) -> None:
    """Within the limit with all that this person has taken back alone in the last hour."""
    limits.one_at_a_time(by, route.organisation)
    lanes = losing.count()
    if not lanes:
        return
    before = lately.taken_back(by, route.organisation)
    if limits.needs_second(by, route.organisation, lanes + before):
        raise NotPossible(
            f"This would take back {lanes} plans at once{lately.in_words(before)}, more than you "
            "may alone. Take them back by a roll back to nothing, which shows a preview and asks a "
            f"second person; then {then}."
        )
    log.record(
        lately.TAKING_BACK, actor=actor.user(by.pk), extra={"lanes": lanes},
        organisation=route.organisation_id, destination=route.destination_id,
    )  # fmt: skip


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
