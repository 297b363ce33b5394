"""Retiring a route takes back all that it wrote. Above the role's limit it is previewed first."""

from accounts.models import User
from sharing import routes
from sharing.bulk import limits
from sharing.bulk.refusing import NotPossible
from sharing.models import Lane, Route


def retire(route: Route, by: User) -> Route:
    """End the route. What is too much for one person alone goes by a bulk action first."""
    lanes = route.lanes.filter(desired__gt=0).exclude(state=Lane.State.CLOSED).count()
    if limits.needs_second(by, route.organisation, lanes):
        raise NotPossible(
            f"This would take back {lanes} plans at once, more than you may alone. Take everything "
            "back by a roll back to nothing, which shows a preview and asks a second person; "
            "then retire the route."
        )
    return routes.set_state(route, Route.State.RETIRED)
