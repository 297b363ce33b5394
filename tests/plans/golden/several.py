"""Many changes at once. Today is Monday 2 March 2026."""

from tests.plans.golden.weeks import LATER, changed, many
from tests.plans.making import MON, SAT, SUN, THU, TUE, WED, session

CASES = [
    (
        "taper",
        many(8, MON, minutes=60),
        changed(many(8, MON, minutes=60), duration_seconds=2700),
        ["8 sessions from 2 to 9 March got shorter (6 h instead of 8 h in all)"],
    ),
    (
        "many notes",
        many(8, LATER),
        changed(many(8, LATER), coach_notes="New shoes."),
        ["8 sessions from 17 to 24 March have new notes from the coach"],
    ),
    (
        "many done",
        many(7, MON),
        changed(many(7, MON), completed=True),
        ["7 sessions from 2 to 8 March were marked as done"],
    ),
    (
        "several",
        [
            session(1, TUE, "Easy run"),
            session(2, THU, "Hills"),
            session(3, SAT, "Long run", minutes=90),
        ],
        [
            session(1, WED, "Easy run"),
            session(3, SAT, "Long run", minutes=100),
            session(4, SUN, "Swim", "swim"),
        ],
        [
            "Tuesday's easy run moved to Wednesday",
            "Thursday's hills were removed",
            "Saturday's long run got longer (1 h 40 min instead of 1 h 30 min)",
            "Swim added on Sunday",
        ],
    ),
    (
        "twins",
        [
            session(1, SAT, "Easy run", at="07:00"),
            session(2, SAT, "Easy run", at="17:00", minutes=30),
        ],
        [session(2, SAT, "Easy run", at="17:00", minutes=40)],
        [
            "Saturday's 17:00 easy run got longer (40 min instead of 30 min)",
            "Saturday's 07:00 easy run was removed",
        ],
    ),
]
