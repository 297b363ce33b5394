"""Who acts in this request, and under which request number."""

import re
from collections.abc import Callable
from functools import partial
from uuid import uuid4

from django.http import HttpRequest, HttpResponse

from audit import actor

REQUEST_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class ActorMiddleware:
    """Everything recorded while a request is answered is recorded as the signed-in person's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "").lower()
        number = given if REQUEST_ID.fullmatch(given) else uuid4().hex  # anything else may be words
        with actor.acting(partial(_actor, request), number):
            response = self.get_response(request)
        response["X-Request-ID"] = number
        return response


def _actor(request: HttpRequest) -> actor.Actor:
    """Asked when something is recorded: by then the API has told whose token came along."""
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return actor.user(user.pk)
    return actor.SYSTEM
