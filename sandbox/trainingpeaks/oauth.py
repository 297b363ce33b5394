"""Authorization codes and tokens: form-encoded, credentials in the body, a code works once."""

import base64
import os
import secrets
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from sandbox import journal, store
from sandbox.answers import Refusal, json_response
from sandbox.control import switches
from sandbox.trainingpeaks import wire

FORM = "application/x-www-form-urlencoded"
MIXED = "Requesting both coach and athlete accounts is not allowed."


class ConsentRefused(Exception):  # noqa: N818 - reads as the sentence it is
    """The consent page cannot be shown, and why."""


def check_request(asked: dict[str, str]) -> None:
    """What the consent page refuses before anybody has signed in."""
    if asked.get("client_id") not in switches.get("clients"):
        raise ConsentRefused("This application is not known.")
    if asked.get("response_type", "code") != "code":
        raise ConsentRefused("The response type is not supported.")
    registered = registered_redirects()
    if not asked.get("redirect_uri") or (registered and asked["redirect_uri"] not in registered):
        raise ConsentRefused("The redirect URI does not match a registered one.")
    scopes = asked.get("scope", "").split()
    if {"coach:athletes", "athlete:profile"} <= set(scopes):
        raise ConsentRefused(MIXED)
    if not scopes:
        raise ConsentRefused("No scope was asked for.")


def registered_redirects() -> list[str]:
    named: list[str] = switches.get("redirect_uris")
    return named or os.environ.get("SANDBOX_REDIRECT_URI", "").split()


def issue_code(person: int, asked: dict[str, str]) -> str:
    """The address to send the browser back to, with a code in it."""
    code = "c!" + secrets.token_urlsafe(24)
    store.run(
        "INSERT INTO code VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)",
        code,
        asked["client_id"],
        person,
        asked["scope"],
        asked["redirect_uri"],
        asked.get("code_challenge", ""),
        asked.get("code_challenge_method", ""),
        store.now().timestamp(),
    )
    return back(asked, code=code)


def back(asked: dict[str, str], **answer: str) -> str:
    if asked.get("state"):
        answer["state"] = asked["state"]
    joint = "&" if "?" in asked["redirect_uri"] else "?"
    return asked["redirect_uri"] + joint + urlencode(answer)


# --- the token endpoint ----------------------------------------------------------------------


@csrf_exempt
def token(request: HttpRequest) -> HttpResponse:
    try:
        wire.require_https(request)
        _check_there()
        return _answered(granted(_form(request)))
    except Refusal as refusal:
        return refusal.response()


def _check_there() -> None:
    if switches.take("token_unavailable"):
        raise Refusal(503, "Service Unavailable", kind="text/html")


def _form(request: HttpRequest) -> dict[str, str]:
    """Only a form, and only with the credentials in it."""
    _check_post(request)
    if request.content_type != FORM:
        raise refused("invalid_request", "The content type is not a form.")
    form = {name: str(request.POST[name]) for name in request.POST}
    clients: dict[str, str] = switches.get("clients")
    known = clients.get(form.get("client_id", ""), "")
    if not known or not secrets.compare_digest(known, form.get("client_secret", "")):
        raise refused("invalid_request", "The client id or secret is wrong.")
    return form


def _check_post(request: HttpRequest) -> None:
    if request.method != "POST":
        raise Refusal(405, {"error": "invalid_request"})


def refused(error: str, words: str) -> Refusal:
    journal.record("refusal", "oauth", error=error, words=words)
    shape = switches.get("token_error_body")
    if shape == "empty":
        return Refusal(400, "", kind="text/plain")
    if shape == "html":
        return Refusal(400, "<html><body>Bad Request</body></html>", kind="text/html")
    return Refusal(400, {"error": error, "error_description": words})


def granted(form: dict[str, str]) -> dict[str, Any]:
    if form.get("grant_type") == "authorization_code":
        return _redeem(form)
    if form.get("grant_type") == "refresh_token":
        return _refresh(form)
    raise refused("invalid_request", "The grant type is not supported.")


def _redeem(form: dict[str, str]) -> dict[str, Any]:
    with store.transaction():
        row = store.one("SELECT * FROM code WHERE code = ?", form.get("code", ""))
        problem = _code_problem(row, form)
        if row is not None and not row["used_at"]:
            at = store.now().timestamp()
            store.run("UPDATE code SET used_at = ? WHERE code = ?", at, row["code"])
        if row is not None and problem is None:
            return _issue(secrets.token_hex(8), row)
    raise refused(*(problem or ("invalid_grant", "The code is not known.")))


