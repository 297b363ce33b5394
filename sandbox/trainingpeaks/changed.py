"""The changed feed: what was modified and deleted since a time, page by page, with no total."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from sandbox import store
from sandbox.control import switches
from sandbox.trainingpeaks import calendars
from sandbox.trainingpeaks.people import athlete_for
from sandbox.trainingpeaks.wire import Caller, api, bad_request
from sandbox.trainingpeaks.workouts import on_wire, wants

MOST = 100
SINCE_2000 = "2000-01-01T00:00:00+00:00"


@api("workouts:read")
def changed(request: HttpRequest, who: Caller, athlete: int | None = None) -> Any:
    about = athlete_for(who, athlete)
    since = _since(request.GET.get("date", ""))
    size, page = sizes(request, MOST)
    rows = store.all_rows(
        """SELECT * FROM workout WHERE athlete = ? AND kind = 'workout' AND modified >= ?
        ORDER BY modified, id""",
        about, since,
    )  # fmt: skip
    modified = on_wire(rows, about, described=wants(request))
    if kinds := request.GET.get("workoutTypeFilter", "").casefold():
        wanted = set(kinds.split(","))
        modified = [one for one in modified if str(one["WorkoutType"]).casefold() in wanted]
    shown = modified[page * size : (page + 1) * size]  # cut last: only the final page is short
    return {"Deleted": _deleted(about, since, page), "Modified": shown}


def sizes(request: HttpRequest, most: int) -> tuple[int, int]:
    """Page size and zero-based page number; both are required."""
    try:
        size, page = int(request.GET["pageSize"]), int(request.GET["page"])
    except (KeyError, ValueError):
        raise bad_request("pageSize and page are required.") from None
    if not 1 <= size <= most or page < 0:
        raise bad_request(f"pageSize is 1 to {most}, page is 0 or more.")
    return size, page


def _since(text: str) -> str:
    try:
        moment = calendars.moment(text.replace(" ", "+"))
    except ValueError:
        raise bad_request("The date is not valid.") from None
    if moment < datetime.fromisoformat(SINCE_2000):
        raise bad_request("The date may not be before 2000-01-01.")
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _deleted(athlete: int, since: str, page: int) -> list[int]:
    if page and not switches.get("deleted_on_every_page"):
        return []
    sql = "SELECT workout FROM deletion WHERE athlete = ? AND kind = 'workout' AND at >= ?"
    rows = store.all_rows(f"{sql} ORDER BY at", athlete, since)
    return [row["workout"] for row in rows]
