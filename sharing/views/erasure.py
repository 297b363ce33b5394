"""Erasing an athlete: what it means, a box to tick, and the wish."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts import roles
from accounts.erasure_list import ErasureListError
from accounts.models import Athlete
from sharing.erasure import asking
from sharing.forms import EraseForm
from sharing.views.asking import own, person

ERASE = "erase_athlete"


@require_http_methods(["GET", "POST"])
def erase(request: HttpRequest, pk: UUID) -> HttpResponse:
    user = person(request, ERASE)
    shown = own(Athlete.objects.for_user(user), pk)
    roles.require(user, ERASE, shown)
    if shown.is_leaving:
        return redirect("athlete", pk)
    form = EraseForm(request.POST if request.method == "POST" else None)
    if form.is_valid() and _asked(form, shown):
        messages.success(request, "The erasure has begun: what was shared is being taken back.")
        return redirect("athlete", pk)
    context = {"athlete": shown, "form": form, "extent": asking.extent(shown)}
    status = 422 if form.is_bound else 200
    return render(request, "sharing/erase.html", context, status=status)


def _asked(form: EraseForm, shown: Athlete) -> bool:
    """Whether the wish was recorded; if not, the form says why."""
    try:
        asking.ask(shown)
    except ErasureListError as refusal:
        form.add_error(None, str(refusal))
        return False
    return True
