"""Weeks of training as a coach writes them: sessions by sport, with intervals and exercises."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from sandbox.control import sets

Body = dict[str, Any]
SPORTS = {
    "triathlon": ("Swim", "Bike", "Run", "Strength", "Swim", "Brick", "Run"),
    "bike": ("Day Off", "Bike", "Bike", "Strength", "Bike", "Bike", "Walk"),
    "run": ("Day Off", "Run", "X-Train", "Run", "Strength", "Run", "Run"),
    "mtb": ("Day Off", "MTB", "Strength", "Bike", "X-Train", "MTB", "Bike"),
    "ski": ("Strength", "XC-Ski", "Run", "XC-Ski", "Day Off", "XC-Ski", "Walk"),
    "rowing": ("Rowing", "Strength", "Rowing", "Run", "Day Off", "Rowing", "Custom"),
}
EASY = {
    "Swim": ("Technique and pull", 0.75, 2400),
    "Bike": ("Endurance ride", 1.75, 52_000),
    "Run": ("Easy run", 0.8333333, 9_500),
    "Brick": ("Brick: bike, then run", 2.25, 58_000),
    "Walk": ("Recovery walk", 0.75, 4_000),
    "MTB": ("Trail ride", 1.5, 24_000),
    "XC-Ski": ("Classic, steady", 1.25, 15_000),
    "Rowing": ("Steady state", 1.0, 12_000),
    "X-Train": ("Cross-training, your choice", 0.75, None),
    "Custom": ("Mobility and breathing", 0.5, None),
    "Day Off": ("Rest day", None, None),
    "Strength": ("Gym", 0.75, None),
}
WORDS = (
    "Keep it conversational. If you feel flat, stop ten minutes early.",
    "Hold form on the last two. Recovery is part of the work.",
    "Fuel from minute twenty: 60 g of carbohydrate an hour.",
    "Cadence a little higher than feels natural.",
    "Stay relaxed; nothing heroic today.",
)


def block(
    focus: str, start: date, weeks: int, chance: random.Random, *, race: bool = False
) -> list[Body]:
    """So many weeks; every fourth is easier. With a race, it ends on the last Saturday."""
    found = [
        body
        for week in range(weeks)
        for body in _week(focus, start + timedelta(weeks=week), week, chance)
    ]
    if race:
        found.append(race_day(start + timedelta(weeks=weeks) - timedelta(days=2)))
    return found


def _week(focus: str, first: date, week: int, chance: random.Random) -> Iterator[Body]:
    easier = 0.7 if week % 4 == 3 else 1.0
    for offset, sport in enumerate(SPORTS[focus]):
        day = first + timedelta(days=offset)
        if sport == "Strength":
            yield sets.strength_session(day, week)
        elif offset in {1, 3} and sport != "Day Off":
            yield _hard(sport, day, week, chance)
        else:
            yield _easy(sport, day, easier, chance)


def _easy(sport: str, day: date, factor: float, chance: random.Random) -> Body:
    title, hours, meters = EASY[sport]
    body: Body = {"WorkoutDay": f"{day}T00:00:00", "WorkoutType": sport, "Title": title}
    if hours is not None:
        body["TotalTimePlanned"] = round(hours * factor, 6)
        body["TssPlanned"] = round(hours * factor * 52, 1)
        body["IFPlanned"] = 0.68
        body["Description"] = chance.choice(WORDS)
    if meters is not None:
        body["DistancePlanned"] = float(round(meters * factor))
    if chance.random() < 0.3:
        body["StartTimePlanned"] = f"{day}T{chance.choice(('06:30', '17:45', '18:30'))}:00"
    return body


def _hard(sport: str, day: date, week: int, chance: random.Random) -> Body:
    structure, title = sets.intervals(sport, week)
    hours = sets.seconds(structure) / 3600
    body = _easy(sport, day, 1.0, chance)
    body |= {"Title": title, "Structure": structure, "TotalTimePlanned": round(hours, 6)}
    body |= {"TssPlanned": round(hours * 78, 1), "IFPlanned": 0.86}
    if easy_hours := EASY[sport][1]:
        body["DistancePlanned"] = float(round((EASY[sport][2] or 0) * hours / easy_hours)) or None
    body["PreActivityComment"] = "Warm up well; skip the last repeat if power drops."
    return body


def race_day(day: date) -> Body:
    return {
        "WorkoutDay": f"{day}T00:00:00",
        "StartTimePlanned": f"{day}T09:00:00",
        "WorkoutType": "Race",
        "Title": "Olympic triathlon, Zürich",
        "Description": "A race. Number belt, gels, spare goggles. Enjoy it!",
        "TotalTimePlanned": 2.5,
        "DistancePlanned": 51_500.0,
        "TssPlanned": 210.0,
        "IFPlanned": 0.92,
    }


def plan(weeks: int, start: date, focus: str, name: str) -> list[Body]:
    """A plan from the coach's library, as it lands on one athlete's calendar."""
    chance = random.Random(f"{name} {weeks}")  # noqa: S311 - the same plan every time
    return block(focus, start, weeks, chance)
