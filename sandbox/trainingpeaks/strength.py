"""Strength workouts: exercises and sets, on an endpoint of their own."""

from typing import Any

from django.http import HttpRequest

from sandbox import store
from sandbox.trainingpeaks import calendars
from sandbox.trainingpeaks.changed import sizes
from sandbox.trainingpeaks.people import athlete_for
from sandbox.trainingpeaks.wire import Caller, api, bad_request
from sandbox.trainingpeaks.workouts import check_range

MOST = 50
ALWAYS: dict[str, Any] = {
    "PrescribedStartTime": None, "StartDateTime": None, "CompletedDateTime": None,
    "Instructions": None, "PrescribedDurationInSeconds": None, "ExecutedDurationInSeconds": None,
    "Rpe": None, "Feel": None, "IsComplete": False, "CompliancePercent": 0, "Blocks": [],
}  # fmt: skip


@api("workouts:read")
def strength_workouts(request: HttpRequest, who: Caller, athlete: int) -> Any:
    about = athlete_for(who, athlete)
    if not {"startDate", "endDate", "pageSize", "page"} <= set(request.GET):
        raise bad_request("startDate, endDate, pageSize and page are required.")
    first, last = check_range(request.GET["startDate"], request.GET["endDate"], limit_ahead=False)
    size, page = sizes(request, MOST)
    rows = calendars.between(about, first.isoformat(), last.isoformat(), "strength")
    return [_on_wire(row) for row in rows[page * size : (page + 1) * size]]


def _on_wire(row: store.Row) -> dict[str, Any]:
    named: dict[str, Any] = {"Id": str(row["id"]), "CalendarId": row["athlete"]}
    body: dict[str, Any] = store.loaded(row["body"])
    return named | ALWAYS | body | {"LastUpdatedAt": row["modified"]}
