"""Quarantine: answers that broke their contract, notes beside them, and reading them again."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts import roles
from plans.errors import ContractError
from sharing import quarantine as services
from sharing import remarks
from sharing.forms import DismissForm, RemarkForm
from sharing.models import Quarantine
from sharing.views import notes
from sharing.views.asking import own, page_of, person

ACT = "replay_quarantine"


def quarantine(request: HttpRequest) -> HttpResponse:
    user = person(request, "view_quarantine")
    settled = bool(request.GET.get("settled"))
    rows = Quarantine.objects.for_user(user).defer("body")
    rows = rows.select_related("source__athlete", "settled_by", "assigned_to")
    rows = rows.prefetch_related("remarks__author")
    waiting = {"state": Quarantine.State.OPEN}
    rows = rows.exclude(**waiting) if settled else rows.filter(**waiting)
    context = {
        "page": page_of(request, rows.order_by("-created_at")), "settled": settled,
        "may_settle": roles.may(user, ACT), "longest": services.LONGEST_NOTE,
    }  # fmt: skip
    return render(request, "sharing/quarantine.html", context)


def quarantined(request: HttpRequest, pk: UUID) -> HttpResponse:
    user = person(request, "view_quarantine")
    rows = Quarantine.objects.for_user(user).defer("body")
    row = own(rows.select_related("source__athlete", "settled_by", "assigned_to"), pk)
    open_to_them = row.state == Quarantine.State.OPEN and roles.may(user, ACT, row.source.athlete)
    context = {
        "row": row, "may_settle": open_to_them, "longest": services.LONGEST_NOTE,
        "remarks": row.remarks.select_related("author"), "remark_form": RemarkForm(),
        "assignable": remarks.assignable(row),
    }  # fmt: skip
    return render(request, "sharing/quarantined.html", context)


@require_POST
def remark(request: HttpRequest, pk: UUID) -> HttpResponse:
    return notes.remark(request, _to_settle(request, pk), "quarantined")


@require_POST
def assign(request: HttpRequest, pk: UUID) -> HttpResponse:
    return notes.assign(request, _to_settle(request, pk), "quarantined")


@require_POST
def replay(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Hold the kept answer against the contract again, after a fix."""
    row = _to_settle(request, pk)
    try:
        services.replay(row, person(request))
    except ContractError as error:
        messages.error(request, f"It still breaks its contract: {error}")
    except services.SettledError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "It keeps its contract now; the calendar is being read.")
    return redirect("quarantine")


@require_POST
def dismiss(request: HttpRequest, pk: UUID) -> HttpResponse:
    row, form = _to_settle(request, pk), DismissForm(request.POST)
    if not form.is_valid():
        messages.error(request, "This note cannot be kept: use fewer words, and plain ones.")
        return redirect("quarantine")
    try:
        services.dismiss(row, form.cleaned_data["note"], person(request))
    except services.SettledError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Dismissed. The next reading shows whether it was right.")
    return redirect("quarantine")


def _to_settle(request: HttpRequest, pk: UUID) -> Quarantine:
    row = own(Quarantine.objects.for_user(person(request)), pk)
    roles.require(person(request), ACT, row.source.athlete)
    return row
