"""Weeks and sessions that several golden cases start from."""

from datetime import date, timedelta

from tests.plans.making import TUE, WED, block, exercise, session

WEEK = timedelta(weeks=1)
LATER = date(2026, 3, 17)  # a Tuesday that a bare weekday would not find
SQUAT = exercise("Back squat", *[{"Reps": "8", "WeightKg": "60"}] * 3)


def intervals(*parts, day=TUE, **fields):
    return session(1, day, "Intervals", "bike", intervals=parts, **fields)


def strength(*exercises):
    return session(1, WED, "Gym", "strength", strength=[block(*exercises)])


def many(count, start, *, first=10, sports=("run",), every=1, **fields):
    return [
        session(
            first + number,
            start + timedelta(days=number * every),
            "Training",
            sports[number % len(sports)],
            **fields,
        )
        for number in range(count)
    ]


def on(sessions, days):
    """The same sessions, so many days later."""
    return [one.model_copy(update={"date": one.date + timedelta(days=days)}) for one in sessions]


def changed(sessions, **fields):
    return [one.model_copy(update=fields) for one in sessions]
