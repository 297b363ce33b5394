"""Coaches, assistants and athletes: profiles, the roster, and who may see whom."""

from typing import Any

from django.http import HttpRequest

from sandbox import store
from sandbox.answers import Refusal
from sandbox.control import switches
from sandbox.trainingpeaks.wire import Caller, api

NOT_COACHED = {"Message": "The athlete is not attached to this coach."}


def person(number: int) -> dict[str, Any]:
    row = store.one("SELECT body FROM person WHERE id = ?", number)
    if row is None:
        raise Refusal(404, {"Message": "Not found."})
    body: dict[str, Any] = store.loaded(row["body"])
    return body


def athletes_of(role: str = "athlete") -> list[dict[str, Any]]:
    rows = store.all_rows("SELECT body FROM person WHERE role = ? ORDER BY id", role)
    return [store.loaded(row["body"]) for row in rows]


def athlete_for(who: Caller, athlete: int | None) -> int:
    """The athlete a call is about: oneself, or one that this coach coaches."""
    if who.role == "athlete":
        if athlete not in {None, who.id}:
            raise Refusal(403, NOT_COACHED)
        return who.id
    if athlete is None:
        raise Refusal(403, {"Message": "An athlete id is required."})
    if athlete in switches.get("detached_athletes"):
        raise Refusal(403, NOT_COACHED)
    row = store.one("SELECT id FROM person WHERE id = ? AND role = 'athlete'", athlete)
    if row is None:
        raise Refusal(403, NOT_COACHED)
    return athlete


@api("athlete:profile")
def athlete_profile(request: HttpRequest, who: Caller) -> Any:
    return person(who.id)


@api("coach:athletes")
def coach_profile(request: HttpRequest, who: Caller) -> Any:
    coach = person(who.id)
    return {key: coach[key] for key in ("CoachId", "FirstName", "LastName")}


@api("coach:athletes")
def coach_athletes(request: HttpRequest, who: Caller) -> Any:
    """The whole roster at once. An assistant's athletes are in it, under the assistant's id."""
    away = [] if switches.get("detached_in_roster") else switches.get("detached_athletes")
    return [athlete for athlete in athletes_of() if athlete["Id"] not in away]


@api("coach:athletes")
def assistants(request: HttpRequest, who: Caller, assistant: int | None = None) -> Any:
    if assistant is not None:
        return person(assistant)
    return athletes_of("assistant")


@api("coach:athletes")
def assistant_athletes(request: HttpRequest, who: Caller, assistant: int) -> Any:
    return [athlete for athlete in athletes_of() if athlete["CoachedBy"] == assistant]
