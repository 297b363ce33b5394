"""The conservation ledger: every promise that was accepted has a place, and only one.

The two sides are counted from different rows: what was accepted from the lanes' own
counters, where it ended from the deliveries.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, F, Q, Sum

from sharing.models import Delivery, Lane


@dataclass(frozen=True)
class Ledger:
    accepted: int
    ended: dict[str, int]  # delivery state → how many

    @property
    def gap(self) -> int:
        """How many promises have no place. Zero, or something is wrong."""
        return self.accepted - sum(self.ended.values())

    @property
    def balanced(self) -> bool:
        return self.gap == 0


def ledger(organisation: UUID | None = None) -> Ledger:
    """Count both sides in one look, for one organisation or for all."""
    lanes, deliveries = Lane.objects.all(), Delivery.objects.all()
    if organisation is not None:
        lanes = lanes.filter(route__organisation=organisation)
        deliveries = deliveries.filter(lane__route__organisation=organisation)
    accepted = lanes.aggregate(total=Sum("desired"))["total"] or 0
    counted = dict(deliveries.values_list("state").annotate(Count("pk")).order_by())
    return Ledger(accepted, {state: counted.get(state, 0) for state in Delivery.State.values})


def lanes_with_a_gap(organisation: UUID | None = None) -> list[UUID]:
    """The lanes whose promises do not add up, by name."""
    lanes = Lane.objects.annotate(
        made=Count("deliveries"),
        owed=Count("deliveries", filter=Q(deliveries__state=Delivery.State.WAITING)),
    )
    if organisation is not None:
        lanes = lanes.filter(route__organisation=organisation)
    forgotten = Q(settled__gte=F("desired"), owed__gt=0, state=Lane.State.ACTIVE)
    return list(lanes.filter(~Q(made=F("desired")) | forgotten).values_list("pk", flat=True))
