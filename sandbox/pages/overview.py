"""The first page, the destinations, the switches and the journal."""

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_POST
from django.views.static import serve

from sandbox import journal, settings, store
from sandbox.control import studio, switches
from sandbox.destinations import calendar, inboxes, intervals_icu
from sandbox.pages import presets

MOST = 60


def home(request: HttpRequest) -> HttpResponse:
    sql = "SELECT athlete, count(*) AS held FROM workout GROUP BY athlete"
    held = {row["athlete"]: row["held"] for row in store.all_rows(sql)}
    listing = studio.listing()
    for athlete in listing["athletes"]:
        athlete["sessions"] = held.get(athlete["id"], 0)
    context = listing | {
        "inboxes": inboxes.names(),
        "changed": _changed(),
        "latest": journal.latest(8),
    }
    return render(request, "sandbox/home.html", context)


@require_POST
def seed(request: HttpRequest) -> HttpResponse:
    studio.seed(studio.Size())
    return HttpResponseRedirect("/")


def destinations(request: HttpRequest) -> HttpResponse:
    named = [{"name": name, "plans": len(inboxes.held(name))} for name in inboxes.names()]
    events = store.all_rows("SELECT * FROM event ORDER BY athlete, day, id")
    context = {
        "inboxes": named,
        "athletes": [_at_intervals(who, list(rows)) for who, rows in _by_athlete(events)],
        "events_in_all": len(events),
        "calendars": calendar.known(),
    }
    return render(request, "sandbox/destinations.html", context)


def _by_athlete(events: list[store.Row]) -> Iterator[tuple[str, Iterator[store.Row]]]:
    return groupby(events, lambda row: str(row["athlete"]))


def _at_intervals(who: str, rows: list[store.Row]) -> dict[str, Any]:
    events = [intervals_icu.inspected(row) for row in rows]
    for event in events:
        minutes = round((event.get("moving_time") or 0) / 60)
        event["length"] = f"{minutes // 60}:{minutes % 60:02} h" if minutes else ""
    misread = sum(1 for event in events if event["problems"])
    return {"id": who, "events": events, "problems": misread}


def inbox(request: HttpRequest, inbox: str) -> HttpResponse:
    row = inboxes.get(inbox)
    if row is None:
        return HttpResponseRedirect("/inboxes")
    context: dict[str, Any] = {
        "inbox": inbox,
        "url": request.build_absolute_uri(f"/destinations/webhook/{inbox}"),
        "has_secret": bool(row["secret"]),
        "answer": row["answer"],
        "times": row["times"],
        "presets": list(presets.ANSWERS),
        "plans": [_readable(plan) for plan in inboxes.held(inbox)],
        "effects": inboxes.messages(inbox, ("applied", "applied again"))[::-1][:MOST],
        "repeats": inboxes.messages(inbox, ("repeated",))[::-1][:MOST],
        "refusals": inboxes.messages(inbox, ("refused",))[::-1][:MOST],
    }
    return render(request, "sandbox/inbox.html", context)


def _readable(plan: dict[str, Any]) -> dict[str, Any]:
    data = plan["body"].get("data")
    about: dict[str, Any] = data if isinstance(data, dict) else {}
    athlete = about.get("athlete")
    name = athlete.get("name") if isinstance(athlete, dict) else None
    return plan | {
        "pretty": json.dumps(plan["body"], indent=2, ensure_ascii=False),
        "sessions": len(about.get("exerciseList") or []),
        "label": name or about.get("planName") or plan["planId"],
    }


@require_POST
def answer(request: HttpRequest, inbox: str) -> HttpResponse:
    """Let an inbox answer differently from now on."""
    chosen = presets.ANSWERS.get(request.POST.get("answer", ""))
    times = request.POST.get("times", "")
    if chosen is not None and inboxes.get(inbox) is not None:
        count = int(times) if times.isdecimal() else None
        inboxes.configure(inbox, {"answer": chosen, "times": count})
    return HttpResponseRedirect(f"/inboxes/{inbox}")


@require_POST
def make_inbox(request: HttpRequest) -> HttpResponse:
    name = "".join(c for c in request.POST.get("name", "") if c.isalnum() or c in "-_")
    secret = request.POST.get("secret", "").strip()
    if name:
        inboxes.configure(name, {"secret": secret} if secret else {})
    return HttpResponseRedirect(f"/inboxes/{name}" if name else "/inboxes")


def switchboard(request: HttpRequest, problem: str = "", status: int = 200) -> HttpResponse:
    values = switches.values()
    rows = [_row(switch, values[switch.name]) for switch in switches.ALL]
    rows.sort(key=lambda row: presets.GROUPS.index(row["group"]))
    groups = [(name, list(found)) for name, found in groupby(rows, lambda row: row["group"])]
    context = {"groups": groups, "changed": _changed(), "problem": problem}
    return render(request, "sandbox/switches.html", context, status=status)


def _row(switch: switches.Switch, value: Any) -> dict[str, Any]:
    return {
        "name": switch.name,
        "group": switch.group,
        "kind": "bool" if isinstance(value, bool) else switch.kind,
        "choices": switch.choices,
        "explanation": switch.explanation,
        "value": store.dumped(value) if switch.kind == "json" else value,
        "default": store.dumped(switch.default),
        "changed": value != switch.default,
        "rows": 2 if switch.kind == "json" else 0,
    }


@require_POST
def set_switch(request: HttpRequest) -> HttpResponse:
    name, text = request.POST.get("name", ""), request.POST.get("value", "")
    switch = switches.BY_NAME.get(name)
    try:
        if switch is None:
            raise switches.UnknownSwitch(f"There is no switch {name!r}.")  # noqa: TRY301 - told like the others
        default = request.POST.get("back") == "yes"
        switches.change({name: switch.default if default else presets.value_of(switch, text)})
    except (switches.UnknownSwitch, ValueError) as error:
        return switchboard(request, problem=f"{name}: {error}", status=400)
    return HttpResponseRedirect(f"/switches#{name}")


def _changed() -> list[str]:
    values = switches.values()
    return [switch.name for switch in switches.ALL if values[switch.name] != switch.default]


def whole_journal(request: HttpRequest) -> HttpResponse:
    kind = request.GET.get("kind", "")
    rows = journal.latest(MOST * 3) if not kind else journal.newest_of(kind, MOST * 3)
    kinds = [row["kind"] for row in store.all_rows("SELECT DISTINCT kind FROM journal ORDER BY 1")]
    context = {"rows": [_told(row) for row in rows], "kinds": kinds, "kind": kind}
    return render(request, "sandbox/journal.html", context)


def _told(row: dict[str, Any]) -> dict[str, Any]:
    named = ("seq", "at", "kind", "simulator")
    rest = {key: value for key, value in row.items() if key not in named and value not in ({}, [])}
    words = ", ".join(f"{key} {value}" for key, value in rest.items())
    return {name: row[name] for name in named} | {"words": words}


def static(request: HttpRequest, path: str) -> Any:
    return serve(request, path, document_root=str(settings.STATIC_DIRECTORY))
