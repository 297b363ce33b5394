"""Routes: list, open, change, pause and retire."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts import roles
from accounts.models import Organisation, User
from destinations.models import Destination
from sharing import routes as services
from sharing.advisor import advise
from sharing.bulk import taking_back
from sharing.bulk.forms import NOTHING
from sharing.bulk.refusing import NotPossible
from sharing.drift import policy
from sharing.forms import RouteForm
from sharing.models import Route
from sharing.views.asking import own, person

MANAGE = "manage_route"


def routes(request: HttpRequest) -> HttpResponse:
    user = person(request, "view_route")
    shown = _routes(user).annotate(chosen=Count("athletes")).order_by("state", "name")
    context = {
        "routes": shown, "may_edit": roles.may(user, MANAGE),
        "destinations": _open_destinations(user),
    }  # fmt: skip
    return render(request, "sharing/routes.html", context)


def route(request: HttpRequest, pk: UUID) -> HttpResponse:
    user = person(request, "view_route")
    shown = own(_routes(user), pk)
    context = {
        "route": shown, "may_edit": roles.may(user, MANAGE, shown),
        "athletes": shown.athletes.order_by("name"), "lanes": shown.lanes.count(),
        "advice": advise(shown.organisation_id, shown.destination),
        "on_drift": policy.in_words(shown),
    }  # fmt: skip
    return render(request, "sharing/route.html", context)


def new(request: HttpRequest, destination: UUID) -> HttpResponse:
    user = person(request, MANAGE)
    target = own(Destination.objects.for_user(user), destination)
    roles.require(user, MANAGE, target)
    form = RouteForm(request.POST or None, user=user, destination=target)
    if form.is_valid() and (opened := _save(form, target, None, user)):
        messages.success(request, f"“{opened.name}” is open.")
        return redirect("route", opened.pk)
    return _form(request, form, target, None)


def edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    user, shown = _to_manage(request, pk)
    form = RouteForm(request.POST or None, user=user, destination=shown.destination, route=shown)
    if form.is_valid() and (changed := _save(form, shown.destination, shown, user)):
        messages.success(request, f"“{changed.name}” is saved.")
        return redirect("route", changed.pk)
    return _form(request, form, shown.destination, shown)


@require_POST
def set_state(request: HttpRequest, pk: UUID) -> HttpResponse:
    _, shown = _to_manage(request, pk)
    wish = request.POST.get("state", "")
    if wish not in Route.State.values:
        return HttpResponseBadRequest("Say which state.")
    if wish == Route.State.RETIRED:
        return _retire(request, shown)
    services.set_state(shown, Route.State(wish))
    messages.success(request, f"“{shown.name}” is now {Route.State(wish).label.lower()}.")
    return redirect("route", pk)


def _retire(request: HttpRequest, shown: Route) -> HttpResponse:
    """Where it is too much for one person, the way leads to the same with a preview."""
    try:
        taking_back.retire(shown, person(request))
    except NotPossible as refusal:
        messages.error(request, str(refusal))
        return redirect(f"{reverse('roll_back', args=['route', shown.pk])}?to={NOTHING}")
    messages.success(request, f"“{shown.name}” is now retired.")
    return redirect("route", shown.pk)


def _to_manage(request: HttpRequest, pk: UUID) -> tuple[User, Route]:
    user = person(request, MANAGE)
    shown = own(_routes(user).exclude(state=Route.State.RETIRED), pk)
    roles.require(user, MANAGE, shown)
    return user, shown


def _save(form: RouteForm, target: Destination, route: Route | None, by: User) -> Route | None:
    """The saved route, or None with the service's refusal on the form."""
    try:
        if route is None:
            return services.open_route(target.organisation, target, form.settings())
        return taking_back.change(route, form.settings(), by)
    except ValidationError as refusal:
        form.refused(refusal)
    except NotPossible as refusal:
        form.refused(ValidationError(str(refusal)))
    return None


def _form(
    request: HttpRequest, form: RouteForm, target: Destination, route: Route | None
) -> HttpResponse:
    context = {
        "form": form, "destination": target, "route": route,
        "advice": advise(target.organisation_id, target),
    }  # fmt: skip
    status = 422 if form.is_bound else 200
    return render(request, "sharing/route_form.html", context, status=status)


def _routes(user: User) -> QuerySet[Route]:
    return Route.objects.for_user(user).select_related("destination", "organisation")


def _open_destinations(user: User) -> list[Destination]:
    """Where a route of theirs may lead; to whom may open none, all they see."""
    seen = Destination.objects.for_user(user).exclude(state=Destination.State.DISABLED)
    if not roles.may(user, MANAGE):
        return list(seen)
    return list(seen.filter(organisation__in=Organisation.objects.allowing(user, MANAGE)))
