"""Whether somebody may: the table of rights, asked for a person, anywhere or with one object."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Model

from accounts import assignments
from accounts.models import Athlete, Membership, Organisation, User
from accounts.rights import roles_with

Role = Membership.Role
VIEW = assignments.VIEW
TO_THE_ATHLETE = ("athlete", "plan", "lane", "version", "source", "delivery", "quarantine")

ADMINISTRATORS = (Role.OWNER, Role.ADMIN)


def may(user: User, permission: str, obj: Model | None = None) -> bool:
    """Whether this person may, anywhere, or with this object in its organisation.

    Anywhere opens a page and shows a button; what is done to an object is asked with the object.
    What concerns an athlete is closed to an assistant to whom the athlete is not assigned.
    """
    memberships = Membership.objects.filter(user=user, user__is_active=True)
    if obj is not None:
        memberships = memberships.filter(organisation=organisation_of(obj))
    allowing = list(
        memberships.filter(role__in=roles_with(permission)).values_list("role", flat=True)
    )
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
