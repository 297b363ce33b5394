"""intervals.icu's calendar: events written in bulk, matched by external id per application."""

import base64
import binascii
import re
import time
from typing import Any

from django.http import HttpRequest, HttpResponse

from sandbox import journal, store
from sandbox.answers import Refusal, json_body, json_view, object_body, only
from sandbox.control import switches
from sandbox.destinations import workout_text

DAY = re.compile(r"^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?)?$")
CATEGORIES = {"WORKOUT", "NOTE", "RACE_A", "RACE_B", "RACE_C", "TARGET", "HOLIDAY", "SICK"}
Event = dict[str, Any]


def application(request: HttpRequest) -> str:
    """Whose credential it is. Every key and every token is an application of its own."""
    _faults()
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    if kind.casefold() == "bearer":
        name, known = given.strip(), switches.get("intervals_tokens")
    else:
        name, known = _basic(given), switches.get("intervals_keys")
    if kind.casefold() not in {"basic", "bearer"} or name not in known:
        raise Refusal(401, {"status": 401, "error": "Unauthorized"})
    if not request.headers.get("User-Agent", "").strip():
        raise Refusal(403, "<html>error code: 1010</html>", kind="text/html")
    return f"{kind.casefold()}:{name}"


def _faults() -> None:
    time.sleep(switches.get("intervals_delay_seconds"))
    if switches.take("intervals_unauthorized"):
        raise Refusal(401, {"status": 401, "error": "Unauthorized"})
    if switches.take("intervals_error"):
        raise Refusal(500, {"status": 500, "error": "Internal server error"})
    if switches.take("intervals_throttle"):
        raise Refusal(429, {"status": 429, "error": "Too many requests"}, {"Retry-After": "2"})
    if switches.take("intervals_unavailable"):
        raise Refusal(503, {"status": 503, "error": "Service unavailable"})
    if switches.take("intervals_forbidden"):
        raise Refusal(403, {"status": 403, "error": "Access denied"})


def _basic(given: str) -> str:
    try:
        user, _, password = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return ""
    return password if user == "API_KEY" else ""


def _whose(name: str, athlete: str) -> str:
    """`0` is the owner of the credential."""
    if athlete in switches.get("intervals_unknown_athletes"):
        raise Refusal(404, {"status": 404, "error": "Athlete not found"})
    return f"owner of {name}" if athlete == "0" else athlete


@json_view
def profile(request: HttpRequest, athlete: str) -> Any:
    only(request, "GET")
    whose = _whose(application(request), athlete)
    return {"id": athlete if athlete != "0" else "i1", "name": whose, "timezone": "Europe/Berlin"}


@json_view
def events(request: HttpRequest, athlete: str) -> Any:
    only(request, "GET", "POST")
    name = application(request)
    whose = _whose(name, athlete)
    if request.method == "POST":
        return _applied_lost([_create(whose, name, _checked(object_body(request)))])[0]
    oldest, newest = request.GET.get("oldest", ""), request.GET.get("newest", "")
    if not (DAY.match(oldest) and DAY.match(newest)):
        raise Refusal(422, {"status": 422, "error": "oldest and newest are local dates"})
    sql = "SELECT * FROM event WHERE athlete = ? AND day BETWEEN ? AND ? ORDER BY day, id"
    found = [shown(row) for row in store.all_rows(sql, whose, oldest[:10], newest[:10])]
    return _read(found[::2] if switches.take("intervals_partial_list") else found)


