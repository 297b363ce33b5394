"""Workouts on an athlete's calendar, by range and by id, as a read of the API shows them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest

from sandbox import store
from sandbox.answers import Refusal
from sandbox.control import switches
from sandbox.trainingpeaks import calendars
from sandbox.trainingpeaks.people import athlete_for, person
from sandbox.trainingpeaks.wire import Caller, api, bad_request

MOUNTAIN = ZoneInfo("America/Denver")
FILE_FORMATS = ["erg", "fit", "mrc", "zwo", "json"]
AHEAD = timedelta(days=365)
PREMIUM_ONLY = (
    "TssPlanned", "TssActual", "IF", "IFPlanned", "CaloriesPlanned", "Calories", "EnergyPlanned",
    "Energy", "ElevationGainPlanned", "VelocityPlanned", "HeartRateAverage", "PowerAverage",
    "CadenceAverage", "TempAvg", "Rpe", "Feeling", "Tags",
)  # fmt: skip
ALWAYS: dict[str, Any] = {
    "WorkoutDay": None, "StartTimePlanned": None, "StartTime": None, "Title": None,
    "PreActivityComment": None, "PostActivityComment": None, "WorkoutType": "Other",
    "TotalTimePlanned": None, "TotalTime": None, "DistancePlanned": None, "Distance": None,
    "TssPlanned": None, "TssActual": None, "IFPlanned": None, "IF": None,
    "CaloriesPlanned": None, "Calories": None, "EnergyPlanned": None, "Energy": None,
    "ElevationGainPlanned": None, "VelocityPlanned": None, "HeartRateAverage": None,
    "PowerAverage": None, "CadenceAverage": None, "Rpe": None, "Feeling": None,
    "Tags": [], "Completed": False, "WorkoutFileFormats": [],
}  # fmt: skip


@api("workouts:read")
def by_range(
    request: HttpRequest, who: Caller, start: str, end: str, athlete: int | None = None
) -> Any:
    about = athlete_for(who, athlete)
    first, last = check_range(start, end)
    rows = calendars.between(about, first.isoformat(), last.isoformat())
    return on_wire(rows, about, described=wants(request))


@api("workouts:read", "GET", "DELETE")
def by_id(request: HttpRequest, who: Caller, workout: int, athlete: int | None = None) -> Any:
    row = owned(who, workout, athlete)
    if request.method == "DELETE":
        return _delete(who, row)
    return on_wire([row], row["athlete"], described=wants(request))[0]


def _delete(who: Caller, row: store.Row) -> bool:
    if "workouts:plan" not in who.scopes:
        raise Refusal(401, {"Message": "Authorization has been denied for this request."})
    if store.loaded(row["body"]).get("Completed"):
        raise bad_request("A completed workout cannot be deleted.")
    calendars.delete(row["id"], origin="api")
    return True


def owned(who: Caller, workout: int, athlete: int | None = None) -> store.Row:
    """The workout, if the caller may see whose it is."""
    try:
        row = calendars.get(int(workout))
    except calendars.NoWorkout:
        raise Refusal(404, {"Message": "The workout was not found."}) from None
    about = athlete_for(who, row["athlete"])
    if athlete is not None and athlete != about:
        raise Refusal(403, {"Message": "The workout belongs to another athlete."})
    if row["kind"] != "workout":
        raise Refusal(404, {"Message": "The workout was not found."})
    return row


def check_range(start: str, end: str, *, limit_ahead: bool = True) -> tuple[date, date]:
    try:
        first, last = date.fromisoformat(start), date.fromisoformat(end)
    except ValueError:
        raise bad_request("The dates are not valid.") from None
    if last < first:
        raise bad_request("The end date is before the start date.")
    if (last - first).days + 1 > int(switches.get("range_days")):
        refusal = bad_request(f"The range may not exceed {switches.get('range_days')} days.")
        refusal.status = int(switches.get("range_error_status"))
        raise refusal
    if limit_ahead and last > store.now().date() + AHEAD:
        raise bad_request("The end date may not be more than 365 days ahead.")
    return first, last


def wants(request: HttpRequest, name: str = "includeDescription") -> bool:
    folded = {key.casefold(): str(value) for key, value in request.GET.items()}
    return folded.get(name.casefold(), "").casefold() == "true"


def on_wire(rows: list[store.Row], athlete: int, *, described: bool) -> list[dict[str, Any]]:
    premium = bool(person(athlete).get("IsPremium"))
    found = [wire_workout(row, described=described, premium=premium) for row in rows]
    show = switches.get("show_hidden")
    return [workout for workout in found if show or not workout.get("Hidden")]


def wire_workout(row: store.Row, *, described: bool, premium: bool) -> dict[str, Any]:
    body: dict[str, Any] = (
        {"Id": row["id"], "AthleteId": row["athlete"]} | ALWAYS | store.loaded(row["body"])
    )
    description = body.pop("Description", None)
    if described and description is not None:
        body["Description"] = description
    if row["structure"]:
        body["WorkoutFileFormats"] = FILE_FORMATS
    if not premium:
        body |= dict.fromkeys(PREMIUM_ONLY)
    body["LastModifiedDate"] = _modified(row["modified"])
    if switches.get("tss_casing") != "TssPlanned":
        body["TSSPlanned"] = body.pop("TssPlanned")
    return body


def _modified(text: str) -> str:
    if switches.get("modified_in") == "utc":
        return text.replace("Z", "7Z") if switches.get("seven_digit_fractions") else text
    there = datetime.fromisoformat(text).astimezone(UTC).astimezone(MOUNTAIN)
    return there.replace(tzinfo=None).isoformat(timespec="milliseconds")
