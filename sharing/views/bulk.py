"""Bulk actions on the pages: the preview, starting, the second person, progress, cancel, undo."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import roles
from accounts.models import User
from sharing.bulk import asking, lately, shown
from sharing.bulk.forms import RollBackForm
from sharing.bulk.refusing import NotPossible
from sharing.models import BulkAction
from sharing.views.asking import own, page_of, person

SEE, BACK = "view_athlete", asking.BACK
TITLES = {
    "plan": "Roll back {}",
    "athlete": "Roll back the plans of {}",
    "route": "Roll back the route “{}”",
    "cohort": "Roll back the cohort {}",
    "destination": "Roll back everything at {}",
}


@require_safe
def actions(request: HttpRequest) -> HttpResponse:
    user = person(request, SEE)
    page = page_of(request, _actions(user))
    named = shown.names(page.object_list, user)
    rows = [(each, shown.title(each), shown.about(each, named)) for each in page.object_list]
    return render(request, "sharing/bulk_actions.html", {"page": page, "rows": rows})


@require_safe
def action(request: HttpRequest, pk: UUID) -> HttpResponse:
    user = person(request, SEE)
    row = own(_actions(user), pk)
    now = shown.progress(row)
    page = page_of(request, shown.items(row, user))
    context = {
        "action": row, "title": shown.title(row), "now": now,
        "about": shown.about(row, shown.names([row], user)),
        "live": shown.is_live(row, now), "steps": shown.steps(row), "lanes": shown.lanes(row),
        "reasons": shown.reasons(row), "affected": lately.affected(row), "page": page,
        "lines": [shown.Line(item) for item in page.object_list],
        "needs_second": shown.needs_second(row), **_rights(user, row),
    }  # fmt: skip
    return render(request, "sharing/bulk_action.html", context)


def _rights(user: User, row: BulkAction) -> dict[str, bool]:
    mine = row.asked_by_id == user.pk
    may = roles.may(user, BACK, row.organisation)
    begun = row.state not in {asking.State.PREVIEW, asking.State.SECOND}
    stale = not begun and asking.is_stale(row)
    return {
        "stale": stale,
        "may_start": mine and not stale and row.state == asking.State.PREVIEW,
        "may_agree": may and not mine and not stale and row.state == asking.State.SECOND,
        "may_cancel": (mine or may) and row.state not in asking.ENDED,
        "may_undo": may and row.kind != asking.Kind.REDELIVER and row.state in asking.ENDED
        and asking.carried_out(row),
    }  # fmt: skip


@require_http_methods(["GET", "POST"])
def roll_back(request: HttpRequest, scope: str, pk: UUID) -> HttpResponse:
    user = person(request, BACK)
    if scope not in TITLES:
        raise Http404
    thing: Any = own(shown.ROWS[scope].objects.for_user(user), pk)
    roles.require(user, BACK, thing)
    form = RollBackForm(request.POST or None, user=user, scope=scope, initial=_initial(request))
    if form.is_valid() and (asked := _ask(user, form, scope, thing)):
        return redirect("bulk_action", asked.pk)
    context = {"form": form, "scope": scope, "thing": thing, "title": TITLES[scope].format(thing)}
    status = 422 if form.is_bound else 200
    return render(request, "sharing/roll_back.html", context, status=status)


def _initial(request: HttpRequest) -> dict[str, str]:
    return {name: request.GET[name] for name in ("to", "version") if name in request.GET}


def _ask(user: User, form: RollBackForm, scope: str, thing: Any) -> BulkAction | None:
    """The action, or None with the refusal on the form."""
    organisation = roles.organisation_of(thing)
    wish = form.criteria(scope, thing)
    try:
        return asking.ask(user, organisation, form.kind, wish, reason=form.cleaned_data["reason"])
    except ValidationError as refusal:
        form.add_error(None, refusal)
        return None


@require_POST
def start(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _act(request, pk, asking.start)


@require_POST
def agree(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _act(request, pk, asking.agree)


@require_POST
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _act(request, pk, asking.cancel)


@require_POST
def undo(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _act(request, pk, asking.undo)


def _act(
    request: HttpRequest, pk: UUID, service: Callable[[BulkAction, User], BulkAction]
) -> HttpResponse:
    user = person(request, SEE)
    row = own(_actions(user), pk)
    try:
        row = service(row, user)
    except NotPossible as refusal:
        messages.error(request, str(refusal))
    return redirect("bulk_action", row.pk)


def _actions(user: User) -> Any:
    rows = BulkAction.objects.for_user(user)
    return rows.select_related("organisation", "asked_by", "approved_by").order_by("-asked_at")
