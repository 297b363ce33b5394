"""Sessions that move, in days or in hours. Today is Monday 2 March 2026."""

from datetime import date

from tests.plans.golden.weeks import LATER, WEEK, intervals, many, on
from tests.plans.making import FRI, MON, SAT, SUN, THU, TUE, WED, repeat, session

CASES = [
    (
        "moved",
        [session(1, TUE, "Intervals", "bike")],
        [session(1, WED, "Intervals", "bike")],
        ["Tuesday's intervals moved to Wednesday"],
    ),
    (
        "moved and repeats",
        [intervals(repeat(5))],
        [intervals(repeat(4), day=WED)],
        ["Tuesday's intervals moved to Wednesday; 5 repeats became 4"],
    ),
    (
        "moved a week",
        [session(1, TUE, "Long run")],
        [session(1, TUE + WEEK, "Long run")],
        ["Tuesday's long run moved a week later to Tuesday 10 March"],
    ),
    (
        "moved earlier two weeks",
        [session(1, TUE + 2 * WEEK, "Long run")],
        [session(1, TUE, "Long run")],
        ["The long run on Tuesday 17 March moved two weeks earlier to Tuesday"],
    ),
    (
        "moved far",
        [session(1, LATER, "Fartlek 12")],
        [session(1, date(2026, 4, 2), "Fartlek 12")],
        ["“Fartlek 12” on Tuesday 17 March moved to Thursday 2 April"],
    ),
    (
        "moved with time",
        [session(1, TUE, "Swim", "swim", at="06:30")],
        [session(1, THU, "Swim", "swim", at="07:00")],
        ["Tuesday's swim moved to Thursday at 07:00"],
    ),
    (
        "moved same time",
        [session(1, TUE, "Swim", "swim", at="06:30")],
        [session(1, THU, "Swim", "swim", at="06:30")],
        ["Tuesday's swim moved to Thursday"],
    ),
    (
        "moved loses time",
        [session(1, TUE, at="06:30")],
        [session(1, THU)],
        ["Tuesday's run moved to Thursday and no longer has a fixed start time"],
    ),
    (
        "moved and shorter",
        [session(1, SAT, "Long ride", "bike", minutes=240)],
        [session(1, SUN, "Long ride", "bike", minutes=210)],
        ["Saturday's long ride moved to Sunday and got shorter (3 h 30 min instead of 4 h)"],
    ),
    (
        "moved new year",
        [session(1, date(2026, 12, 30), "Easy run")],
        [session(1, date(2027, 1, 2), "Easy run")],
        ["The easy run on Wednesday 30 December 2026 moved to Saturday 2 January 2027"],
    ),
    (
        "swapped",
        [session(1, TUE, "Intervals", "bike"), session(2, THU, "Easy run")],
        [session(1, THU, "Intervals", "bike"), session(2, TUE, "Easy run")],
        ["Tuesday's intervals and Thursday's easy run swapped days"],
    ),
    (
        "swapped and changed",
        [intervals(repeat(5)), session(2, THU, "Easy run")],
        [intervals(repeat(4), day=THU), session(2, TUE, "Easy run")],
        [
            "Tuesday's intervals and Thursday's easy run swapped days",
            "Thursday's intervals: 5 repeats became 4",
        ],
    ),
    (
        "week a day later",
        many(5, MON),
        on(many(5, MON), 1),
        ["5 sessions from 2 to 6 March moved a day later"],
    ),
    (
        "block a week later",
        many(12, MON, every=2),
        on(many(12, MON, every=2), 7),
        ["12 sessions from 2 to 24 March moved a week later"],
    ),
    (
        "block three days earlier",
        many(4, LATER),
        on(many(4, LATER), -3),
        ["4 sessions from 17 to 20 March moved 3 days earlier"],
    ),
    (
        "race moved",
        [session(1, date(2026, 4, 12), "City Marathon", "race")],
        [session(1, date(2026, 4, 19), "City Marathon", "race")],
        ["The race “City Marathon” on Sunday 12 April moved a week later to Sunday 19 April"],
    ),
    (
        "rest day moved",
        [session(1, FRI, sport="rest")],
        [session(1, THU, sport="rest")],
        ["Friday's rest day moved to Thursday"],
    ),
    (
        "retimed",
        [session(1, TUE, "Easy run", at="06:30")],
        [session(1, TUE, "Easy run", at="18:00")],
        ["Tuesday's easy run now starts at 18:00 instead of 06:30"],
    ),
    (
        "timed",
        [session(1, TUE, "Easy run")],
        [session(1, TUE, "Easy run", at="18:00")],
        ["Tuesday's easy run now starts at 18:00"],
    ),
    (
        "untimed",
        [session(1, TUE, "Easy run", at="06:30")],
        [session(1, TUE, "Easy run")],
        ["Tuesday's easy run no longer has a fixed start time"],
    ),
    (
        "retimed plural",
        [intervals(repeat(5), at="06:30")],
        [intervals(repeat(5), at="07:00")],
        ["Tuesday's intervals now start at 07:00 instead of 06:30"],
    ),
]
