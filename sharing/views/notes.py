"""Writing beside a delivery or an answer in quarantine, and saying who looks after it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from sharing import remarks
from sharing.forms import RemarkForm
from sharing.quarantine import SettledError
from sharing.views.asking import person


def remark(request: HttpRequest, matter: remarks.Matter, page: str) -> HttpResponse:
    form = RemarkForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Write something first.")
        return redirect(page, matter.pk)
    try:
        remarks.write(matter, form.cleaned_data["words"], person(request))
    except SettledError as refusal:
        messages.error(request, str(refusal))
    return redirect(page, matter.pk)


def assign(request: HttpRequest, matter: remarks.Matter, page: str) -> HttpResponse:
    wish = request.POST.get("to", "")
    to = next((each for each in remarks.assignable(matter) if str(each.pk) == wish), None)
    try:
        remarks.assign(matter, to)
    except SettledError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{to} looks after it." if to else "Nobody looks after it now.")
    return redirect(page, matter.pk)
