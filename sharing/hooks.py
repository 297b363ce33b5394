"""Where TrainingPeaks posts: a secret address per athlete. Keep, answer, nothing else.

TrainingPeaks signs nothing, so the address is the proof and the API is the truth. What cannot
be kept is not accepted: then the answer is "later", soon enough for pages to be served too.
"""

import logging
import threading
from http import HTTPStatus
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.db import Error as DatabaseFault
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from audit import patience
from sharing import intake
from sharing.models import Source

logger = logging.getLogger(__name__)

PATIENCE = 3.0  # seconds to wait for a lock; longer, and the sender gives up before we do
AT_ONCE = 6  # events taken in at the same time by one process, so that pages keep a thread
QUEUE = 1.0  # seconds to wait for one of these places
RETRY_AFTER = "5"  # seconds

_room = threading.BoundedSemaphore(AT_ONCE)


@csrf_exempt  # no browser, no cookie: the secret in the address is what proves the sender
@login_not_required
@require_POST
def trainingpeaks_hook(request: HttpRequest, source_id: UUID, secret: str) -> HttpResponse:
    if not _room.acquire(timeout=QUEUE):
        return _later("too many at once")
    try:
        return _take_in(request, source_id, secret)
    except DatabaseFault as error:
        return _later(type(error).__name__)
    finally:
        _room.release()


def _take_in(request: HttpRequest, source_id: UUID, secret: str) -> HttpResponse:
    source = intake.source_of(source_id, secret)
    if source is None:
        raise Http404
    body = _body(request)
    if body is None:
        return HttpResponse(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    try:
        with patience.for_a_writer(PATIENCE):
            intake.record(source, headers=request.headers, body=body)
    except Source.DoesNotExist:  # the athlete was erased meanwhile
        raise Http404 from None
    return HttpResponse(status=HTTPStatus.ACCEPTED)


def _later(why: str) -> HttpResponse:
    """Nothing was kept, or nobody knows: the sender repeats it, and once more does no harm."""
    logger.warning("An event could not be taken in (%s); its sender is told to repeat it.", why)
    answer = HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
    answer["Retry-After"] = RETRY_AFTER
    return answer


def _body(request: HttpRequest) -> bytes | None:
    """The body, or None when it is too large to read."""
    if _announced(request) > intake.LARGEST_BODY:
        return None
    try:
        body = request.body
    except RequestDataTooBig:
        return None
    except UnreadablePostError:
        return b""  # cut off on the way: still a reason to look
    return body if len(body) <= intake.LARGEST_BODY else None


def _announced(request: HttpRequest) -> int:
    length = request.headers.get("Content-Length", "")
    return int(length) if length.isascii() and length.isdigit() else 0


urlpatterns = [
    path(
        "hooks/trainingpeaks/<uuid:source_id>/<str:secret>/",
        trainingpeaks_hook,
        name="trainingpeaks-hook",
    )
]
