"""Too many failures: of what a route has settled of late, a large share failed for good.

An outage is no breach: while it lasts the breaker holds the lanes, and nothing is given up.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Q

from sharing.guardrails.breach import Breach, looked_at_from
from sharing.models import Attempt, Delivery, Route, Stop

WINDOW = timedelta(hours=1)
FAILED = (Delivery.State.DEAD, Delivery.State.UNKNOWN)
SETTLED = (Delivery.State.DELIVERED, *FAILED)


def breaches(now: datetime) -> Iterator[Breach]:
    for route in Route.objects.filter(
        pk__in=_broken(now - WINDOW), state=Route.State.ACTIVE
    ).select_related("organisation"):
        since = looked_at_from(route, Stop.Guardrail.FAILURES, now, WINDOW)
        settled, failed = _broken(since).get(route.pk, (0, 0))
        if failed:
            yield Breach(
                route,
                Stop.Guardrail.FAILURES,
                f"{failed} of the last {settled} deliveries of this route failed for good.",
            )


def _broken(since: datetime) -> dict[UUID, tuple[int, int]]:
    """Routes over the limit: how many deliveries were settled since, and how many failed."""
    tried = Attempt.objects.filter(settled_at__gte=since, delivery__state__in=SETTLED)
    counted = (
        tried.order_by()
        .values_list("lane__route")
        .annotate(
            settled=Count("delivery", distinct=True),
            failed=Count("delivery", distinct=True, filter=Q(delivery__state__in=FAILED)),
        )
    )
    return {
        route: (settled, failed)
        for route, settled, failed in counted.filter(settled__gte=settings.BATON_GUARD_LEAST)
        if 100 * failed > settings.BATON_GUARD_FAILED_PERCENT * settled
    }
