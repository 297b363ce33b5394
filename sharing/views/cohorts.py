"""Cohorts: the list, one cohort, making and changing it, deleting it."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import cohorts as services
from accounts import roles
from accounts.models import Athlete, Cohort, Organisation, User
from sharing.forms import CohortForm
from sharing.selectors.searching import findable
from sharing.views.asking import own, page_of, person

MANAGE = "manage_cohort"


@require_safe
def cohorts(request: HttpRequest) -> HttpResponse:
    user = person(request, "view_cohort")
    mine = Q(athletes__in=Athlete.objects.for_user(user))
    rows = _cohorts(user).annotate(size=Count("athletes", filter=mine, distinct=True))
    context = {
        "page": page_of(request, rows.order_by("name", "pk")), "may_manage": roles.may(user, MANAGE)
    }  # fmt: skip
    return render(request, "sharing/cohorts.html", context)


@require_safe
def cohort(request: HttpRequest, pk: UUID) -> HttpResponse:
    user = person(request, "view_cohort")
    shown = own(_cohorts(user), pk)
    search = request.GET.get("q", "").strip()
    members = Athlete.objects.for_user(user).filter(cohorts=shown).order_by("name", "pk")
    wanted = members.filter(name__icontains=search) if findable(search) else members.none()
    context = {
        "cohort": shown, "page": page_of(request, wanted), "search": search,
        "size": members.count(), "may_manage": roles.may(user, MANAGE, shown),
    }  # fmt: skip
    return render(request, "sharing/cohort.html", context)


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    user = person(request, MANAGE)
    organisation = _organisation(user)
    form = CohortForm(request.POST or None, organisation=organisation)
    if form.is_valid():
        try:
            made = services.create(organisation, **form.cleaned_data)
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, f"The cohort {made.name} is made.")
            return redirect("cohort", made.pk)
    return _form(request, form, None)


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    shown = _to_manage(request, pk)
    form = CohortForm(request.POST or None, organisation=shown.organisation, cohort=shown)
    if form.is_valid():
        try:
            services.change(shown, **form.cleaned_data)
        except ValidationError as refusal:
            form.add_error(None, refusal)
        else:
            messages.success(request, "Saved.")
            return redirect("cohort", pk)
    return _form(request, form, shown)


@require_POST
def delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    shown = _to_manage(request, pk)
    try:
        services.delete(shown)
    except ValidationError as refusal:
        messages.error(request, refusal.messages[0])
        return redirect("cohort", pk)
    messages.success(request, f"The cohort {shown.name} is deleted. Its athletes are still here.")
    return redirect("cohorts")


def _cohorts(user: User) -> QuerySet[Cohort]:
    return Cohort.objects.for_user(user).select_related("organisation")


def _to_manage(request: HttpRequest, pk: UUID) -> Cohort:
    user = person(request, MANAGE)
    shown = own(_cohorts(user), pk)
    roles.require(user, MANAGE, shown)
    return shown


def _organisation(user: User) -> Organisation:
    """The organisation in which this person may; somebody with several, the first."""
    return get_object_or_404(Organisation.objects.allowing(user, MANAGE).order_by("created_at")[:1])


def _form(request: HttpRequest, form: CohortForm, shown: Cohort | None) -> HttpResponse:
    status = 422 if form.is_bound else 200
    context = {"form": form, "cohort": shown}
    return render(request, "sharing/cohort_form.html", context, status=status)
