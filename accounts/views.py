"""Connecting TrainingPeaks, seeing how the connection is doing, and ending it."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts import oauth, roles, scopes
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


@require_POST
def disconnect(request: HttpRequest, pk: UUID) -> HttpResponse:
    user = _person(request)
    connection = get_object_or_404(Connection.objects.for_user(user), pk=pk)
    roles.require(user, MANAGE, connection)
    oauth.disconnect(connection)
    messages.success(request, "Disconnected. Nothing is read from TrainingPeaks any more.")
    return redirect("connections")


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def _organisation(user: User) -> Organisation:
    """The organisation in which this person may connect; somebody with several, the first."""
    for organisation in Organisation.objects.for_user(user).order_by("created_at"):
        if roles.may(user, MANAGE, organisation):
            return organisation
    raise Http404


def _browser(request: HttpRequest) -> str:
    """What tells this browser session from any other; it survives a renewed session key."""
    if BROWSER not in request.session:
        request.session[BROWSER] = oauth.new_browser()
    return str(request.session[BROWSER])
