"""A journal row for every request that reaches a simulator."""

import logging
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from sandbox import journal
from sandbox.control import switches

log = logging.getLogger(__name__)

PREFIXES = {
    "/v1/": "trainingpeaks",
    "/v2/": "trainingpeaks",
    "/oauth/": "oauth",
    "/destinations/webhook/": "webhook",
    "/destinations/intervals/": "intervals_icu",
}
KEPT_WHOLE = {"webhook", "intervals_icu"}  # what was sent there, byte for byte


class JournalMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        simulator = simulator_of(request.path)
        if not simulator:
            return self.get_response(request)
        body = request.body if simulator in KEPT_WHOLE else b""
        begun = time.monotonic()
        response = self.get_response(request)
        taken = round((time.monotonic() - begun) * 1000)
        about = _about(request, response, simulator)
        seq = journal.record("request", simulator, **about, ms=taken)
        if simulator in KEPT_WHOLE:
            journal.keep_raw(seq, dict(request.headers), body)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """Ordered 5xx answers are silent; a fault of the sandbox's own is not."""
        log.error("%s %s", request.method, request.path, exc_info=exception)


def simulator_of(path: str) -> str:
    folded = path.casefold()
    return next((name for prefix, name in PREFIXES.items() if folded.startswith(prefix)), "")


def _about(request: HttpRequest, response: HttpResponse, simulator: str) -> dict[str, object]:
    agent = request.headers.get("User-Agent", "").strip()
    about: dict[str, object] = {
        "method": request.method,
        "path": request.path,
        "query": request.GET.dict() if simulator != "oauth" else {},
        "status": response.status_code,
        "user_agent": agent,
    }
    ours = simulator in {"trainingpeaks", "oauth"}
    if ours and not agent and switches.get("user_agent") != "ignore":
        about["flags"] = ["no User-Agent"]
    return about
