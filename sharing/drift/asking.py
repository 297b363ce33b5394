"""Asking for a check of a destination: by a person, every night, again after an incomplete one."""

from datetime import datetime, timedelta

from accounts.models import User
from audit.log import audited_atomic
from audit.retrying import retried
from destinations import registry
from destinations.models import Destination
from destinations.port import ReadBack
from sharing import clock, wake
from sharing.models import DriftCheck

EVERY = timedelta(hours=24)
AFTER_INCOMPLETE = timedelta(hours=3)
UNDER_WAY = (DriftCheck.State.WAITING, DriftCheck.State.RUNNING)


class Refused(Exception):  # noqa: N818 - reads as the sentence it is
    """Why this destination cannot be checked, in words for the person who asked."""


def can_read(destination: Destination) -> bool:
    return issubclass(registry.adapter_class(destination.kind), ReadBack)


@retried
def ask(destination: Destination, by: User | None = None) -> DriftCheck:
    """A check as soon as a worker is free; the one that is under way, if there is one."""
    if not can_read(destination):
        raise Refused("This kind of destination cannot be read back: nothing can be compared.")
    if destination.state != Destination.State.ACTIVE:
        raise Refused("The destination is not active: resume it, then check.")
    with audited_atomic() as log:
        Destination.objects.select_for_update(no_key=True).get(pk=destination.pk)
        under_way = destination.drift_checks.filter(state__in=UNDER_WAY).first()
        if under_way is not None:
            return under_way
        check = DriftCheck(
            organisation_id=destination.organisation_id,
            destination=destination,
            asked_by=by,
            asked_at=clock.now(),
        )
        check.audit_entry_id = log.record(
            "drift.check.asked",
            organisation=destination.organisation_id,
            destination=destination.pk,
        )
        check.save(force_insert=True)
    wake.wake()
    return check


def ask_due() -> int:
    """A check for every destination that has had none for a day, or whose last one was incomplete
    some hours ago.
    """
    asked, now = 0, clock.now()
    for destination in Destination.objects.filter(
        state=Destination.State.ACTIVE, created_at__lte=now - EVERY
    ).exclude(drift_checks__state__in=UNDER_WAY):
        if can_read(destination) and _is_time(destination, now):
            ask(destination)
            asked += 1
    return asked


def _is_time(destination: Destination, now: datetime) -> bool:
    last = destination.drift_checks.order_by("-asked_at").first()
    if last is None:
        return True
    pause = EVERY if last.state == DriftCheck.State.DONE else AFTER_INCOMPLETE
    return last.asked_at <= now - pause
