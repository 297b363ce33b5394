"""What every API view asks first: who is this, and may they? And how a refusal is said."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError as Refusal
from rest_framework.exceptions import NotAuthenticated, ValidationError
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts import roles
from accounts.models import Organisation, User


class Permitted(BasePermission):
    """The view names what reading and writing it need; a view that names nothing allows nothing."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        needed = _needed(request, view)
        return isinstance(request.user, User) and bool(needed) and roles.may(request.user, needed)

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:
        needed = _needed(request, view)
        return isinstance(request.user, User) and roles.may(request.user, needed, obj)


def _needed(request: Request, view: APIView) -> str:
    name = "read_permission" if request.method in SAFE_METHODS else "write_permission"
    return str(getattr(view, name, ""))


def person(request: Request) -> User:
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


def organisation_of(user: User, permission: str) -> Organisation:
    """The organisation in which this person may; somebody with several works in the first."""
    for organisation in Organisation.objects.for_user(user).order_by("created_at"):
        if roles.may(user, permission, organisation):
            return organisation
    raise ValidationError("You belong to no organisation that allows this.")


@contextmanager
def told() -> Iterator[None]:
    """A service's refusal, in its own words, as the API's 400."""
    try:
        yield
    except Refusal as refusal:
        words = refusal.message_dict if hasattr(refusal, "error_dict") else refusal.messages
        raise ValidationError(words) from refusal
