"""Who may do what: one table, asked everywhere. What is not in it is not allowed."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Model

from accounts import assignments
from accounts.models import Athlete, Membership, Organisation, User

Role = Membership.Role
VIEW = assignments.VIEW
TO_THE_ATHLETE = ("athlete", "plan", "lane", "version", "source", "delivery")

SEE = frozenset(
    {
        "view_athlete",
        "view_consent",
        "view_destination",
        "view_route",
        "view_connection",
        "view_alert",
        "view_cohort",
        "view_stop",
    }
)
COACHING = SEE | {
    "manage_athlete",
    "manage_connection",
    "manage_route",
    "manage_destination",
    "record_consent",
    "redeliver",
    "roll_back",
    "handle_alert",
    "view_quarantine",
    "replay_quarantine",
    "manage_cohort",
    "manage_stop",
}
ADMINISTRATION = COACHING | {
    "view_audit",
    "manage_member",
    "manage_organisation",
    "erase_athlete",
}
ADMINISTRATORS = (Role.OWNER, Role.ADMIN)

PERMISSIONS: dict[str, frozenset[str]] = {
    Role.OWNER: ADMINISTRATION,
    Role.ADMIN: ADMINISTRATION,
    Role.COACH: COACHING,
    Role.ASSISTANT: SEE | {"redeliver", "handle_alert"},
    Role.DESTINATION_OWNER: frozenset(
        {
            "view_destination",
            "manage_destination",
            "view_route",
            "view_alert",
            "handle_alert",
            "view_stop",
            "manage_stop",
        }
    ),
    Role.AUDITOR: SEE | {"view_audit", "view_quarantine"},
}


def may(user: User, permission: str, obj: Model | None = None) -> bool:
    """Whether this person may, anywhere, or with this object in its organisation.

    What concerns an athlete is closed to an assistant to whom the athlete is not assigned.
    """
    memberships = Membership.objects.filter(user=user, user__is_active=True)
    if obj is not None:
        memberships = memberships.filter(organisation=organisation_of(obj))
    allowing = [
        role
        for role in memberships.values_list("role", flat=True)
        if permission in PERMISSIONS[role]
    ]
    if obj is None or allowing != [Role.ASSISTANT]:
        return bool(allowing)
    athlete = athlete_of(obj)
    return athlete is None or bool(user.has_perm(VIEW, athlete))


def require(user: User, permission: str, obj: Model | None = None) -> None:
    if not may(user, permission, obj):
        raise PermissionDenied("Your role does not allow this. Ask an owner or admin.")


def organisation_of(obj: Any) -> Organisation:
    if isinstance(obj, Organisation):
        return obj
    if owner := _followed(obj, "organisation", *TO_THE_ATHLETE):
        return organisation_of(owner)
    raise TypeError(f"{type(obj).__name__} belongs to no organisation.")


def athlete_of(obj: Any) -> Athlete | None:
    """The athlete whom this is about; None for what belongs to the whole organisation."""
    if obj is None or isinstance(obj, Athlete):
        return obj
    return athlete_of(_followed(obj, *TO_THE_ATHLETE))


def _followed(obj: Any, *paths: str) -> Any:
    return next((getattr(obj, path) for path in paths if hasattr(obj, path)), None)
