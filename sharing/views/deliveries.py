"""Deliveries: the list, the road of one, and asking for it again."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts import roles
from destinations import repeats
from sharing import reasons, remarks
from sharing import redeliver as redelivering
from sharing.forms import DeliveryFilter, RemarkForm
from sharing.models import Delivery
from sharing.promises import UNCERTAIN
from sharing.selectors import deliveries as selectors
from sharing.selectors.trace import trace
from sharing.views.asking import own, page_of, person


def deliveries(request: HttpRequest) -> HttpResponse:
    user = person(request, "view_athlete")
    form = DeliveryFilter(request.GET, user=user)
    wish = form.wish()
    remote = request.GET.get("remote", "").strip()
    context = {
        "form": form, "filtering": any(wish.values()), "remote": remote,
        "page": page_of(request, selectors.filtered(user, wish)),
        "found": selectors.remote_records(user, remote) if remote else [],
    }  # fmt: skip
    live = "sharing/deliveries_live.html"
    return render(
        request, live if "HX-Request" in request.headers else "sharing/deliveries.html", context
    )


def delivery(request: HttpRequest, pk: UUID) -> HttpResponse:
    user = person(request, "view_athlete")
    shown = own(selectors.deliveries(user), pk)
    context = {
        "delivery": shown, "trace": trace(shown), "reason": reasons.of(shown),
        "repeats": repeats.words(shown.lane.destination),
        "goes_on": shown.state == Delivery.State.WAITING and shown.reason == UNCERTAIN,
        "refusal": redelivering.why_not(shown.lane, shown),
        "may_redeliver": roles.may(user, "redeliver", shown.lane.plan.athlete),
        "may_audit": roles.may(user, "view_audit"),
        "remarks": shown.remarks.select_related("author"), "remark_form": RemarkForm(),
        "assignable": remarks.assignable(shown),
    }  # fmt: skip
    return render(request, "sharing/delivery.html", context)


@require_POST
def redeliver(request: HttpRequest, pk: UUID) -> HttpResponse:
    shown = _to_act_on(request, pk)
    try:
        again = redelivering.redeliver(shown)
    except redelivering.RedeliverRefused as refusal:
        messages.error(request, str(refusal))
        return redirect("delivery", pk)
    messages.success(request, "Promised once more. Here is its road.")
    return redirect("delivery", again.pk)


@require_POST
def settle_unknown(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A person looked at the destination and says whether the version is there."""
    shown = _to_act_on(request, pk)
    answer = request.POST.get("there")
    if answer not in {"yes", "no"}:
        return HttpResponseBadRequest("Say whether it is there.")
    try:
        settled = redelivering.settle_unknown(shown, is_there=answer == "yes")
    except redelivering.RedeliverRefused as refusal:
        messages.error(request, str(refusal))
        return redirect("delivery", pk)
    return redirect("delivery", settled.pk)


def _to_act_on(request: HttpRequest, pk: UUID) -> Delivery:
    shown = own(selectors.deliveries(person(request)), pk)
    roles.require(person(request), "redeliver", shown.lane.plan.athlete)
    return shown
