"""The map of the sandbox: TrainingPeaks, the destinations, control, and the pages."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path
from django.urls.resolvers import URLPattern, URLResolver

from sandbox.control import urls as control_urls
from sandbox.destinations import urls as destination_urls
from sandbox.pages import urls as page_urls
from sandbox.trainingpeaks import urls as trainingpeaks_urls
from sandbox.trainingpeaks import wire

Patterns = list[URLPattern | URLResolver]


def missing(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return wire.not_found(request)


handler404 = missing

urlpatterns: Patterns = [
    path("", include(trainingpeaks_urls)),
    path("destinations/", include(destination_urls)),
    path("", include(control_urls)),
    path("", include(page_urls)),
    re_path(r"^.*$", wire.not_found),
]
