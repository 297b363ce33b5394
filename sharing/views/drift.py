"""Drift: what destinations show otherwise than it was written, and what is done about it."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts import roles
from accounts.models import User
from destinations.models import Destination
from sharing import mass_change
from sharing.bulk import putting_back
from sharing.bulk.refusing import NotPossible
from sharing.drift import asking, repairing, restoring, words
from sharing.models import Drift
from sharing.selectors import drift as selectors
from sharing.views import returning
from sharing.views.asking import own, page_of, person

MANAGE = "manage_destination"


@dataclass(frozen=True)
class Lost:
    """A destination where so much differs that nothing is put back before a person confirms."""

    destination: Destination
    waiting: int
    missing: int
    may_confirm: bool
    why_not: str  # a person who may confirm it, but not so much alone


def drifts(request: HttpRequest) -> HttpResponse:
    user = person(request, "view_athlete")
    shelf = request.GET.get("show", "open")
    if shelf not in selectors.SHELVES:
        shelf = "open"
    chosen = _chosen(request, user)
    page = page_of(request, selectors.shelf(user, shelf, chosen.pk if chosen else None))
    context = {
        "page": page, "rows": [words.shown(row) for row in page.object_list], "shelf": shelf,
        "destination": chosen, "lost": _lost(user, chosen),
        "may_settle": roles.may(user, "redeliver"),
        "checks": selectors.checks(user, chosen.pk if chosen else None)[:5],
        "partial": selectors.partial(user, chosen.pk if chosen else None).exists(),
    }  # fmt: skip
    return render(request, "sharing/drift.html", context)


def checks(request: HttpRequest) -> HttpResponse:
    user = person(request, "view_destination")
    chosen = _chosen(request, user)
    rows = selectors.checks(user, chosen.pk if chosen else None)
    context = {
        "page": page_of(request, rows), "destination": chosen,
        "may_see": roles.may(user, "view_athlete"),
    }  # fmt: skip
    return render(request, "sharing/drift_checks.html", context)


@require_POST
def repair(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _settle(request, pk, repairing.repair, "The plan’s own is put back; it is on its way.")


@require_POST
def keep(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _settle(request, pk, repairing.keep, "Kept as it is there.")


@require_POST
def undo(request: HttpRequest, pk: UUID) -> HttpResponse:
    said = "Taken back: what was read there is written again, and kept."
    return _settle(request, pk, repairing.undo, said)


@require_POST
def check(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Read this destination back now, that is, as soon as a worker is free."""
    destination = _to_manage(request, pk)
    try:
        asking.ask(destination, person(request))
    except asking.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{destination.name} is being read back.")
    return redirect("destination", pk)


@require_POST
def restore(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The one confirmation that a destination which lost its data gets it back."""
    destination = _to_manage(request, pk)
    try:
        count = putting_back.restore(destination, person(request))
    except NotPossible as refusal:
        messages.error(request, str(refusal))
    else:
        differences = f"{count} difference{'' if count == 1 else 's'}"
        messages.success(request, f"{differences} at {destination.name}: being put back.")
    return redirect(returning.address(request, reverse("drift")))


def _settle(
    request: HttpRequest, pk: UUID, service: Callable[[Drift, User], Drift], said: str
) -> HttpResponse:
    user = person(request)
    row = own(selectors.drifts(user), pk)
    roles.require(user, "redeliver", row.lane.plan.athlete)
    try:
        service(row, user)
    except repairing.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, said)
    return redirect(returning.address(request, reverse("drift")))


def _chosen(request: HttpRequest, user: User) -> Destination | None:
    """The destination of the filter; what makes no sense filters nothing."""
    try:
        wish = UUID(request.GET.get("destination", ""))
    except ValueError:
        return None
    return own(Destination.objects.for_user(user), wish)


def _lost(user: User, chosen: Destination | None) -> list[Lost]:
    places = Destination.objects.for_user(user).order_by("name")
    if chosen is not None:
        places = places.filter(pk=chosen.pk)
    found = []
    for place in places.filter(lanes__drifts__state=Drift.State.OPEN).distinct():
        waiting = restoring.waiting_for_confirmation(place)
        checked = place.drift_checks.filter(state__in=asking.UNDER_WAY).exists()
        if not checked and (count := waiting.count()) > mass_change.FEW:
            missing = waiting.filter(kind=Drift.Kind.MISSING).count()
            may = roles.may(user, MANAGE, place)
            why_not = putting_back.why_not(place, user) if may else ""
            found.append(Lost(place, count, missing, may, why_not))
    return found


def _to_manage(request: HttpRequest, pk: UUID) -> Destination:
    user = person(request, MANAGE)
    destination = own(Destination.objects.for_user(user), pk)
    roles.require(user, MANAGE, destination)
    return destination
