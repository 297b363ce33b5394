"""Alerts: what is wrong now, who takes care of it, and what is over."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts import roles
from insight import alerts as services
from insight.forms import AcknowledgeForm
from insight.models import Alert
from insight.selectors import alerts as selectors
from insight.selectors.parts import at_work
from sharing.views.asking import own, page_of, person

TABS = [("", "Now"), *Alert.State.choices]


def alerts(request: HttpRequest) -> HttpResponse:
    user = person(request, "view_alert")
    asked = request.GET.get("state", "")
    state = asked if asked in Alert.State.values else ""
    seen = selectors.visible(user).select_related(
        "destination", "athlete", "connection", "acknowledged_by", "assigned_to"
    )
    rows = seen.filter(state=state) if state else selectors.standing(seen)
    page = page_of(request, selectors.in_order(rows))
    context = {
        "page": page, "shown": selectors.shown(page.object_list, user), "state": state,
        "tabs": TABS, "may_handle": roles.may(user, "handle_alert"), "at_work": at_work(),
    }  # fmt: skip
    return render(request, "insight/alerts.html", context)


def alert(request: HttpRequest, pk: UUID) -> HttpResponse:
    user = person(request, "view_alert")
    row = own(selectors.visible(user), pk)
    context = {
        "shown": selectors.shown([row], user)[0], "alert": row,
        "may_handle": row.stands and selectors.may_handle(user, row),
        "may_audit": row.organisation_id is not None and roles.may(user, "view_audit", row),
        "form": AcknowledgeForm(
            initial={"note": row.note, "assigned_to": row.assigned_to},
            helpers=selectors.helpers(row),
        ),
    }  # fmt: skip
    return render(request, "insight/alert.html", context)


@require_POST
def acknowledge(request: HttpRequest, pk: UUID) -> HttpResponse:
    user = person(request, "handle_alert")
    row = own(selectors.visible(user), pk)
    if not selectors.may_handle(user, row):
        roles.require(user, "handle_alert", row)
    form = AcknowledgeForm(request.POST, helpers=selectors.helpers(row))
    if not form.is_valid():
        messages.error(request, "That person cannot take care of it, or the note is too long.")
        return redirect("alert", row.pk)
    try:
        services.acknowledge(row, user, **form.cleaned_data)
    except services.AlertOverError:
        messages.info(request, "It is over already: nothing is left to do.")
    else:
        messages.success(request, "Acknowledged. It goes away by itself when its cause is gone.")
    return redirect("alerts")
