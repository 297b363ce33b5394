"""The version: a good sign of life, since it needs no permission."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from sandbox.answers import Refusal
from sandbox.trainingpeaks import wire


@csrf_exempt
def version(request: HttpRequest) -> HttpResponse:
    try:
        wire.prepare(request, ("GET",))
    except Refusal as refusal:
        return refusal.response()
    return wire.leave({"Version": "sandbox", "Build": "1"})
