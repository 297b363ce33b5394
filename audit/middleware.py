"""Who acts in this request, and under which request number."""

import re
from collections.abc import Callable
from uuid import uuid4

from django.http import HttpRequest, HttpResponse

from audit import actor

REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")


class ActorMiddleware:
    """Everything recorded while a request is answered is recorded as the signed-in person's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        number = given if REQUEST_ID.fullmatch(given) else uuid4().hex
        with actor.acting(_actor(request), number):
            response = self.get_response(request)
        response["X-Request-ID"] = number
        return response


def _actor(request: HttpRequest) -> actor.Actor:
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return actor.Actor("user", str(user.pk))
    return actor.SYSTEM
