"""The control API: how a script plays the coach, the athletes and the weather."""

import time
from datetime import date
from typing import Any

from django.http import HttpRequest

from sandbox import journal, store
from sandbox.answers import Refusal, json_view, object_body, only
from sandbox.control import studio, switches, training
from sandbox.trainingpeaks import calendars, hooks, oauth

MOST_WEEKS, MOST_EDITS = 52, 5_000


@json_view
def reset(request: HttpRequest) -> Any:
    """Forget everything but the journal, which goes on."""
    only(request, "POST")
    store.forget()
    journal.record("reset", "control")
    return {"ok": True}


@json_view
def seed(request: HttpRequest) -> Any:
    only(request, "POST")
    body = object_body(request)
    if body.get("studio", "demo") != "demo":
        raise Refusal(400, {"error": "The only studio is 'demo'."})
    start = _day(body["start"]) if body.get("start") else None
    return studio.seed(studio.Size(_number(body, "athletes", 40), _number(body, "weeks", 8), start))


@json_view
def athletes(request: HttpRequest) -> Any:
    only(request, "GET")
    return studio.listing()


@json_view
def athlete(request: HttpRequest, athlete: int) -> Any:
    """Change a profile: a time zone that goes away, a subscription that ends."""
    only(request, "GET", "PATCH")
    row = _athlete(athlete)
    body = store.loaded(row["body"])
    if request.method == "PATCH":
        body |= object_body(request)
        body = {name: value for name, value in body.items() if value is not None}
        store.run("UPDATE person SET body = ? WHERE id = ?", store.dumped(body), athlete)
        journal.record("change", "trainingpeaks", change="profile", athlete=athlete, workout=None)
    return body


@json_view
def workouts(request: HttpRequest, athlete: int) -> Any:
    only(request, "GET", "POST")
    _athlete(athlete)
    return _add(request, athlete, "workout") if request.method == "POST" else _held(athlete)


@json_view
def strength_workouts(request: HttpRequest, athlete: int) -> Any:
    only(request, "GET", "POST")
    _athlete(athlete)
    if request.method == "POST":
        return _add(request, athlete, "strength")
    return _held(athlete, "strength")


def _held(athlete: int, kind: str = "workout") -> list[Any]:
    rows = calendars.between(athlete, "0000", "9999", kind)
    return [calendars.shown(row) for row in rows]


def _add(request: HttpRequest, athlete: int, kind: str) -> Any:
    body = object_body(request)
    _check_day(body, "WorkoutDay" if kind == "workout" else "PrescribedDate", required=True)
    number = calendars.add(athlete, body, kind=kind)
    return 201, calendars.shown(calendars.get(number))


@json_view
def workout(request: HttpRequest, workout: int) -> Any:
    only(request, "GET", "PATCH", "DELETE")
    try:
        calendars.get(workout)
    except calendars.NoWorkout:
        raise Refusal(404, {"error": "There is no workout of this id."}) from None
    if request.method == "DELETE":
        calendars.delete(workout)
        return {"deleted": workout}
    if request.method == "PATCH":
        fields = object_body(request)
        _check_day(fields, "WorkoutDay", required=False)
        calendars.change(workout, fields)
    return calendars.shown(calendars.get(workout))


@json_view
def apply_plan(request: HttpRequest, athlete: int) -> Any:
    only(request, "POST")
    _athlete(athlete)
    body = object_body(request)
    weeks = min(_number(body, "weeks", 12), MOST_WEEKS)
    start = _day(body["start"]) if body.get("start") else studio.monday(store.now().date())
    focus = str(body.get("focus", "triathlon"))
    if focus not in training.SPORTS:
        raise Refusal(400, {"error": f"focus is one of {', '.join(training.SPORTS)}."})
    bodies = training.plan(weeks, start, focus, "12-week build")
    numbers = calendars.add_all(athlete, bodies, origin="apply-plan")
    return 201, {"workouts": numbers}


@json_view
def burst(request: HttpRequest, athlete: int) -> Any:
    """Many edits at once, all on workouts that exist."""
    only(request, "POST")
    _athlete(athlete)
    edits = min(_number(object_body(request), "edits", 200), MOST_EDITS)
    rows = store.all_rows(
        "SELECT id FROM workout WHERE athlete = ? AND kind = 'workout' ORDER BY id", athlete
    )
    if not rows:
        raise Refusal(400, {"error": "This athlete has no workouts."})
    for place in range(edits):
        note = {"PreActivityComment": f"Edit {place + 1} of {edits}."}
        calendars.change(rows[place % len(rows)]["id"], note, origin="burst")
    return {"edits": edits}


@json_view
def edits(request: HttpRequest) -> Any:
    """Many edits of any athletes in one call, each one the coach's own and told of by itself."""
    only(request, "POST")
    asked = object_body(request).get("edits", [])
    if not isinstance(asked, list) or len(asked) > MOST_EDITS:
        raise Refusal(400, {"error": f"edits is a list of at most {MOST_EDITS}."})
    with store.transaction():
        return {"workouts": [_edit(edit) for edit in asked]}


