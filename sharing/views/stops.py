"""Stops: what is held back and why, holding something back, and letting it go."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import roles
from accounts.models import Organisation, User
from sharing import stops as services
from sharing.forms import StopForm
from sharing.models import Delivery, Lane, Stop
from sharing.selectors import stops as selectors
from sharing.stops import covering, scopes
from sharing.stops.scopes import Target
from sharing.views import returning
from sharing.views.asking import own, page_of, person

TITLES = {
    "everything": "Stop everything",
    "organisation": "Stop all of {}",
    "destination": "Stop deliveries to {}",
    "route": "Stop the route “{}”",
    "cohort": "Stop deliveries of the cohort {}",
    "athlete": "Stop deliveries of {}",
}


@require_safe
def stops(request: HttpRequest) -> HttpResponse:
    user = _reader(request)
    over = bool(request.GET.get("lifted"))
    page = page_of(request, selectors.lifted(user) if over else selectors.in_force(user))
    context = {
        "page": page, "rows": selectors.shown(page.object_list, user), "lifted": over,
        "organisations": _own_to_stop(user), "may_stop_everything": scopes.may(user, None),
        "may_stop": roles.may(user, "manage_stop"),
    }  # fmt: skip
    return render(request, "sharing/stops.html", context)


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, scope: str, pk: UUID) -> HttpResponse:
    user = _reader(request)
    if scope not in scopes.SCOPES:
        raise Http404
    return _put(request, user, own(scopes.targets(user, scope), pk))


@require_http_methods(["GET", "POST"])
def everything(request: HttpRequest) -> HttpResponse:
    return _put(request, _reader(request), None)


@require_POST
def lift(request: HttpRequest, pk: UUID) -> HttpResponse:
    user = _reader(request)
    stop = own(selectors.visible(user), pk)
    scopes.require(user, scopes.target_of(stop))
    services.lift(stop, by=user)
    messages.success(request, f"{selectors.name_of(stop)}: lifted. What waited goes out now.")
    return redirect(returning.address(request, reverse("stops")))


def _put(request: HttpRequest, user: User, target: Target) -> HttpResponse:
    """The page that asks how and why, and what it leads to."""
    scopes.require(user, target)
    form = StopForm(request.POST or None, everything=target is None)
    if form.is_valid():
        services.put(target, form.cleaned_data["mode"], reason=form.cleaned_data["reason"], by=user)
        messages.success(request, "Stopped. Nothing is lost: it goes out when the stop is lifted.")
        return redirect("stops")
    scope = scopes.scope_of(target)
    context = {
        "form": form, "title": TITLES[scope].format(target), "scope": scope,
        "standing": selectors.on(target), **_reach(target), "back": _page_of(target),
    }  # fmt: skip
    return render(request, "sharing/stop_form.html", context, status=422 if form.is_bound else 200)


def _reach(target: Target) -> dict[str, int]:
    """How much the stop would hold."""
    would = Stop(mode=Stop.Mode.PAUSE, **scopes.columns(target))
    covered = covering.covered_by(would)
    return {
        "plans": Lane.objects.filter(covered).values("plan").distinct().count(),
        "waiting": Delivery.objects.filter(
            lane__in=Lane.objects.filter(covered), state=Delivery.State.WAITING
        ).count(),
    }


def _page_of(target: Target) -> str:
    if target is None or isinstance(target, Organisation):
        return reverse("stops")
    return reverse(scopes.scope_of(target), args=[target.pk])


def _own_to_stop(user: User) -> list[Organisation]:
    own_ones = Organisation.objects.for_user(user).order_by("name")
    return [each for each in own_ones if scopes.may(user, each)]


def _reader(request: HttpRequest) -> User:
    """Whoever may see stops, and whoever runs the installation."""
    user = person(request)
    if not user.is_staff and not roles.may(user, "view_stop"):
        raise PermissionDenied("Your role does not allow this. Ask an owner or admin.")
    return user
