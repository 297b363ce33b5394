"""What can be stopped, and who may stop it: whoever manages a thing may stop it and lift the stop.

Everything at once belongs to no organisation: only who runs the installation may stop that.
"""

from typing import Any, NamedTuple

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet

from accounts import roles
from accounts.models import Athlete, Cohort, Organisation, User
from destinations.models import Destination
from sharing.models import Route, Stop
from sharing.models.stop import EVERYTHING

Target = Organisation | Destination | Route | Cohort | Athlete | None  # None: everything


class Scope(NamedTuple):
    rows: type[Organisation] | type[Destination] | type[Route] | type[Cohort] | type[Athlete]
    permission: str


SCOPES = {
    "organisation": Scope(Organisation, "manage_organisation"),
    "destination": Scope(Destination, "manage_destination"),
    "route": Scope(Route, "manage_route"),
    "cohort": Scope(Cohort, "manage_cohort"),
    "athlete": Scope(Athlete, "manage_athlete"),
}


def scope_of(target: Target) -> str:
    return next(
        (name for name, scope in SCOPES.items() if isinstance(target, scope.rows)), EVERYTHING
    )


def columns(target: Target) -> dict[str, Any]:
    """What a stop of this names; everything it does not name is empty."""
    named: dict[str, Any] = dict.fromkeys(SCOPES)
    if target is not None:
        organisation = target if isinstance(target, Organisation) else target.organisation
        named |= {"organisation": organisation, scope_of(target): target}
    return named


def target_of(stop: Stop) -> Target:
    target: Target = None if stop.scope == EVERYTHING else getattr(stop, stop.scope)
    return target


def targets(user: User, scope: str) -> QuerySet[Any]:
    """What of this sort the person can see at all."""
    rows: QuerySet[Any] = SCOPES[scope].rows.objects.for_user(user)
    return rows


def may(user: User, target: Target) -> bool:
    """Whether this person may stop it, and lift what stops it."""
    if target is None:
        return user.is_active and user.is_staff
    return roles.may(user, SCOPES[scope_of(target)].permission, target)


def require(user: User, target: Target) -> None:
    if not may(user, target):
        raise PermissionDenied("Your role does not allow this. Ask an owner or admin.")
