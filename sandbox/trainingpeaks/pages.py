"""The consent page: a person signs in, sees what is asked for, and allows or declines it."""

import secrets
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from sandbox import journal, store
from sandbox.control import studio
from sandbox.trainingpeaks import oauth

MEANINGS = {
    "coach:athletes": "See your profile, your assistants and your athletes",
    "athlete:profile": "See your profile",
    "workouts:read": "Read planned and completed workouts",
    "workouts:wod": "Read the structure of workouts",
    "workouts:plan": "Create and change planned workouts",
    "events:read": "Read races and events",
    "webhook:read-subscriptions": "See webhook subscriptions",
    "webhook:write-subscriptions": "Create and end webhook subscriptions",
}
ASKED = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge",
    "code_challenge_method",
)  # fmt: skip


def authorize(request: HttpRequest) -> HttpResponse:
    given = request.POST if request.method == "POST" else request.GET
    asked = {name: str(given[name]) for name in ASKED if given.get(name)}
    try:
        oauth.check_request(asked)
    except oauth.ConsentRefused as refusal:
        return render(request, "sandbox/refused.html", {"why": str(refusal)}, status=400)
    if request.method != "POST":
        return _page(request, asked)
    if given.get("answer") != "allow":
        journal.record("consent", "oauth", answer="declined")
        return _redirect(oauth.back(asked, error="access_denied"))
    person = signed_in(str(given.get("email", "")), str(given.get("password", "")))
    if person is None:
        return _page(request, asked, problem="The email or password is wrong.")
    journal.record("consent", "oauth", answer="allowed", person=person["id"])
    return _redirect(oauth.issue_code(person["id"], asked))


def signed_in(email: str, password: str) -> store.Row | None:
    row = store.one("SELECT * FROM person WHERE email = ?", email.strip().casefold())
    if row is None or not secrets.compare_digest(row["password"].encode(), password.encode()):
        return None
    return row


def _page(request: HttpRequest, asked: dict[str, str], problem: str = "") -> HttpResponse:
    scopes = asked["scope"].split()
    role = "athlete" if "athlete:profile" in scopes else "coach"
    person = store.one("SELECT * FROM person WHERE role = ? ORDER BY id", role)
    context: dict[str, Any] = {
        "asked": asked,
        "scopes": [(scope, MEANINGS.get(scope, scope)) for scope in scopes],
        "person": person,
        "name": studio.full_name(store.loaded(person["body"])) if person else "",
        "problem": problem,
    }
    return render(request, "sandbox/authorize.html", context, status=401 if problem else 200)


def _redirect(url: str) -> HttpResponse:
    """The redirect's address was compared with the registered ones before."""
    response = HttpResponseRedirect(url)
    response["Cache-Control"] = "no-store"
    return response
