"""Connecting TrainingPeaks or a published calendar, seeing how that is doing, and ending it."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import calendars, oauth, roles, scopes
from accounts.forms import CalendarForm
from accounts.models import Connection, Organisation, User

MANAGE = "manage_connection"
BROWSER = "connecting-browser"


@require_safe
def connections(request: HttpRequest) -> HttpResponse:
    user = _person(request)
    roles.require(user, "view_connection")
    context = {
        "connections": Connection.objects.for_user(user).select_related("user", "organisation"),
        "scopes": scopes.REASONS.items(),
        "may_manage": roles.may(user, MANAGE),
    }
    return render(request, "connections/connections.html", context)


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Send the coach to TrainingPeaks; what comes back must come back to this very browser."""
    user = _person(request)
    roles.require(user, MANAGE)
    return redirect(oauth.start(user, _organisation(user), _browser(request)))


@require_safe
def callback(request: HttpRequest) -> HttpResponse:
    user = _person(request)
    asked = {name: request.GET.get(name, "") for name in ("state", "code", "error")}
    try:
        oauth.complete(user, _browser(request), **asked)
    except oauth.ConnectRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "TrainingPeaks is connected. Your athletes are being read now.")
    response = redirect("connections")
    response["Referrer-Policy"] = "no-referrer"
    return response


@require_http_methods(["GET", "POST"])
def new_calendar(request: HttpRequest) -> HttpResponse:
    """An athlete's published calendar, where there is no access to the API."""
    user = _person(request)
    roles.require(user, MANAGE)
    form = CalendarForm(request.POST or None)
    if _done(form, partial(calendars.connect, user, _organisation(user))):
        messages.success(request, "The calendar is connected. It is being read now.")
        return redirect("connections")
    return render(request, "connections/calendar.html", {"form": form})


@require_http_methods(["GET", "POST"])
def renew_calendar(request: HttpRequest, pk: UUID) -> HttpResponse:
    shown = _to_manage(request, pk, kind=Connection.Kind.CALENDAR_FEED)
    form = CalendarForm(request.POST or None, known=True)
    if _done(form, partial(calendars.renew, shown)):
        messages.success(request, f"{shown} is read from the new address.")
        return redirect("connections")
    return render(request, "connections/calendar.html", {"form": form, "connection": shown})


@require_POST
def disconnect(request: HttpRequest, pk: UUID) -> HttpResponse:
    connection = _to_manage(request, pk)
    oauth.disconnect(connection)
    messages.success(request, "Disconnected. Nothing is read from there any more.")
    return redirect("connections")


def _to_manage(request: HttpRequest, pk: UUID, **wanted: str) -> Connection:
    user = _person(request)
    connection = get_object_or_404(Connection.objects.for_user(user), pk=pk, **wanted)
    roles.require(user, MANAGE, connection)
    return connection


def _done(form: CalendarForm, keep: Callable[..., object]) -> bool:
    """Whether it could be kept; if not, the form says why."""
    if not form.is_valid():
        return False
    try:
        keep(**form.cleaned_data)
    except ValidationError as refusal:
        form.add_error("published_at", refusal)
    return not form.errors


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def _organisation(user: User) -> Organisation:
    """The organisation in which this person may connect; somebody with several, the first."""
    able = Organisation.objects.allowing(user, MANAGE)
    return get_object_or_404(able.order_by("created_at")[:1])


def _browser(request: HttpRequest) -> str:
    """What tells this browser session from any other; it survives a renewed session key."""
    if BROWSER not in request.session:
        request.session[BROWSER] = oauth.new_browser()
    return str(request.session[BROWSER])