def _read(answer: Any) -> Any:
    """An answer to reading; cut off, it is half of its JSON with a length that fits."""
    if switches.take("intervals_cut_off"):
        text = store.dumped(answer)
        raise Refusal(200, text[: len(text) // 2], kind="application/json")
    return answer


@json_view
def bulk(request: HttpRequest, athlete: str) -> Any:
    """All of them or none. With upsert, an external id known to this application is replaced."""
    only(request, "POST")
    name = application(request)
    whose, given = _whose(name, athlete), json_body(request)
    if not isinstance(given, list):
        raise Refusal(422, {"status": 422, "error": "An array is expected"})
    checked = [_checked(event) for event in given]
    write = _upsert if request.GET.get("upsert") == "true" else _create
    with store.transaction():
        written = [write(whose, name, event) for event in checked]
    return _applied_lost(written)


@json_view
def event(request: HttpRequest, athlete: str, number: int) -> Any:
    only(request, "GET", "PUT", "DELETE")
    whose = _whose(application(request), athlete)
    row = store.one("SELECT * FROM event WHERE id = ? AND athlete = ?", number, whose)
    if row is None:
        raise Refusal(404, {"status": 404, "error": "Event not found"})
    if request.method == "DELETE":
        _delete([row])
        return HttpResponse()
    if request.method == "PUT":
        return _replace(row, _checked(store.loaded(row["body"]) | object_body(request)))
    return _read(shown(row))


@json_view
def bulk_delete(request: HttpRequest, athlete: str) -> Any:
    """By id, or by the external id that this application gave. What is gone does not matter."""
    only(request, "PUT")
    name = application(request)
    whose, given = _whose(name, athlete), json_body(request)
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise Refusal(422, {"status": 422, "error": "An array is expected"})
    with store.transaction():
        rows = [row for one in given if (row := _named(whose, name, one))]
        _delete(rows)
    return {"eventsDeleted": len(rows)}


def _named(whose: str, name: str, wanted: Event) -> store.Row | None:
    if wanted.get("id") is not None:
        sql = "SELECT * FROM event WHERE athlete = ? AND id = ?"
        return store.one(sql, whose, wanted["id"])
    sql = "SELECT * FROM event WHERE athlete = ? AND application = ? AND external_id = ?"
    return store.one(sql, whose, name, wanted.get("external_id"))


def _checked(event: Any) -> Event:
    if not isinstance(event, dict):
        raise Refusal(422, {"status": 422, "error": "An event is an object"})
    if not DAY.match(str(event.get("start_date_local", ""))):
        raise Refusal(422, {"status": 422, "error": "start_date_local is a local date-time"})
    if event.get("category") not in CATEGORIES:
        raise Refusal(422, {"status": 422, "error": "category is not known"})
    if event["category"] == "WORKOUT" and not event.get("type"):
        raise Refusal(422, {"status": 422, "error": "type is required"})
    return {key: value for key, value in event.items() if key not in {"id", "workout_doc"}}


def _upsert(whose: str, name: str, given: Event) -> Event:
    known = _named(whose, name, given) if given.get("external_id") else None
    return _replace(known, given) if known else _create(whose, name, given)


def _create(whose: str, name: str, given: Event) -> Event:
    if given.get("external_id") and _named(whose, name, given):
        raise Refusal(422, {"status": 422, "error": "external_id is in use"})
    row = store.run(
        "INSERT INTO event (athlete, application, external_id, day, body)"
        " VALUES (?, ?, ?, ?, ?) RETURNING *",
        whose,
        name,
        given.get("external_id"),
        given["start_date_local"][:10],
        store.dumped(_computed(given)),
    ).fetchone()
    _written("created", row)
    return shown(row)


def _replace(row: store.Row, given: Event) -> Event:
    body = store.dumped(_computed(given))
    sql = "UPDATE event SET body = ?, day = ? WHERE id = ? RETURNING *"
    changed = store.run(sql, body, given["start_date_local"][:10], row["id"]).fetchone()
    _written("unchanged" if body == row["body"] else "updated", changed)
    return shown(changed)


def _delete(rows: list[store.Row]) -> None:
    for row in rows:
        store.run("DELETE FROM event WHERE id = ?", row["id"])
        _written("deleted", row)


def _written(effect: str, row: store.Row) -> None:
    about = {"event": row["id"], "athlete": row["athlete"], "external_id": row["external_id"]}
    journal.record("effect", "intervals_icu", effect=effect, **about)


def _computed(given: Event) -> Event:
    """Length and distance come from the text, where the text says them."""
    if given["category"] != "WORKOUT":
        return given
    seconds, meters = workout_text.totals(str(given.get("description") or ""))
    found: Event = dict(given)
    if seconds:
        found |= {"moving_time": seconds, "icu_training_load": round(seconds / 3600 * 60)}
    if meters:
        found["distance"] = meters
    return found


def _applied_lost(written: list[Event]) -> list[Event]:
    """Everything is done, and the answer says that it failed."""
    if switches.take("intervals_answer_lost"):
        raise Refusal(502, "<html>Bad gateway</html>", kind="text/html")
    return written


def shown(row: store.Row) -> Event:
    body: Event = store.loaded(row["body"])
    return {"id": row["id"], "athlete_id": row["athlete"], **body}


@json_view
def control(request: HttpRequest) -> Any:
    """Everything on every calendar there. POST registers a key or a token."""
    only(request, "GET", "POST")
    if request.method == "POST":
        given = object_body(request)
        for field, name in (("key", "intervals_keys"), ("token", "intervals_tokens")):
            if given.get(field):
                switches.change({name: [*switches.get(name), str(given[field])]})
    rows = store.all_rows("SELECT * FROM event ORDER BY athlete, day, id")
    return {"events": [inspected(row) for row in rows]}


def inspected(row: store.Row) -> Event:
    """An event with what only the simulator knows: whose it is, and what will be misread."""
    event: Event = {"external_id": None} | shown(row)
    problems = workout_text.problems(str(event.get("description") or ""))
    workout = event["category"] == "WORKOUT"
    return event | {"application": row["application"], "problems": problems if workout else []}


@json_view
def control_event(request: HttpRequest, number: int) -> Any:
    """The athlete edits or deletes an event by hand, over there."""
    only(request, "PATCH", "DELETE")
    row = store.one("SELECT * FROM event WHERE id = ?", number)
    if row is None:
        raise Refusal(404, {"error": "There is no event of this id."})
    if request.method == "DELETE":
        _delete([row])
        return {"deleted": number}
    return _replace(row, store.loaded(row["body"]) | object_body(request))
