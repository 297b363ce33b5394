"""The audit trail: filtered entries, and whether the whole log still is what was written."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from audit.verify import verify
from insight.forms import LogFilter
from insight.selectors import log
from sharing.views.asking import person

PAGE = 50


def audit(request: HttpRequest) -> HttpResponse:
    user = person(request, "view_audit")
    form = LogFilter(request.GET, user=user)
    asked = form.asked()
    page = Paginator(log.entries(user).filter(**asked), PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form, "filtering": bool(asked), "page": page,
        "lines": log.lines(page.object_list, user),
    }  # fmt: skip
    return render(request, "insight/audit.html", context)


def verification(request: HttpRequest) -> HttpResponse:
    """Check every entry against the head: slow for a long log, so the page asks for it apart."""
    person(request, "view_audit")
    context = {"report": verify(), "now": timezone.now()}
    return render(request, "insight/audit_verification.html", context)
