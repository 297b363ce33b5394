"""Where calendars read a feed. The address is the key; an unchanged feed costs one short answer."""

from http import HTTPStatus
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import parse_etags
from django.views.decorators.http import require_safe

from sharing import feeds

AGAIN = 300  # seconds until a calendar should ask again


@login_not_required
@require_safe
def feed(request: HttpRequest, feed_id: UUID, token: str) -> HttpResponse:
    found = feeds.open_feed(feed_id, token)
    if found is None:
        raise Http404
    if feeds.closed(found):
        return _later()
    document = feeds.document(found)
    feeds.was_read(found)
    asked = parse_etags(request.headers.get("If-None-Match", ""))
    if document.etag in asked or f"W/{document.etag}" in asked:
        response = HttpResponse(status=HTTPStatus.NOT_MODIFIED)
    else:
        response = HttpResponse(document.body, content_type=document.content_type)
    response["ETag"] = document.etag
    response["Cache-Control"] = "private, no-cache"
    response["Referrer-Policy"] = "no-referrer"
    return response


def _later() -> HttpResponse:
    """A calendar keeps what it has and asks again."""
    headers = {"Retry-After": str(AGAIN), "Cache-Control": "no-store"}
    return HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE, headers=headers)
