"""Sessions that come, go and replace each other. Today is Monday 2 March 2026."""

from datetime import date

from tests.plans.golden.weeks import LATER, many
from tests.plans.making import FRI, SAT, THU, TUE, session

CASES = [
    (
        "added",
        [],
        [session(1, THU, "Easy run", minutes=45, km=8)],
        ["Easy run added on Thursday (45 min, 8 km)"],
    ),
    (
        "added timed",
        [],
        [session(1, THU, "Morning swim", "swim", at="06:15", km=2.5)],
        ["Morning swim added on Thursday at 06:15 (2500 m)"],
    ),
    (
        "added far",
        [],
        [session(1, LATER, "FTP test", "bike", minutes=60)],
        ["“FTP test” added on Tuesday 17 March (1 h)"],
    ),
    (
        "added untitled",
        [],
        [session(1, THU, sport="xc_ski")],
        ["Ski session added on Thursday"],
    ),
    (
        "added race",
        [],
        [session(1, date(2026, 4, 12), "City Marathon", "race", km=42.2)],
        ["Race “City Marathon” added on Sunday 12 April (42.2 km)"],
    ),
    (
        "added rest",
        [],
        [session(1, FRI, "Day off", "rest")],
        ["Friday is now a rest day"],
    ),
    (
        "two added",
        [],
        [
            session(1, THU, "Easy run", minutes=45),
            session(2, SAT, "Ride with the club", "bike", minutes=150),
        ],
        [
            "Easy run added on Thursday (45 min)",
            "“Ride with the club” added on Saturday (2 h 30 min)",
        ],
    ),
    (
        "removed",
        [session(1, TUE, "Intervals", "bike")],
        [],
        ["Tuesday's intervals were removed"],
    ),
    (
        "removed far",
        [session(1, LATER, "Easy run")],
        [],
        ["The easy run on Tuesday 17 March was removed"],
    ),
    (
        "removed race",
        [session(1, date(2026, 4, 12), "City Marathon", "race")],
        [],
        ["The race “City Marathon” on Sunday 12 April was removed"],
    ),
    (
        "removed rest",
        [session(1, FRI, sport="rest")],
        [],
        ["Friday is no longer a rest day"],
    ),
    (
        "replaced",
        [session(1, TUE, "Easy run")],
        [session(2, TUE, "Endurance", "bike", minutes=90)],
        ["Tuesday's easy run was replaced by an endurance ride (1 h 30 min)"],
    ),
    (
        "replaced rest",
        [session(1, TUE, "Hills")],
        [session(2, TUE, sport="rest")],
        ["Tuesday is now a rest day: hills removed"],
    ),
    (
        "rest replaced",
        [session(2, TUE, sport="rest")],
        [session(1, TUE, "Hills", minutes=50)],
        ["Tuesday is no longer a rest day: hills added (50 min)"],
    ),
    (
        "block added",
        [],
        many(12, date(2026, 3, 1), every=4, sports=("run", "bike", "run", "swim"))[:10]
        + many(2, date(2026, 4, 11), first=50),
        ["12 sessions added from 1 March to 12 April: 7 runs, 3 rides and 2 swims"],
    ),
    (
        "block plain",
        [],
        many(12, date(2026, 3, 1), every=4)[:11] + many(1, date(2026, 4, 12), first=50),
        ["12 runs added from 1 March to 12 April"],
    ),
    (
        "block with rest and race",
        [],
        [
            *many(5, LATER, sports=("run", "rest")),
            session(90, date(2026, 3, 22), "Park 10 km", "race", km=10),
        ],
        [
            "3 runs and 2 rest days added from 17 to 21 March",
            "Race “Park 10 km” added on Sunday 22 March (10 km)",
        ],
    ),
    (
        "block removed",
        many(6, date(2026, 3, 9), sports=("custom",)),
        [],
        ["6 sessions removed from 9 to 14 March"],
    ),
    (
        "one day",
        [],
        [session(n, SAT, f"Part {n}", "brick") for n in range(1, 6)],
        ["5 brick sessions added on Saturday"],
    ),
]
