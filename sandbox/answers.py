"""Views that return a value, or raise a refusal; both become JSON."""

import json
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from sandbox import store

View = Callable[..., HttpResponse]


class Refusal(Exception):  # noqa: N818 - reads as the sentence it is
    """An answer that is not the good one: its status, its body and its headers."""

    def __init__(
        self, status: int, body: Any = "", headers: dict[str, str] | None = None, kind: str = ""
    ) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body, self.headers, self.kind = status, body, headers or {}, kind

    def response(self) -> HttpResponse:
        if self.kind:
            return HttpResponse(
                self.body, status=self.status, headers=self.headers, content_type=self.kind
            )
        return json_response(self.body, self.status, self.headers)


def json_response(
    value: Any, status: int = HTTPStatus.OK, headers: dict[str, str] | None = None
) -> HttpResponse:
    return HttpResponse(
        store.dumped(value), status=status, headers=headers, content_type="application/json"
    )


def json_view(view: Callable[..., Any]) -> View:
    """For the control API: the value, or (status, value), or a refusal."""

    @csrf_exempt
    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            value = view(request, *args, **kwargs)
        except Refusal as refusal:
            return refusal.response()
        if isinstance(value, HttpResponse):
            return value
        if isinstance(value, tuple):
            return json_response(value[1], value[0])
        return json_response(value)

    return answered


def json_body(request: HttpRequest) -> Any:
    try:
        return json.loads(request.body or b"{}")
    except ValueError:
        raise Refusal(400, {"error": "The body is not JSON."}) from None


def object_body(request: HttpRequest) -> dict[str, Any]:
    value = json_body(request)
    if not isinstance(value, dict):
        raise Refusal(400, {"error": "The body is not a JSON object."})
    return value


def only(request: HttpRequest, *methods: str) -> None:
    if request.method not in methods:
        raise Refusal(405, {"error": "Method not allowed."}, {"Allow": ", ".join(methods)})
