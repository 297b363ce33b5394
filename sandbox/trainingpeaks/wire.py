"""How every API answer leaves: the faults that are switched on, the caller, the scope."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from sandbox import store
from sandbox.answers import Refusal, json_response
from sandbox.control import switches

HTML_404 = "<!DOCTYPE html><html><head><title>404</title></head><body>Not Found</body></html>"
HTML_200 = "<!DOCTYPE html><html><body><h1>We will be right back</h1></body></html>"
MOUNTAIN = ZoneInfo("America/Denver")
SATURDAY, FROM, UNTIL = 5, 18, 23
UNHEARD_OF = {"ZzNew": {"Deep": [1, None]}, "SyncId": "3f0c", "Rank": 1.5}


@dataclass(frozen=True)
class Caller:
    """Whose token it is, and what it may do."""

    id: int
    role: str
    scopes: frozenset[str]


def api(scope: str, *methods: str) -> Callable[[Callable[..., Any]], Callable[..., HttpResponse]]:
    """A call of the API: faults first, then the token, then its scope, then the view."""

    def decorate(view: Callable[..., Any]) -> Callable[..., HttpResponse]:
        @csrf_exempt
        @wraps(view)
        def answered(request: HttpRequest, **places: Any) -> HttpResponse:
            try:
                prepare(request, methods or ("GET",))
                value = view(request, caller(request, scope), **places)
            except Refusal as refusal:
                return refusal.response()
            return value if isinstance(value, HttpResponse) else leave(value)

        return answered

    return decorate


def prepare(request: HttpRequest, methods: tuple[str, ...]) -> None:
    time.sleep(float(switches.get("slow_seconds")))
    require_https(request)
    pause = {"Retry-After": switches.get("retry_after")} if switches.get("retry_after") else {}
    if switches.take("throttle"):
        raise Refusal(429, {"error": "too_many_requests"}, pause)
    if switches.take("unavailable") or in_maintenance(store.now()):
        raise Refusal(503, "Service Unavailable", pause, kind="text/html")
    if switches.take("server_error"):
        raise Refusal(500, {"Message": "An error has occurred."})
    if not request.headers.get("User-Agent", "").strip():
        _without_user_agent()
    if request.method not in methods:
        raise Refusal(405, {"Message": "The requested resource does not support this method."})


def require_https(request: HttpRequest) -> None:
    if switches.get("require_https"):
        to = f"https://{request.get_host()}{request.get_full_path()}"
        raise Refusal(302, "", {"Location": to}, kind="text/html")


def in_maintenance(moment: datetime) -> bool:
    if not switches.get("saturday_maintenance"):
        return False
    there = moment.astimezone(MOUNTAIN)
    return there.weekday() == SATURDAY and FROM <= there.hour < UNTIL


def _without_user_agent() -> None:
    if switches.get("user_agent") == "require":
        raise bad_request("A User-Agent header is required.")


def bad_request(words: str, error: str = "invalid_request") -> Refusal:
    """A 400 in one of the shapes that integrators report."""
    shape = switches.get("range_error_body")
    if shape == "array":
        return Refusal(400, [words])
    if shape == "string":
        return Refusal(400, words)
    return Refusal(400, {"error": error, "error_description": words})


def caller(request: HttpRequest, scope: str) -> Caller:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    row = store.one("SELECT * FROM token WHERE token = ? AND kind = 'access'", token.strip())
    if kind.casefold() != "bearer" or row is None or not _valid(row):
        raise Refusal(401, {"Message": "Authorization has been denied for this request."})
    scopes = frozenset(row["scope"].split())
    if scope and scope not in scopes:
        status = int(switches.get("scope_missing_status"))
        raise Refusal(status, {"Message": "Authorization has been denied for this request."})
    person = store.one("SELECT id, role FROM person WHERE id = ?", row["person"])
    if person is None:
        raise Refusal(401, {"Message": "Authorization has been denied for this request."})
    return Caller(person["id"], person["role"], scopes)


def _valid(row: store.Row) -> bool:
    if row["revoked"] or switches.get("revoke_connections"):
        return False
    return bool(row["expires_at"] > store.now().timestamp())


def leave(value: Any, status: int = 200) -> HttpResponse:
    """The good answer, unless a switch spoils it."""
    if switches.take("html_instead"):
        return HttpResponse(HTML_200)
    if switches.take("wrong_types"):
        value = _wrong(value)
    value = _rekeyed(value, set(switches.get("drop_keys")), extra=switches.get("extra_keys"))
    response = json_response(value, status)
    if switches.take("truncate_json"):
        response.content = response.content[: max(1, len(response.content) // 2)]
    return response


def _wrong(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _wrong(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_wrong(member) for member in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"about {value}"
    return value


def _rekeyed(value: Any, dropped: set[str], *, extra: bool) -> Any:
    if isinstance(value, list):
        return [_rekeyed(member, dropped, extra=extra) for member in value]
    if not isinstance(value, dict):
        return value
    kept = {k: _rekeyed(v, dropped, extra=extra) for k, v in value.items() if k not in dropped}
    return kept | UNHEARD_OF if extra else kept


def not_found(request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
    """An unknown route is a web page here, as it is there."""
    return HttpResponse(HTML_404, status=404)
