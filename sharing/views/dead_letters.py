"""Dead letters: by cause, with what people wrote beside them, and delivering them again at once."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts import roles
from accounts.models import Organisation, User
from sharing.bulk import asking, causes, selection
from sharing.bulk.criteria import Criteria
from sharing.bulk.forms import LetterFilter
from sharing.models import BulkAction, Delivery, Remark
from sharing.selectors import deliveries as selectors
from sharing.views import notes
from sharing.views.asking import own, page_of, person

ACT = "redeliver"


@require_safe
def dead_letters(request: HttpRequest) -> HttpResponse:
    user = person(request, "view_athlete")
    form = LetterFilter(request.GET, user=user)
    wish, asked = (form.criteria(), form.asked()) if form.is_valid() else (Criteria(), {})
    organisation = form.concerned()
    if organisation is None:
        raise Http404
    page = page_of(request, _letters(user, organisation, wish))
    context = {
        "form": form, "wish": wish, "asked": asked, "page": page,
        "causes": causes.causes(user, organisation, wish), "filtering": bool(form.asked()),
        "may_redeliver": roles.may(user, ACT),
        "running": BulkAction.objects.for_user(user).filter(state__in=["running", "second"]),
    }  # fmt: skip
    return render(request, "sharing/dead_letters.html", context)


@require_POST
def redeliver(request: HttpRequest) -> HttpResponse:
    """Preview delivering again whatever the filter finds: all of it, not a page."""
    user = person(request, ACT)
    form = LetterFilter(request.POST, user=user)
    organisation = form.concerned() if form.is_valid() else None
    if organisation is None:
        messages.error(request, "This filter makes no sense any more: choose again.")
        return redirect("dead_letters")
    try:
        action = asking.ask(user, organisation, BulkAction.Kind.REDELIVER, form.criteria())
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
        return redirect("dead_letters")
    return redirect("bulk_action", action.pk)


@require_POST
def remark(request: HttpRequest, pk: UUID) -> HttpResponse:
    return notes.remark(request, _to_act_on(person(request), pk), "delivery")


@require_POST
def assign(request: HttpRequest, pk: UUID) -> HttpResponse:
    return notes.assign(request, _to_act_on(person(request), pk), "delivery")


def _to_act_on(user: User, pk: UUID) -> Delivery:
    shown = own(selectors.deliveries(user), pk)
    roles.require(user, ACT, shown.lane.plan.athlete)
    return shown


def _letters(user: User, organisation: Organisation, wish: Criteria) -> QuerySet[Delivery]:
    written = Remark.objects.select_related("author").order_by("written_at")
    found = selection.letters(user, organisation, wish).select_related(*selectors.ROW)
    shown = found.select_related("assigned_to").prefetch_related(Prefetch("remarks", written))
    return shown.order_by("-settled_at", "pk")
