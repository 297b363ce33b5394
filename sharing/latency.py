"""How long calls take. Each process counts its own in memory and adds them up now and then.

A histogram costs the same whatever is counted in it. Its buckets grow by a fifth each, so a
quantile is right to within a fifth. What a killed process had not yet added is missing.
"""

import logging
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any, NamedTuple
from uuid import UUID

from django.db import Error, connection, transaction

from audit.retrying import retried
from sharing import clock
from sharing.models import Latency

logger = logging.getLogger(__name__)

SHORTEST, LONGEST, GROWTH = 0.001, 120.0, 1.2  # seconds
BETWEEN = 10.0  # seconds between two additions
KEPT = timedelta(days=2)


def _bounds() -> Iterator[float]:
    bound = SHORTEST
    while bound < LONGEST:
        yield bound
        bound *= GROWTH


BOUNDS = tuple(_bounds())  # the longest call of each bucket, seconds; one more bucket for the rest


class Endpoint(NamedTuple):
    name: str
    destination: UUID | None = None


_lock = threading.Lock()
_counted: dict[Endpoint, Counter[int]] = {}
_added_at = 0.0


@contextmanager
def timed(name: str, destination: UUID | None = None) -> Iterator[None]:
    """Count how long this takes, whatever comes of it."""
    began = time.monotonic()
    try:
        yield
    finally:
        count(Endpoint(name, destination), time.monotonic() - began)


def count(endpoint: Endpoint, seconds: float) -> None:
    with _lock:
        _counted.setdefault(endpoint, Counter())[bisect_left(BOUNDS, seconds)] += 1


def add_up() -> None:
    """Add what this process has counted to the rows, unless it did so a moment ago."""
    global _added_at  # noqa: PLW0603 - one moment for all threads of the process
    with _lock:
        if not _counted or time.monotonic() - _added_at < BETWEEN:
            return
        taken = dict(_counted)
        _counted.clear()
        _added_at = time.monotonic()
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    for endpoint in sorted(taken, key=str):
        _add(endpoint, hour, taken[endpoint])


def add_up_beside() -> threading.Event:
    """Where no pump runs: a thread that adds up now and then, until the event is set."""
    ended = threading.Event()
    threading.Thread(target=_go_on, args=(ended,), name="latencies", daemon=True).start()
    return ended


def _go_on(ended: threading.Event) -> None:
    while not ended.wait(BETWEEN):
        try:
            add_up()
        except Error as error:
            logger.warning("How long calls took could not be kept (%s).", error)
        except Exception:
            logger.exception("Adding up how long calls took met a fault; it goes on.")
        finally:
            connection.close()


@retried
def _add(endpoint: Endpoint, hour: datetime, more: Counter[int]) -> None:
    about: dict[str, Any] = {
        "endpoint": endpoint.name,
        "destination_id": endpoint.destination,
        "hour": hour,
    }
    Latency.objects.get_or_create(**about)
    with transaction.atomic():
        row = Latency.objects.select_for_update(of=("self",), no_key=True).get(**about)
        row.counts = [n + more[bucket] for bucket, n in enumerate(_whole(row.counts))]
        row.save(update_fields=["counts"])


def _whole(counts: Sequence[int]) -> list[int]:
    return [*counts, *[0] * (len(BOUNDS) + 1 - len(counts))]


def together(histograms: Sequence[Sequence[int]]) -> list[int]:
    return [sum(column) for column in zip(*map(_whole, histograms), strict=True)]


def quantile(counts: Sequence[int], share: float) -> float:
    """The seconds within which this share of the calls was over; at least one was counted."""
    wanted = share * sum(counts)
    bucket = next(at for at, so_far in enumerate(accumulate(counts)) if so_far >= wanted)
    return BOUNDS[min(bucket, len(BOUNDS) - 1)]


def forget_old() -> int:
    count_, _ = Latency.objects.filter(hour__lt=clock.now() - KEPT).delete()
    return count_