def _code_problem(row: store.Row | None, form: dict[str, str]) -> tuple[str, str] | None:
    """The first thing that is wrong, in the order in which they can be told."""
    if row is None or row["client"] != form["client_id"]:
        return "invalid_grant", "The code is not known."
    lapses = row["made_at"] + int(switches.get("code_lifetime"))
    scopes = set(row["scope"].split())
    checks = (
        (bool(row["used_at"]), "invalid_grant", "The code was used before."),
        (lapses <= _clock(), "invalid_request", "The code has expired."),
        (
            row["redirect_uri"] != form.get("redirect_uri", ""),
            "invalid_request",
            "The redirect URI does not match.",
        ),
        (not _proves(row, form), "invalid_grant", "The code verifier does not match."),
        (
            not scopes <= set(switches.get("application_scopes")),
            "invalid_scope",
            "The application may not ask for these scopes.",
        ),
    )
    return next(((error, words) for wrong, error, words in checks if wrong), None)


def _proves(row: store.Row, form: dict[str, str]) -> bool:
    """PKCE is accepted, and held to when the consent page was given a challenge."""
    if not row["challenge"]:
        return True
    verifier = form.get("code_verifier", "")
    digest = base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    expected = digest if row["method"] == "S256" else verifier
    return secrets.compare_digest(row["challenge"].encode(), expected.encode())


def _refresh(form: dict[str, str]) -> dict[str, Any]:
    with store.transaction():
        row = store.one(
            "SELECT * FROM token WHERE token = ? AND kind = 'refresh' AND client = ?",
            form.get("refresh_token", ""),
            form["client_id"],
        )
        usable = row is not None and not row["revoked"] and not row["used_at"]
        if row is not None and usable and not switches.get("revoke_connections"):
            return _next_pair(row)
        if row is not None and row["used_at"] and switches.get("revoke_family_on_reuse"):
            store.run("UPDATE token SET revoked = 1 WHERE family = ?", row["family"])
            journal.record("reuse", "oauth", family=row["family"])
    raise refused("invalid_grant", "The refresh token is not valid.")


def _next_pair(row: store.Row) -> dict[str, Any]:
    if not switches.get("rotate_refresh_tokens"):
        return _issue(row["family"], row, keep=row["token"])
    store.run("UPDATE token SET used_at = ? WHERE token = ?", _clock(), row["token"])
    store.run("UPDATE token SET revoked = 1 WHERE family = ? AND kind = 'access'", row["family"])
    return _issue(row["family"], row)


def _issue(family: str, row: store.Row, keep: str = "") -> dict[str, Any]:
    lifetime = int(switches.get("expires_in"))
    access = "gAAAA" + secrets.token_urlsafe(40)
    refresh = keep or "i7ne!" + secrets.token_urlsafe(40)
    sql = "INSERT OR IGNORE INTO token VALUES (?, ?, ?, ?, ?, ?, ?, NULL, 0)"
    about = (family, row["client"], row["person"], row["scope"])
    store.run(sql, access, "access", *about, _clock() + lifetime)
    store.run(sql, refresh, "refresh", *about, None)
    journal.record("effect", "oauth", effect="tokens issued", family=family, person=row["person"])
    answer = {"access_token": access, "token_type": "bearer", "expires_in": lifetime}
    answer["refresh_token"] = refresh
    return answer | ({"scope": row["scope"]} if switches.get("scope_in_answer") else {})


def _clock() -> float:
    return store.now().timestamp()


def _answered(pair: dict[str, Any]) -> HttpResponse:
    return json_response(pair, headers={"Cache-Control": "no-store"})


@csrf_exempt
def deauthorize(request: HttpRequest) -> HttpResponse:
    """Ends both tokens of the grant."""
    try:
        _check_post(request)
        wire.caller(request, "")
    except Refusal as refusal:
        return refusal.response()
    bearer = request.headers["Authorization"].partition(" ")[2].strip()
    with store.transaction():
        row = store.one("SELECT family FROM token WHERE token = ?", bearer)
        family = row["family"] if row else ""
        store.run("UPDATE token SET revoked = 1 WHERE family = ?", family)
        journal.record("effect", "oauth", effect="deauthorized", family=family)
    return HttpResponse(status=int(switches.get("deauthorize_status")))
