"""Deliveries as a list and by remote record: which version is behind what a destination holds."""

from collections.abc import Mapping
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from sharing.models import Delivery, PlanVersion, RemoteRecord
from sharing.selectors.searching import findable
from sharing.stops import covering

ROW = ("version", "lane__plan__athlete", "lane__destination", "lane__route")


def deliveries(user: User) -> QuerySet[Delivery]:
    """With all that their rows show, also whether a stop holds them."""
    rows = Delivery.objects.for_user(user).select_related(*ROW)
    return rows.annotate(held=covering.held_deliveries())


def filtered(user: User, wish: Mapping[str, object]) -> QuerySet[Delivery]:
    """By state, destination and athlete; what is not asked for is not filtered."""
    columns = {
        "state": "state",
        "destination": "lane__destination",
        "athlete": "lane__plan__athlete",
    }
    asked = {column: wish[name] for name, column in columns.items() if wish.get(name)}
    return deliveries(user).filter(**asked).order_by("-accepted_at", "-revision")


def remote_records(user: User, remote_id: str) -> list[tuple[RemoteRecord, PlanVersion | None]]:
    """A remote record's id → what we know of it and the version it was written by."""
    if not findable(remote_id):
        return []
    found = (
        RemoteRecord.objects.for_user(user)
        .filter(remote_id=remote_id)
        .select_related("lane__plan__athlete", "lane__destination")[:20]
    )
    return [(record, _version(record.lane.plan_id, record.version)) for record in found]


def _version(plan_id: UUID, number: int) -> PlanVersion | None:
    return PlanVersion.objects.filter(plan_id=plan_id, version=number).first()
