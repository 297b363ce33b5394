"""What every page asks first: who is this? A row of another organisation does not exist."""

from typing import TypeVar
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from accounts import roles
from accounts.models import User

M = TypeVar("M", bound=Model)
PAGE = 50


def person(request: HttpRequest, permission: str = "") -> User:
    """The signed-in person, if their role allows this at all."""
    if not isinstance(request.user, User):
        raise Http404
    if permission:
        roles.require(request.user, permission)
    return request.user


def own(rows: QuerySet[M], pk: UUID) -> M:
    return get_object_or_404(rows, pk=pk)


def page_of(request: HttpRequest, rows: QuerySet[M], size: int = PAGE) -> Page[M]:
    """The page asked for; a number that makes no sense is the nearest page that does."""
    return Paginator(rows, size).get_page(request.GET.get("page"))
