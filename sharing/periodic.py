"""Jobs that run once per period, however many pumps and schedulers there are: a leased row for
each.

The lease is as short as any and is renewed while the job runs, so that a job whose process was
killed goes on elsewhere within a minute, and one that takes half an hour is not run twice.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F

from audit.retrying import retried
from sharing import clock
from sharing.models import PeriodicJob
from sharing.models.base import LONG_AGO

logger = logging.getLogger(__name__)

RENEWALS = 3  # in the time of a lease


@dataclass(frozen=True)
class Job:
    name: str
    every: Callable[[], timedelta]
    run: Callable[[], object]


_jobs: dict[str, Job] = {}


def register(name: str, every: Callable[[], timedelta], run: Callable[[], object]) -> None:
    _jobs[name] = Job(name, every, run)


def names() -> set[str]:
    """The jobs of this release; a row of an older one is nobody's."""
    return set(_jobs)


def run_due(*, only: Set[str] | None = None, without: Set[str] = frozenset()) -> bool:
    """Run one job that is due, of these. False when none is."""
    wanted = _jobs.keys() - without if only is None else _jobs.keys() & only
    now = clock.now()
    due = [row for row in _rows(wanted) if row.next_run_at <= now and row.lease_until < now]
    for row in sorted(due, key=lambda row: row.next_run_at):
        if _claim(row):
            _run(_jobs[row.name], row.epoch + 1)
            return True
    return False


def _rows(names: Set[str]) -> list[PeriodicJob]:
    """The row of each, made where there is none yet: one question, as every look asks it."""
    rows = PeriodicJob.objects.in_bulk()
    made = [PeriodicJob.objects.get_or_create(name=name)[0] for name in names - rows.keys()]
    return [row for name, row in rows.items() if name in names] + made


@retried
def _claim(row: PeriodicJob) -> bool:
    with transaction.atomic():
        now = clock.now()
        return bool(
            PeriodicJob.objects.filter(pk=row.pk, epoch=row.epoch, lease_until__lt=now).update(
                lease_until=now + settings.BATON_LEASE, epoch=F("epoch") + 1
            )
        )


def _run(job: Job, epoch: int) -> None:
    failure = ""
    try:
        with _kept(job, epoch):
            job.run()
    except Exception as error:
        logger.exception("The periodic job %s failed.", job.name)
        failure = type(error).__name__
    _settle(job, epoch, failure)


@contextmanager
def _kept(job: Job, epoch: int) -> Iterator[None]:
    """Renew the lease from a thread beside the job, for as long as this process lives."""
    ended = threading.Event()
    beside = threading.Thread(target=_renew, args=(job, epoch, ended), name=job.name, daemon=True)
    beside.start()
    try:
        yield
    finally:
        ended.set()
        beside.join()


def _renew(job: Job, epoch: int, ended: threading.Event) -> None:
    pause = settings.BATON_LEASE / RENEWALS
    while not ended.wait(pause.total_seconds()):
        try:
            until = clock.now() + settings.BATON_LEASE
            PeriodicJob.objects.filter(pk=job.name, epoch=epoch).update(lease_until=until)
        except DatabaseError:
            logger.warning("The lease of the periodic job %s could not be renewed.", job.name)
        finally:
            connection.close()


@retried
def _settle(job: Job, epoch: int, failure: str) -> None:
    now = clock.now()
    PeriodicJob.objects.filter(pk=job.name, epoch=epoch).update(
        lease_until=LONG_AGO,
        next_run_at=now + job.every(),
        last_error=failure,
        **({} if failure else {"last_ok_at": now}),
    )
