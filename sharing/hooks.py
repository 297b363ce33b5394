"""Where TrainingPeaks posts: a secret address per athlete. Keep, answer, nothing else.

TrainingPeaks signs nothing, so the address is the proof and the API is the truth.
"""

from http import HTTPStatus
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from sharing import intake


@csrf_exempt  # no browser, no cookie: the secret in the address is what proves the sender
@login_not_required
@require_POST
def trainingpeaks_hook(request: HttpRequest, source_id: UUID, secret: str) -> HttpResponse:
    try:
        return _take_in(request, source_id, secret)
    except DatabaseError:
        later = HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
        later["Retry-After"] = "5"
        return later


def _take_in(request: HttpRequest, source_id: UUID, secret: str) -> HttpResponse:
    source = intake.source_of(source_id, secret)
    if source is None:
        raise Http404
    body = _body(request)
    if body is None:
        return HttpResponse(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    intake.record(source, headers=request.headers, body=body)
    return HttpResponse(status=HTTPStatus.ACCEPTED)


def _body(request: HttpRequest) -> bytes | None:
    """The body, or None when it is too large to read."""
    try:
        body = request.body
    except RequestDataTooBig:
        return None
    except UnreadablePostError:
        return b""  # cut off on the way: still a reason to look
    return body if len(body) <= intake.LARGEST_BODY else None


urlpatterns = [
    path(
        "hooks/trainingpeaks/<uuid:source_id>/<str:secret>/",
        trainingpeaks_hook,
        name="trainingpeaks-hook",
    )
]
