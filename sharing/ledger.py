"""The conservation ledger: every promise that was accepted has a place, and only one.

The two sides are counted from different rows: what was accepted from the lanes' own
counters, where it ended from the deliveries.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from django.db.models import CharField, Count, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from sharing.models import Delivery, Lane

ACCEPTED = "accepted"
MOST_NAMED = 10  # promises of one lane


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
    return total(by_destination(organisation).values())


def total(ledgers: Iterable[Ledger]) -> Ledger:
    accepted, ended = 0, dict.fromkeys(Delivery.State.values, 0)
    for each in ledgers:
        accepted += each.accepted
        ended = {state: count + each.ended[state] for state, count in ended.items()}
    return Ledger(accepted, ended)


def by_destination(organisation: UUID | None = None) -> dict[UUID, Ledger]:
    """The ledger of each destination that was ever promised anything.

    One statement, so that a promise made meanwhile is on both sides or on none.
    """
    lanes, deliveries = Lane.objects.order_by(), Delivery.objects.order_by()
    if organisation is not None:
        lanes = lanes.filter(route__organisation=organisation)
        deliveries = deliveries.filter(lane__route__organisation=organisation)
    accepted = lanes.values_list("destination").annotate(
        place=Value(ACCEPTED, CharField()), how_many=Sum("desired")
    )
    ended = deliveries.values_list("lane__destination").annotate(
        place=F("state"), how_many=Count("pk")
    )
    counted: dict[UUID, dict[str, int]] = {}
    for destination, place, how_many in accepted.union(ended, all=True):
        counted.setdefault(destination, {})[place] = int(how_many)
    return {destination: _ledger(places) for destination, places in counted.items()}


def _ledger(places: Mapping[str, int]) -> Ledger:
    ended = {state: places.get(state, 0) for state in Delivery.State.values}
    return Ledger(places.get(ACCEPTED, 0), ended)


def gaping(organisation: UUID | None = None) -> QuerySet[Lane]:
    """The lanes whose promises do not add up."""
    own = Delivery.objects.filter(lane=OuterRef("pk")).order_by()
    lanes = Lane.objects.annotate(
        made=Coalesce(Subquery(own.values("lane").annotate(n=Count("*")).values("n")), 0),
        newest=Coalesce(Subquery(own.order_by("-revision").values("revision")[:1]), 0),
    )
    if organisation is not None:
        lanes = lanes.filter(route__organisation=organisation)
    waiting = Delivery.objects.filter(state=Delivery.State.WAITING).order_by().values("lane")
    forgotten = Q(settled__gte=F("desired"), state=Lane.State.ACTIVE, pk__in=waiting)
    adds_up = Q(made=F("desired"), newest=F("desired")) & ~forgotten
    return lanes.filter(~adds_up)


def lanes_with_a_gap(organisation: UUID | None = None) -> list[UUID]:
    """Their names."""
    return list(gaping(organisation).values_list("pk", flat=True))


def without_a_place(lanes: Collection[UUID]) -> dict[UUID, list[int]]:
    """Which promises of these lanes do not add up, by revision: the first few of each.

    Counted but not there, there but not counted, or still waiting where nothing is owed.
    """
    there: dict[UUID, dict[int, str]] = {lane: {} for lane in lanes}
    promised = Delivery.objects.filter(lane__in=lanes).order_by()
    for lane, revision, state in promised.values_list("lane", "revision", "state"):
        there[lane][revision] = state
    counters = Lane.objects.filter(pk__in=lanes).values_list("pk", "desired", "settled")
    return {
        lane: list(islice(_odd(there[lane], desired, over=settled >= desired), MOST_NAMED))
        for lane, desired, settled in counters
    }


def _odd(there: Mapping[int, str], desired: int, *, over: bool) -> Iterator[int]:
    yield from (revision for revision in range(1, desired + 1) if revision not in there)
    for revision, state in sorted(there.items()):
        if revision > desired or (over and state == Delivery.State.WAITING):
            yield revision
