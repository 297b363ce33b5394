"""What every API view asks first: who is this, and may they? And how a refusal is said."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError as Refusal
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import APIException, NotAuthenticated, NotFound, ValidationError
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from accounts import roles
from accounts.models import Organisation, User

ASKED = "organisation"
SEVERAL = "You belong to several organisations: name one with ?organisation=, by its id."
ORGANISATION = OpenApiParameter(
    ASKED,
    OpenApiTypes.UUID,
    description="Which of your organisations. Only who belongs to several must say.",
)


class Conflict(APIException):
    """What was asked does not fit what is there now: the API's 409."""

    status_code = HTTPStatus.CONFLICT
    default_code = "conflict"


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


def organisation_of(request: Request, permission: str) -> Organisation:
    """The one that the address names, or the only one in which this person may."""
    user = person(request)
    if ASKED in request.query_params:
        return _named(user, permission, request.query_params[ASKED])
    able = list(Organisation.objects.allowing(user, permission)[:2])
    if not able:
        raise ValidationError("You belong to no organisation that allows this.")
    if len(able) > 1:
        raise ValidationError({ASKED: SEVERAL})
    return able[0]


def _named(user: User, permission: str, key: str) -> Organisation:
    try:
        found = Organisation.objects.for_user(user).filter(pk=UUID(key)).first()
    except ValueError:
        raise ValidationError({ASKED: "This is not the key of an organisation."}) from None
    if found is None:
        raise NotFound
    roles.require(user, permission, found)
    return found


@contextmanager
def told(serializer: BaseSerializer[Any] | None = None) -> Iterator[None]:
    """A service's refusal, in its own words, as the API's 400. A field of the serializer is named
    as it is on the wire.
    """
    try:
        yield
    except Refusal as refusal:
        raise ValidationError(_words(refusal, serializer)) from refusal


def _words(refusal: Refusal, serializer: BaseSerializer[Any] | None) -> Any:
    if not hasattr(refusal, "error_dict"):
        return refusal.messages
    fields = getattr(serializer, "fields", {})
    on_the_wire = {field.source: name for name, field in fields.items()}
    return {on_the_wire.get(name, name): said for name, said in refusal.message_dict.items()}


@contextmanager
def in_conflict(*refusals: type[Exception]) -> Iterator[None]:
    """These refusals of a service, in its own words, as the API's 409."""
    try:
        yield
    except refusals as refusal:
        raise Conflict(str(refusal)) from refusal
