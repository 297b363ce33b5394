"""Where calendars read a feed. The address is the key; an unchanged feed costs one short answer."""

from http import HTTPStatus
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import parse_etags
from django.views.decorators.http import require_safe

from sharing import feeds


@login_not_required
@require_safe
def feed(request: HttpRequest, feed_id: UUID, token: str) -> HttpResponse:
    found = feeds.open_feed(feed_id, token)
    if found is None:
        raise Http404
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
