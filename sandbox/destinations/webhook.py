"""A receiver of signed webhooks that checks everything, and answers as it is told to."""

import binascii
import socket
import struct
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from standardwebhooks import Webhook, WebhookVerificationError

from sandbox.destinations import inboxes

HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset
PIECES = 20


class Refused(Exception):  # noqa: N818 - reads as the sentence it is
    """The message is not let in."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@csrf_exempt
def receive(request: HttpRequest, inbox: str) -> HttpResponseBase:
    row = inboxes.get(inbox)
    if row is None:
        return HttpResponse("No such inbox.", status=404)
    if request.method != "POST":
        return HttpResponse("POST only.", status=405, headers={"Allow": "POST"})
    key = request.headers.get("webhook-id", "")
    message = inboxes.Message(inbox, key, request.body, dict(request.headers))
    try:
        verify(request, row["secret"].split())
    except Refused as refusal:
        inboxes.refuse(message, refusal.reason)
        return HttpResponse(refusal.reason, status=refusal.status)
    answer = inboxes.next_answer(inbox)
    if answer.get("applied", answer["status"] < HTTPStatus.MULTIPLE_CHOICES):
        inboxes.apply(message, deduplicates=bool(row["deduplicates"]))
    else:
        inboxes.refuse(message, f"told to answer {answer['status']}")
    return answered(request, answer)


def verify(request: HttpRequest, secrets: list[str]) -> None:
    """The three headers, the time within five minutes, one signature that fits. Then JSON."""
    missing = [name for name in HEADERS if not request.headers.get(name)]
    if missing:
        raise Refused(400, f"Missing header: {', '.join(missing)}.")
    if "." in request.headers["webhook-id"]:
        raise Refused(400, "The message id has a dot in it.")
    if not secrets:
        raise Refused(401, "This inbox has no secret yet.")
    problems = [_problem(request, secret) for secret in secrets]
    if all(problems):
        raise next(filter(None, problems))


def _problem(request: HttpRequest, secret: str) -> Refused | None:
    """A signature that does not fit is 401; what cannot even be read is 400."""
    headers = {name: request.headers[name] for name in HEADERS}
    try:
        Webhook(secret).verify(request.body, headers)
    except WebhookVerificationError as error:
        return Refused(401, str(error) or "The signature does not fit.")
    except (ValueError, binascii.Error) as error:
        return Refused(400, f"Not readable: {error}")
    return None


# --- answering -------------------------------------------------------------------------------


def answered(request: HttpRequest, answer: dict[str, Any]) -> HttpResponseBase:
    if answer.get("reset"):
        _reset(request)
    time.sleep(float(answer.get("slow_headers", 0)))
    body = str(answer.get("body", "ok" if answer["status"] < 300 else "no"))
    if huge := int(answer.get("huge_body", 0)):
        body = "x" * huge
    if slow := float(answer.get("slow_body", 0)):
        response: HttpResponseBase = StreamingHttpResponse(_slowly(body, slow))
    else:
        response = HttpResponse("" if answer["status"] == HTTPStatus.NO_CONTENT else body)
    response.status_code = int(answer["status"])
    for header, key in (("Retry-After", "retry_after"), ("Location", "location")):
        if answer.get(key) is not None:
            response[header] = str(answer[key])
    return response


def _slowly(body: str, seconds: float) -> Iterator[bytes]:
    for _ in range(PIECES):
        time.sleep(seconds / PIECES)
        yield body.encode() + b" "


def _reset(request: HttpRequest) -> None:
    """The message was taken; the connection breaks before the answer."""
    wire: socket.socket | None = request.environ.get("gunicorn.socket")  # type: ignore[attr-defined]  # a WSGIRequest has it
    if wire is not None:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        wire.shutdown(socket.SHUT_RDWR)
