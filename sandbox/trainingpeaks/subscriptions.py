"""Webhook subscriptions: one athlete, one event type and one address each."""

from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse

from sandbox import journal, store
from sandbox.answers import Refusal, object_body
from sandbox.control import switches
from sandbox.trainingpeaks.people import athlete_for
from sandbox.trainingpeaks.wire import Caller, api, bad_request, leave

READ, WRITE = "webhook:read-subscriptions", "webhook:write-subscriptions"
EVENTS = ("workout-created", "workout-updated", "workout-deleted")


@api("", "GET", "POST")
def subscriptions(request: HttpRequest, who: Caller) -> Any:
    if request.method == "GET":
        _need(who, READ)
        sql = "SELECT * FROM subscription WHERE created_by = ? ORDER BY created_on, id"
        return [_shown(row) for row in store.all_rows(sql, who.id)]
    _need(who, WRITE)
    return _create(who, object_body(request))


@api("", "GET", "PUT", "DELETE")
def subscription(request: HttpRequest, who: Caller, number: str) -> Any:
    _need(who, READ if request.method == "GET" else WRITE)
    row = _own(who, number)
    if request.method == "DELETE":
        store.run("DELETE FROM subscription WHERE id = ?", number)
        journal.record(
            "effect", "trainingpeaks", effect="subscription deleted", subscription=number
        )
        return HttpResponse()
    if request.method == "PUT":
        return _update(row, object_body(request))
    return _shown(row)


def _create(who: Caller, body: dict[str, Any]) -> Any:
    athlete = _athlete(who, body.get("AthleteId"))
    event, url = _event(body), _url(body)
    with store.transaction():
        if again := _again(athlete, event, url):
            return leave(_shown(again))
        _check_limit(who)
        about = (str(uuid4()), athlete, event, url, 1, who.id, created_on())
        store.run("INSERT INTO subscription VALUES (?, ?, ?, ?, ?, ?, ?)", *about)
        journal.record(
            "effect", "trainingpeaks", effect="subscription created",
            subscription=about[0], athlete=athlete, event=event,
        )  # fmt: skip
    return leave(_shown(_own(who, about[0])), int(switches.get("subscription_create_status")))


def _update(row: store.Row, body: dict[str, Any]) -> Any:
    active = body.get("Active", True) is not False
    store.run(
        "UPDATE subscription SET event = ?, url = ?, active = ? WHERE id = ?",
        _event(body), _url(body), int(active), row["id"],
    )  # fmt: skip
    journal.record("effect", "trainingpeaks", effect="subscription updated", subscription=row["id"])
    changed = store.one("SELECT * FROM subscription WHERE id = ?", row["id"])
    return _shown(changed or row)


def _need(who: Caller, scope: str) -> None:
    if scope not in who.scopes:
        status = int(switches.get("scope_missing_status"))
        raise Refusal(status, {"Message": "Authorization has been denied for this request."})


def _athlete(who: Caller, given: Any) -> int:
    if not str(given).isdecimal():
        raise bad_request("AthleteId is required.")
    if who.role != "athlete" and not switches.get("coach_may_subscribe"):
        raise Refusal(403, {"Message": "Only an athlete may subscribe."})
    return athlete_for(who, int(given))


def _event(body: dict[str, Any]) -> str:
    if body.get("EventType") not in EVENTS:
        raise bad_request(f"EventType is one of {', '.join(EVENTS)}.")
    return str(body["EventType"])


def _url(body: dict[str, Any]) -> str:
    url = str(body.get("WebhookUrl") or "")
    if not url.startswith(("https://", "http://")):
        raise bad_request("WebhookUrl is required.")
    return url


def _again(athlete: int, event: str, url: str) -> store.Row | None:
    rule = switches.get("subscription_duplicates")
    row = store.one(
        "SELECT * FROM subscription WHERE athlete = ? AND event = ? AND url = ?",
        athlete, event, url,
    )  # fmt: skip
    if row is None or rule == "create":
        return None
    if rule == "refuse":
        raise bad_request("The subscription exists already.")
    return row


def _check_limit(who: Caller) -> None:
    most = int(switches.get("subscription_limit"))
    sql = "SELECT count(*) AS held FROM subscription WHERE created_by = ?"
    held = store.one(sql, who.id)
    if most and held and held["held"] >= most:
        raise bad_request("There are too many subscriptions.")


def _own(who: Caller, number: str) -> store.Row:
    sql = "SELECT * FROM subscription WHERE id = ? AND created_by = ?"
    row = store.one(sql, number, who.id)
    if row is None:
        raise Refusal(404, {"Message": "Not found."})
    return row


def created_on() -> str:
    """Seven digits of a second, which few parsers expect."""
    return store.now().strftime("%Y-%m-%dT%H:%M:%S.%f") + "4Z"


def _shown(row: store.Row) -> dict[str, Any]:
    return {
        "Id": row["id"],
        "AthleteId": row["athlete"],
        "EventType": row["event"],
        "WebhookUrl": row["url"],
        "Active": bool(row["active"]),
        "CreatedBy": row["created_by"],
        "CreatedOn": row["created_on"],
    }
