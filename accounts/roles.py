"""Who may do what: one table, asked everywhere. What is not in it is not allowed."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Model

from accounts.models import Athlete, Membership, Organisation, User

Role = Membership.Role

SEE = frozenset(
    {"view_athlete", "view_consent", "view_destination", "view_route", "view_connection"}
)
COACHING = SEE | {
    "manage_athlete",
    "manage_connection",
    "manage_route",
    "manage_destination",
    "record_consent",
    "redeliver",
    "view_quarantine",
    "replay_quarantine",
}
ADMINISTRATION = COACHING | {"view_audit", "manage_member", "manage_organisation"}

PERMISSIONS: dict[str, frozenset[str]] = {
    Role.OWNER: ADMINISTRATION,
    Role.ADMIN: ADMINISTRATION,
    Role.COACH: COACHING,
    Role.ASSISTANT: SEE | {"redeliver"},
    Role.DESTINATION_OWNER: frozenset({"view_destination", "manage_destination", "view_route"}),
    Role.AUDITOR: SEE | {"view_audit", "view_quarantine"},
}


def may(user: User, permission: str, obj: Model | None = None) -> bool:
    """Whether this person may, anywhere, or in the organisation that the object belongs to."""
    memberships = Membership.objects.filter(user=user)
    if obj is not None:
        memberships = memberships.filter(organisation=organisation_of(obj))
    return any(
        permission in PERMISSIONS[role] for role in memberships.values_list("role", flat=True)
    )


def require(user: User, permission: str, obj: Model | None = None) -> None:
    if not may(user, permission, obj):
        raise PermissionDenied("Your role does not allow this. Ask an owner or admin.")


def organisation_of(obj: Any) -> Organisation:
    if isinstance(obj, Organisation):
        return obj
    if isinstance(obj, Athlete):
        return obj.organisation
    for path in ("organisation", "athlete", "plan", "lane", "version", "source", "delivery"):
        if hasattr(obj, path):
            return organisation_of(getattr(obj, path))
    raise TypeError(f"{type(obj).__name__} belongs to no organisation.")
