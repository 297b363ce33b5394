"""The canonical plan as it is given to other software: the newest version and where it stands."""

from typing import Any

from plans.model import DestinationStatus
from sharing.models import Plan
from sharing.selectors import plans


def newest_document(plan: Plan) -> dict[str, Any] | None:
    """`plan` as plan.v1 with its `destinationStatus`, and `summary`. None before version 1."""
    version = plans.newest_version(plan)
    if version is None:
        return None
    status = tuple(_status(at) for at in plans.at_destinations(plan))
    canonical = version.canonical().model_copy(update={"destination_status": status})
    return {"plan": canonical.model_dump(mode="json", by_alias=True), "summary": version.summary()}


def _status(at: plans.AtDestination) -> DestinationStatus:
    latest, holds = at.latest, at.holds
    return DestinationStatus(
        destination=at.destination.name,
        kind=at.destination.kind,
        status=latest.state if latest else "waiting",
        version=holds.version.version if holds else None,
        at=holds.settled_at if holds else None,
    )
