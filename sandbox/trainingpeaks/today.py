"""The workout of the day: an athlete's own, for today and up to six days more."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest

from sandbox.trainingpeaks import calendars
from sandbox.trainingpeaks.people import athlete_for
from sandbox.trainingpeaks.wire import Caller, api, bad_request
from sandbox.trainingpeaks.workouts import check_range, on_wire, wants

MOST_DAYS = 7


@api("workouts:wod")
def of_the_day(request: HttpRequest, who: Caller, day: str) -> Any:
    about = athlete_for(who, None)
    first, _ = check_range(day, day)
    last = first + timedelta(days=_days(request.GET.get("numberOfDays", "1")) - 1)
    rows = calendars.between(about, first.isoformat(), last.isoformat())
    return on_wire(rows, about, described=wants(request))


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_DAYS:
        raise bad_request(f"numberOfDays is at most {MOST_DAYS}.")
    return int(text)