def _edit(edit: dict[str, Any]) -> int:
    """`{"athlete", "add": fields}`, `{"workout", "change": fields}` or `{"workout", "delete"}`."""
    if "add" in edit:
        _athlete(edit["athlete"])
        _check_day(edit["add"], "WorkoutDay", required=True)
        return calendars.add(edit["athlete"], edit["add"])
    number = int(edit["workout"])
    try:
        if edit.get("delete"):
            calendars.delete(number)
        else:
            _check_day(edit["change"], "WorkoutDay", required=False)
            calendars.change(number, edit["change"])
    except calendars.NoWorkout:
        raise Refusal(404, {"error": f"There is no workout {number}."}) from None
    return number


@json_view
def authorize(request: HttpRequest) -> Any:
    """What a browser would do on the consent page, in one call."""
    only(request, "POST")
    asked = {name: str(value) for name, value in object_body(request).items() if value}
    try:
        oauth.check_request(asked)
    except oauth.ConsentRefused as refusal:
        raise Refusal(400, {"error": str(refusal)}) from None
    role = "athlete" if "athlete:profile" in asked["scope"].split() else "coach"
    row = store.one(
        "SELECT id FROM person WHERE email = ? OR (? = '' AND role = ?) ORDER BY id",
        asked.get("email", ""), asked.get("email", ""), role,
    )  # fmt: skip
    if row is None:
        raise Refusal(400, {"error": "There is nobody to allow it: seed a studio first."})
    journal.record("consent", "oauth", answer="allowed", person=row["id"])
    return {"redirect": oauth.issue_code(row["id"], asked)}


@json_view
def post_webhook(request: HttpRequest) -> Any:
    """Send any hint at once: one that was never earned, too early, or of any shape."""
    only(request, "POST")
    body = object_body(request)
    about = {name: body.get(name) for name in ("athlete", "workout", "event")}
    urls = [body["url"]] if body.get("url") else _subscribed(body)
    minimal = {"AthleteId": about["athlete"], "WorkoutId": about["workout"]}
    content = body.get("body", minimal | {"EventType": about["event"]})
    with store.transaction():
        for url in urls:
            hooks.keep(str(url), content, about, due=time.time())
    hooks.wake()
    return {"posts": len(urls)}


def _subscribed(body: dict[str, Any]) -> list[str]:
    rows = store.all_rows(
        "SELECT url FROM subscription WHERE athlete = ? AND (? IS NULL OR event = ?) AND active",
        body.get("athlete"), body.get("event"), body.get("event"),
    )  # fmt: skip
    return [row["url"] for row in rows]


@json_view
def subscriptions(request: HttpRequest) -> Any:
    only(request, "GET")
    return [dict(row) for row in store.all_rows("SELECT * FROM subscription ORDER BY created_on")]


@json_view
def revoke(request: HttpRequest) -> Any:
    """The coach disconnects us on TrainingPeaks' side: every token of today ends."""
    only(request, "POST")
    ended = store.run("UPDATE token SET revoked = 1 WHERE revoked = 0").rowcount
    journal.record("revoked", "oauth", tokens=ended)
    return {"revoked": ended}


@json_view
def expire(request: HttpRequest) -> Any:
    """Every access token lapses before its time; what renews them goes on working."""
    only(request, "POST")
    lapsed = store.run("UPDATE token SET expires_at = 0 WHERE kind = 'access' AND revoked = 0")
    journal.record("expired", "oauth", tokens=lapsed.rowcount)
    return {"expired": lapsed.rowcount}


@json_view
def all_switches(request: HttpRequest) -> Any:
    only(request, "GET", "POST")
    if request.method == "POST":
        try:
            switches.change(object_body(request))
        except switches.UnknownSwitch as error:
            raise Refusal(400, {"error": str(error)}) from None
    now = switches.values()
    return {
        switch.name: {
            "value": now[switch.name],
            "default": switch.default,
            "explanation": switch.explanation,
        }
        for switch in switches.ALL
    }


@json_view
def read_journal(request: HttpRequest) -> Any:
    only(request, "GET")
    after = request.GET.get("after", "0")
    if not after.isdecimal():
        raise Refusal(400, {"error": "after is a number."})
    kind, simulator = request.GET.get("kind", ""), request.GET.get("simulator", "")
    return {
        "entries": journal.entries(int(after), kind, simulator),
        "effects": journal.keyed_effects(int(after)),
    }


@json_view
def latest_of_journal(request: HttpRequest) -> Any:
    only(request, "GET")
    newest = journal.latest(1)
    return {"seq": newest[0]["seq"] if newest else 0, "at": store.stamp()}


@json_view
def raw_request(request: HttpRequest, seq: int) -> Any:
    """What a destination was sent, as it came."""
    only(request, "GET")
    if found := journal.raw(seq):
        return found
    raise Refusal(404, {"error": "No raw request is kept under this number."})


def _athlete(number: int) -> store.Row:
    row = store.one("SELECT * FROM person WHERE id = ? AND role = 'athlete'", number)
    if row is None:
        raise Refusal(404, {"error": "There is no athlete of this id."})
    return row


def _number(body: dict[str, Any], name: str, default: int) -> int:
    value = body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Refusal(400, {"error": f"{name} is a number."})
    return value


def _day(value: object) -> date:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise Refusal(400, {"error": f"{value!r} is not a date."}) from None


def _check_day(body: dict[str, Any], name: str, *, required: bool) -> None:
    if name in body or required:
        _day(body.get(name))
