"""The intervals of a workout: a file of their own, under a scope of their own."""

from typing import Any

from django.http import HttpRequest

from sandbox import store
from sandbox.answers import Refusal
from sandbox.control import switches
from sandbox.trainingpeaks.wire import Caller, api
from sandbox.trainingpeaks.workouts import owned

PERCENTS = ("Value", "MinValue", "MaxValue")


@api("workouts:wod")
def workout_file(request: HttpRequest, who: Caller, workout: int) -> Any:
    row = owned(who, workout)
    if who.role == "coach" and not switches.get("coach_may_read_structure"):
        raise Refusal(403, {"Message": "Forbidden."})
    structure = store.loaded(row["structure"])
    if not structure:
        raise Refusal(400, "Workout has no structure")
    wanted = request.GET.get("format", "json")
    if wanted != "json" or switches.get("structure_not_exported"):
        raise Refusal(400, f"Workout cannot be exported to format: '{wanted}'.")
    if switches.get("percent_as_fractions"):
        structure = _as_fractions(structure)
    return {"Structure": structure} if switches.get("structure_wrapped") else structure


def _as_fractions(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_fractions(member) for member in value]
    if not isinstance(value, dict):
        return value
    divided = {key: _as_fractions(member) for key, member in value.items()}
    if str(value.get("Unit", "")).startswith("Percent"):
        divided |= {key: value[key] / 100 for key in PERCENTS if value.get(key) is not None}
    return divided
