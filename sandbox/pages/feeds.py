"""Calendar feeds as somebody who subscribed to them sees them."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_POST

from sandbox.destinations import calendar
from sandbox.trainingpeaks.hooks import is_loopback


def feeds(request: HttpRequest, problem: str = "", status: int = 200) -> HttpResponse:
    context = {"feeds": [_shown(row) for row in calendar.known()], "problem": problem}
    return render(request, "sandbox/calendars.html", context, status=status)


def _shown(row: Any) -> dict[str, Any]:
    read = calendar.parsed(row["body"])
    read["events"].sort(key=lambda event: event["start"] or "")
    named = {name: row[name] for name in ("url", "status", "etag", "polled_at")}
    return named | read


@require_POST
def subscribe(request: HttpRequest) -> HttpResponse:
    url = calendar.address(request.POST.get("url", ""))
    if not is_loopback(url):
        return feeds(request, problem="Only addresses on this machine are called.", status=400)
    calendar.subscribe(url)
    return poll(request)


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    calendar.end(request.POST.get("url", ""))
    return HttpResponseRedirect("/calendars")


@require_POST
def poll(request: HttpRequest) -> HttpResponse:
    for row in calendar.known():
        calendar.polled(row)
    return HttpResponseRedirect("/calendars")
