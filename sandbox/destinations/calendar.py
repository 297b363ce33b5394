"""A calendar app that subscribes to iCalendar feeds and asks again with the ETag it was given."""

from typing import Any

import requests
from django.http import HttpRequest
from icalendar import Calendar
from icalendar.cal.component import Component

from sandbox import journal, store
from sandbox.answers import Refusal, json_view, object_body, only
from sandbox.trainingpeaks.hooks import is_loopback

TIMEOUT = (2, 10)  # connect, read: seconds


@json_view
def calendars(request: HttpRequest) -> Any:
    """POST subscribes, GET polls every feed, DELETE ends a subscription."""
    only(request, "GET", "POST", "DELETE")
    if request.method == "GET":
        return {"calendars": [polled(row) for row in known()]}
    url = address(str(object_body(request).get("url", "")))
    if not is_loopback(url):
        raise Refusal(400, {"error": "Only addresses on this machine are called."})
    if request.method == "DELETE":
        end(url)
        return {"ended": url}
    subscribe(url)
    return 201, {"url": url}


def address(given: str) -> str:
    return given.strip().replace("webcal://", "http://", 1)


def subscribe(url: str) -> None:
    store.run("INSERT OR IGNORE INTO calendar (url) VALUES (?)", url)
    journal.record("subscribed", "calendar", url=url)


def end(url: str) -> None:
    store.run("DELETE FROM calendar WHERE url = ?", url)


def known() -> list[store.Row]:
    return store.all_rows("SELECT * FROM calendar ORDER BY url")


def polled(row: store.Row) -> dict[str, Any]:
    status, etag, body = _asked(row)
    with store.transaction():
        store.run(
            "UPDATE calendar SET status = ?, etag = ?, body = ?, polled_at = ? WHERE url = ?",
            status, etag, body, store.stamp(), row["url"],
        )  # fmt: skip
        journal.record("poll", "calendar", url=row["url"], status=status)
    return {"url": row["url"], "status": status, "etag": etag, **parsed(body)}


def _asked(row: store.Row) -> tuple[str, str, str]:
    """The newest body: the one before, when the feed says that it still holds."""
    headers = {"User-Agent": "SandboxCalendar/1", "Accept": "text/calendar"}
    if row["etag"]:
        headers["If-None-Match"] = row["etag"]
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(
                row["url"], headers=headers, timeout=TIMEOUT, allow_redirects=False
            )
    except requests.RequestException as error:
        return type(error).__name__, row["etag"], row["body"]
    if answer.status_code == 304:
        return "304", row["etag"], row["body"]
    if not answer.ok:
        return str(answer.status_code), "", ""
    return "200", answer.headers.get("ETag", ""), answer.content.decode(errors="replace")


def parsed(body: str) -> dict[str, Any]:
    if not body:
        return {"events": [], "problem": ""}
    try:
        parsed = Calendar.from_ical(body)
    except ValueError as error:
        return {"events": [], "problem": str(error)}
    return {"events": [_event(event) for event in parsed.walk("VEVENT")], "problem": ""}


def _event(event: Component) -> dict[str, Any]:
    start = event.decoded("DTSTART", None)
    return {
        "uid": str(event.get("UID", "")),
        "summary": str(event.get("SUMMARY", "")),
        "description": str(event.get("DESCRIPTION", "")),
        "start": start.isoformat() if start else None,
        "sequence": int(event.get("SEQUENCE", 0)),
        "status": str(event.get("STATUS", "")),
    }
