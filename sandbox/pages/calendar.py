"""An athlete's calendar as weeks: add, move, edit, delete, apply a plan."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_POST

from sandbox import store
from sandbox.control import studio, training
from sandbox.pages.forms import WorkoutForm
from sandbox.trainingpeaks import calendars, people

WEEKS = 4
MOST_WEEKS = 52


@dataclass(frozen=True)
class Card:
    """One session as the calendar shows it."""

    id: int
    kind: str
    sport: str
    title: str
    figures: str
    structured: bool
    time: str

    @property
    def tone(self) -> str:
        return self.sport.casefold().replace(" ", "-")


@dataclass(frozen=True)
class Day:
    date: date
    cards: list[Card]
    today: bool


def athlete(request: HttpRequest, athlete: int) -> HttpResponse:
    person = people.person(athlete)
    first = studio.monday(day_of(request.GET.get("from", "")))
    context = {
        "athlete": person,
        "name": studio.full_name(person),
        "weeks": list(weeks(athlete, first)),
        "first": first,
        "before": first - timedelta(weeks=WEEKS),
        "after": first + timedelta(weeks=WEEKS),
        "this_week": studio.monday(today()),
        "next_monday": studio.monday(today()) + timedelta(weeks=1),
        "focuses": list(training.SPORTS),
    }
    return render(request, "sandbox/athlete.html", context)


def weeks(athlete: int, first: date) -> list[dict[str, Any]]:
    end = first + timedelta(weeks=WEEKS)
    cards: dict[str, list[Card]] = {}
    for kind in ("workout", "strength"):
        for row in calendars.between(athlete, first.isoformat(), end.isoformat(), kind):
            cards.setdefault(row["day"], []).append(card(row))
    return [_week(first + timedelta(weeks=number), cards) for number in range(WEEKS)]


def _week(monday: date, cards: dict[str, list[Card]]) -> dict[str, Any]:
    days = [monday + timedelta(days=offset) for offset in range(7)]
    shown = [Day(day, cards.get(day.isoformat(), []), day == today()) for day in days]
    return {"monday": monday, "days": shown, "count": sum(len(day.cards) for day in shown)}


def card(row: store.Row) -> Card:
    body = store.loaded(row["body"])
    strength = row["kind"] == "strength"
    start = body.get("PrescribedStartTime" if strength else "StartTimePlanned") or ""
    return Card(
        id=row["id"],
        kind=row["kind"],
        sport="Strength" if strength else str(body.get("WorkoutType") or "Other"),
        title=body.get("Title") or "Untitled",
        figures=figures(body),
        structured=bool(row["structure"] or body.get("Blocks")),
        time=str(start)[11:16],
    )


def figures(body: dict[str, Any]) -> str:
    """How long and how far, in words."""
    seconds = body.get("PrescribedDurationInSeconds") or (body.get("TotalTimePlanned") or 0) * 3600
    minutes = round(seconds / 60)
    length = f"{minutes // 60}:{minutes % 60:02} h" if minutes else ""
    meters = body.get("DistancePlanned") or 0
    far = f"{meters / 1000:.1f} km" if meters else ""
    return " · ".join(part for part in (length, far) if part)


def add(request: HttpRequest, athlete: int) -> HttpResponse:
    person = people.person(athlete)
    if request.method == "POST":
        form = WorkoutForm(request.POST)
        if form.is_valid():
            calendars.add(athlete, form.body(), origin="page")
            return back(athlete, form.cleaned_data["day"])
    else:
        given = day_of(request.GET.get("day", ""))
        form = WorkoutForm(initial={"day": given, "sport": "Run", "hours": "1:00"})
    return _form(request, form, person, new=True)


def edit(request: HttpRequest, athlete: int, workout: int) -> HttpResponse:
    person, row = people.person(athlete), found(workout)
    if row is None:
        return back(athlete, today())
    body = store.loaded(row["body"])
    if request.method == "POST":
        strength = row["kind"] == "strength"
        form = WorkoutForm(request.POST, strength=strength, structured=bool(row["structure"]))
        if form.is_valid():
            calendars.change(workout, form.body(), origin="page")
            return back(athlete, form.cleaned_data["day"])
    else:
        structured = bool(row["structure"])
        form = WorkoutForm.showing(row["kind"], row["day"], body, structured=structured)
    return _form(request, form, person, row=row)


def _form(
    request: HttpRequest,
    form: WorkoutForm,
    person: dict[str, Any],
    *,
    new: bool = False,
    row: store.Row | None = None,
) -> HttpResponse:
    context = {
        "form": form,
        "athlete": person,
        "name": studio.full_name(person),
        "new": new,
        "workout": row,
        "structure": _pretty(row),
    }
    status = 400 if form.errors else 200
    return render(request, "sandbox/workout.html", context, status=status)


def _pretty(row: store.Row | None) -> str:
    """The intervals, one line each."""
    return "\n".join(lines(store.loaded(row["structure"]) or [])) if row else ""


def lines(structure: list[dict[str, Any]], indent: str = "") -> list[str]:
    told = []
    for step in structure:
        if step["Type"] == "Repetition":
            told.append(f"{indent}{step['Length']['Value']} ×")
            told += lines(step["Steps"], indent + "    ")
            continue
        target = step.get("IntensityTarget", {})
        length = f"{step['Length']['Value']} {step['Length']['Unit'].casefold()}s"
        told.append(f"{indent}{length} at {target.get('Value')} {target.get('Unit')}")
    return told


@require_POST
def move(request: HttpRequest, athlete: int, workout: int) -> HttpResponse:
    """One day on, one day back, or to the day it was dropped on."""
    row = found(workout)
    if row is None:
        return back(athlete, today())
    day = _moved(date.fromisoformat(row["day"]), request.POST.get("to", ""))
    name = "PrescribedDate" if row["kind"] == "strength" else "WorkoutDay"
    calendars.change(workout, {name: f"{day}T00:00:00"}, origin="page")
    return back(athlete, day_of(request.POST.get("from", "")), workout)


def _moved(day: date, to: str) -> date:
    if to in {"before", "after"}:
        return day + timedelta(days=-1 if to == "before" else 1)
    try:
        return date.fromisoformat(to)
    except ValueError:
        return day


@require_POST
def delete(request: HttpRequest, athlete: int, workout: int) -> HttpResponse:
    row = found(workout)
    if row is not None:
        calendars.delete(workout, origin="page")
    return back(athlete, date.fromisoformat(row["day"]) if row else today())


@require_POST
def apply_plan(request: HttpRequest, athlete: int) -> HttpResponse:
    people.person(athlete)
    start = day_of(request.POST.get("start", ""))
    given = request.POST.get("weeks", "")
    count = min(int(given), MOST_WEEKS) if given.isdecimal() else 12
    focus = request.POST.get("focus", "")
    chosen = focus if focus in training.SPORTS else "triathlon"
    bodies = training.plan(count, start, chosen, "12-week build")
    calendars.add_all(athlete, bodies, origin="page")
    return back(athlete, start)


def found(workout: int) -> store.Row | None:
    return store.one("SELECT * FROM workout WHERE id = ?", workout)


def back(athlete: int, day: date, workout: int | None = None) -> HttpResponse:
    """To the weeks around a day; the session that was moved stays in sight."""
    place = f"#session-{workout}" if workout else ""
    return HttpResponseRedirect(f"/athletes/{athlete}?from={studio.monday(day)}{place}")


def today() -> date:
    return store.now().date()


def day_of(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return today()
