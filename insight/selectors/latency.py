"""How fast the source and the destinations answer: p50, p95 and p99 for each endpoint."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from accounts.models import User
from destinations.models import Destination
from sharing import latency
from sharing.models import Latency

Place = tuple[UUID | None, str, str]  # destination, its name, endpoint

SHARES = (0.5, 0.95, 0.99)
DAY = timedelta(hours=24)
SOURCE = "TrainingPeaks"


@dataclass(frozen=True)
class Answered:
    """One endpoint over the last day: within which time so many of the calls were over."""

    where: str
    endpoint: str
    calls: int
    p50: timedelta
    p95: timedelta
    p99: timedelta


def endpoints(user: User, now: datetime) -> list[Answered]:
    """Those of the source, and of the destinations that this person may see."""
    seen = Q(destination=None) | Q(destination__in=Destination.objects.for_user(user))
    rows = Latency.objects.filter(seen, hour__gt=now - DAY)
    found: dict[Place, list[list[int]]] = defaultdict(list)
    named = rows.values_list("destination", "destination__name", "endpoint", "counts")
    for destination, name, endpoint, counts in named:
        found[destination, name or SOURCE, endpoint].append(counts)
    return sorted(_answered(found), key=_source_first)


def _answered(found: Mapping[Place, Sequence[list[int]]]) -> Iterator[Answered]:
    for (_, where, endpoint), histograms in found.items():
        counts = latency.together(histograms)
        if sum(counts):
            within = [timedelta(seconds=latency.quantile(counts, share)) for share in SHARES]
            yield Answered(where, endpoint, sum(counts), *within)


def _source_first(row: Answered) -> tuple[bool, str, str]:
    return row.where != SOURCE, row.where.casefold(), row.endpoint
