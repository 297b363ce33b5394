"""Unusual volume: far more new versions for a destination than its busiest hour ever had.

Counted are versions that were published just now. The first promise of a lane and what a person
asked for in bulk are no burst, nor is an older version that goes out again.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Exists, Max, Min, OuterRef, QuerySet

from destinations.models import Destination
from sharing.guardrails.breach import Breach, looked_at_from
from sharing.models import BulkItem, Delivery, HourlyVolume, Stop

HOUR = timedelta(hours=1)
REMEMBERED = timedelta(days=14)
LEARNED = timedelta(days=3)  # before that, nobody knows what is usual


def breaches(now: datetime) -> Iterator[Breach]:
    _remember(now)
    usual = _usual(now)
    within = _by_destination(_shared(now - HOUR, now))
    for destination in Destination.objects.filter(
        pk__in=[pk for pk, count in within.items() if pk in usual and count > _limit(usual[pk])],
        state=Destination.State.ACTIVE,
    ):
        since = looked_at_from(destination, Stop.Guardrail.VOLUME, now, HOUR)
        count = _shared(since, now).filter(lane__destination=destination).count()
        busiest = usual[destination.pk]
        if count > _limit(busiest):
            yield Breach(
                destination,
                Stop.Guardrail.VOLUME,
                f"{count} new versions within an hour; the busiest hour of the last "
                f"{REMEMBERED.days} days had {busiest}.",
            )


def _limit(busiest: int) -> int:
    return max(settings.BATON_GUARD_FLOOR, settings.BATON_GUARD_FACTOR * busiest)


def _shared(since: datetime, until: datetime) -> QuerySet[Delivery]:
    in_bulk = BulkItem.objects.filter(made=OuterRef("pk"))
    return Delivery.objects.filter(
        ~Exists(in_bulk),
        accepted_at__gte=since,
        accepted_at__lt=until,
        version__published_at__gte=since,
        revision__gt=1,
        intent=Delivery.Intent.SHARE,
    )


def _by_destination(deliveries: QuerySet[Delivery]) -> dict[UUID, int]:
    counted = deliveries.order_by().values_list("lane__destination").annotate(n=Count("pk"))
    return dict(counted)


def _remember(now: datetime) -> None:
    """Write down this hour and, now that it is over, the one before."""
    this = now.replace(minute=0, second=0, microsecond=0)
    hours = [(this - HOUR, this), (this, now)]
    rows = [
        HourlyVolume(destination_id=destination, hour=since, versions=count)
        for since, until in hours
        for destination, count in _by_destination(_shared(since, until)).items()
    ]
    HourlyVolume.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["destination", "hour"],
        update_fields=["versions"],
    )
    HourlyVolume.objects.filter(hour__lt=now - REMEMBERED - HOUR).delete()


def _usual(now: datetime) -> dict[UUID, int]:
    """The busiest hour of each destination that is known for long enough; not the last one."""
    known = HourlyVolume.objects.filter(hour__gte=now - REMEMBERED, hour__lt=now - 2 * HOUR)
    of_each = known.order_by().values("destination")
    learned = of_each.annotate(busiest=Max("versions"), first=Min("hour")).filter(
        first__lte=now - LEARNED
    )
    return dict(learned.values_list("destination", "busiest"))
