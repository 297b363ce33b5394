"""A plan, its versions and where each stands."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from accounts import roles
from sharing import pinned
from sharing.models import Plan, PlanVersion, RemoteRecord
from sharing.selectors import deliveries as delivery_selectors
from sharing.selectors import plans as selectors
from sharing.selectors.weeks import Week, volume, weeks
from sharing.views.asking import own, page_of, person

VERSIONS = 10


def plan(request: HttpRequest, pk: UUID) -> HttpResponse:
    user = person(request, "view_athlete")
    shown = own(selectors.plans(user), pk)
    version = selectors.newest_version(shown)
    context: dict[str, Any] = {
        "plan": shown, "version": version, "at": selectors.at_destinations(shown),
        "pins": pinned.pins(shown), "may_roll_back": roles.may(user, "roll_back", shown),
        "page": page_of(request, selectors.versions(shown), VERSIONS),
    }  # fmt: skip
    if version:
        grid = _grid(version)
        context |= {"canonical": version.canonical(), "weeks": grid, "bars": volume(grid)}
    return render(request, "sharing/plan.html", context)


def plan_status(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The live part of the plan's page."""
    shown: Plan = own(selectors.plans(person(request, "view_athlete")), pk)
    context = {"at": selectors.at_destinations(shown)}
    return render(request, "sharing/at_destinations.html", context)


def plan_version(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    user = person(request, "view_athlete")
    version = selectors.version_of(pk, number, user)
    if version is None:
        raise Http404
    records = RemoteRecord.objects.for_user(user).filter(lane__plan=pk, version=number)
    context = {
        "version": version, "weeks": _grid(version),
        "may_roll_back": roles.may(user, "roll_back", version.plan),
        "deliveries": delivery_selectors.deliveries(user).filter(version=version),
        "records": records.select_related("lane__destination").order_by("item_key")[:500],
    }  # fmt: skip
    return render(request, "sharing/plan_version.html", context)


def _grid(version: PlanVersion) -> list[Week]:
    return weeks(version.canonical(), selectors.local_today(version.plan.athlete))
