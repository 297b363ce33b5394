"""Jobs that run once per period, however many pumps and schedulers there are: a leased row for
each.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F

from sharing import clock
from sharing.models import PeriodicJob
from sharing.models.base import LONG_AGO

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)


@dataclass(frozen=True)
class Job:
    name: str
    every: Callable[[], timedelta]
    run: Callable[[], object]


_jobs: dict[str, Job] = {}


def register(name: str, every: Callable[[], timedelta], run: Callable[[], object]) -> None:
    _jobs[name] = Job(name, every, run)


def run_due() -> bool:
    """Run one job that is due. False when none is."""
    now = clock.now()
    known = set(PeriodicJob.objects.values_list("name", flat=True))
    for name in set(_jobs) - known:
        PeriodicJob.objects.get_or_create(name=name)
    due = PeriodicJob.objects.filter(next_run_at__lte=now, lease_until__lt=now, name__in=_jobs)
    for row in due.order_by("next_run_at"):
        if _claim(row):
            _run(_jobs[row.name], row.epoch + 1)
            return True
    return False


def _claim(row: PeriodicJob) -> bool:
    with transaction.atomic():
        now = clock.now()
        return bool(
            PeriodicJob.objects.filter(pk=row.pk, epoch=row.epoch, lease_until__lt=now).update(
                lease_until=now + LEASE, epoch=F("epoch") + 1
            )
        )


def _run(job: Job, epoch: int) -> None:
    failure = ""
    try:
        job.run()
    except Exception as error:
        logger.exception("The periodic job %s failed.", job.name)
        failure = type(error).__name__
    now = clock.now()
    PeriodicJob.objects.filter(pk=job.name, epoch=epoch).update(
        lease_until=LONG_AGO,
        next_run_at=now + job.every(),
        last_error=failure,
        **({} if failure else {"last_ok_at": now}),
    )
