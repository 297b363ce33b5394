"""Health: the parts Baton is made of."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from insight.selectors.latency import endpoints
from insight.selectors.parts import parts
from sharing import clock
from sharing.models import PeriodicJob
from sharing.views.asking import person


def health(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    jobs = PeriodicJob.objects.order_by("name")
    user = person(request)
    context = {
        "parts": parts(user, now), "jobs": jobs, "now": now, "endpoints": endpoints(user, now),
    }  # fmt: skip
    return render(request, "insight/health.html", context)
