"""Health: the parts Baton is made of."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from insight.selectors.parts import parts
from sharing.models import PeriodicJob
from sharing.views.asking import person


def health(request: HttpRequest) -> HttpResponse:
    context = {"parts": parts(person(request)), "jobs": PeriodicJob.objects.order_by("name")}
    return render(request, "insight/health.html", context)
