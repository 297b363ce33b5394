"""Reading differences and checks: whose they are, and how many wait for a person."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from accounts.models import User
from destinations.models import Destination
from sharing import clock
from sharing.models import Drift, DriftCheck, Plan

ROW = ("record", "lane__plan__athlete", "lane__destination", "lane__route")
SHELVES = {
    "open": (Drift.State.OPEN, Drift.State.REPAIRING),
    "kept": (Drift.State.KEPT,),
    "settled": (Drift.State.REPAIRED, Drift.State.VANISHED),
}


def drifts(user: User) -> QuerySet[Drift]:
    return Drift.objects.for_user(user).select_related(*ROW)


def shelf(user: User, name: str, destination: UUID | None = None) -> QuerySet[Drift]:
    """Open with what is being repaired, kept, or settled; newest first."""
    rows = drifts(user).filter(state__in=SHELVES[name])
    if destination is not None:
        rows = rows.filter(lane__destination=destination)
    return rows.order_by("-found_at", "pk")


def of_plan(user: User, plan: Plan) -> QuerySet[Drift]:
    """What differs or was kept, of sessions that are still ahead."""
    today = clock.now().date() - timedelta(days=1)  # wherever the athlete is
    standing = (*SHELVES["open"], *SHELVES["kept"])
    rows = drifts(user).filter(lane__plan=plan, state__in=standing, record__day__gte=today)
    return rows.order_by("record__day", "pk")


def open_by_destination(user: User) -> dict[UUID, int]:
    """Destination → differences not yet settled. Those without any are left out.

    Counted for whoever may see the destination, also where they may not see its athletes.
    """
    rows = Drift.objects.filter(
        state__in=SHELVES["open"], lane__destination__organisation__memberships__user=user
    )
    counted = rows.values_list("lane__destination").annotate(Count("pk", distinct=True))
    return dict(counted.order_by())


def waiting(user: User) -> list[tuple[Destination, int]]:
    """Destinations where differences wait for a person's decision, and how many."""
    rows = drifts(user).filter(state=Drift.State.OPEN).order_by()
    counted = dict(rows.values_list("lane__destination").annotate(Count("pk", distinct=True)))
    places = Destination.objects.filter(pk__in=counted).order_by("name")
    return [(place, counted[place.pk]) for place in places]


def kept_lately(user: User, since: datetime) -> QuerySet[Drift]:
    """Athletes' own changes that the routes kept without asking anybody."""
    kept = drifts(user).filter(state=Drift.State.KEPT, settled_by=None, settled_at__gte=since)
    return kept.order_by("-settled_at")


def checks(user: User, destination: UUID | None = None) -> QuerySet[DriftCheck]:
    rows = DriftCheck.objects.for_user(user).select_related("destination", "asked_by")
    return rows.filter(destination=destination) if destination else rows


def partial(user: User, destination: UUID | None = None) -> QuerySet[DriftCheck]:
    """The last check of each destination, where it did not compare everything, or not yet."""
    same = DriftCheck.objects.filter(destination=OuterRef("destination")).order_by("-asked_at")
    last = checks(user, destination).filter(pk=Subquery(same.values("pk")[:1]))
    return last.filter(~Q(state=DriftCheck.State.DONE) | Q(skipped__gt=0))
