"""Sessions that change in name, size, load or words. Today is Monday 2 March 2026."""

from tests.plans.golden.weeks import intervals
from tests.plans.making import MON, SUN, TUE, session

CASES = [
    (
        "renamed",
        [session(1, TUE, "Easy run")],
        [session(1, TUE, "Recovery run")],
        ["Tuesday's easy run is now called “Recovery run”"],
    ),
    (
        "named",
        [session(1, TUE)],
        [session(1, TUE, "Hills at Edale")],
        ["Tuesday's run is now called “Hills at Edale”"],
    ),
    (
        "unnamed",
        [session(1, TUE, "Hills at Edale")],
        [session(1, TUE)],
        ["Tuesday's “Hills at Edale” is now without a title"],
    ),
    (
        "sport",
        [session(1, TUE, "Endurance", "run")],
        [session(1, TUE, "Endurance", "bike")],
        ["Tuesday's endurance run became a ride"],
    ),
    (
        "sport and name",
        [session(1, TUE, "Easy run", "run")],
        [session(1, TUE, "Aqua jog", "swim")],
        ["Tuesday's easy run became a swim and is now called “Aqua jog”"],
    ),
    (
        "unknown sport",
        [session(1, TUE, "Games", "custom")],
        [session(1, TUE, "Games", "other")],
        ["Tuesday's “Games” became another kind of session"],
    ),
    (
        "became rest",
        [session(1, TUE, "Intervals", "bike", minutes=60)],
        [session(1, TUE, "Day off", "rest")],
        ["Tuesday's intervals became a rest day"],
    ),
    (
        "from rest",
        [session(1, TUE, "Day off", "rest")],
        [session(1, TUE, "Easy run", "run", minutes=40)],
        ["Tuesday's rest day became an easy run (40 min)"],
    ),
    (
        "longer",
        [session(1, SUN, "Long run", minutes=90)],
        [session(1, SUN, "Long run", minutes=105)],
        ["Sunday's long run got longer (1 h 45 min instead of 1 h 30 min)"],
    ),
    (
        "shorter plural",
        [intervals(minutes=75)],
        [intervals(minutes=60)],
        ["Tuesday's intervals got shorter (1 h instead of 1 h 15 min)"],
    ),
    (
        "seconds",
        [session(1, SUN, "Long run", duration_seconds=1927)],
        [session(1, SUN, "Long run", duration_seconds=1930)],
        ["Sunday's long run got longer (32 min 10 s instead of 32 min 7 s)"],
    ),
    (
        "distance",
        [session(1, SUN, "Long run", km=18)],
        [session(1, SUN, "Long run", km=21.1)],
        ["Sunday's long run got longer (21.1 km instead of 18 km)"],
    ),
    (
        "pool distance",
        [session(1, MON, "Drills", "swim", km=2.4)],
        [session(1, MON, "Drills", "swim", km=2)],
        ["Monday's drills got shorter (2000 m instead of 2400 m)"],
    ),
    (
        "both",
        [session(1, SUN, "Long run", minutes=90, km=16)],
        [session(1, SUN, "Long run", minutes=100, km=18)],
        ["Sunday's long run got longer (1 h 40 min and 18 km instead of 1 h 30 min and 16 km)"],
    ),
    (
        "opposite",
        [session(1, SUN, "Long run", minutes=90, km=16)],
        [session(1, SUN, "Long run", minutes=100, km=15)],
        ["Sunday's long run is now 1 h 40 min and 15 km instead of 1 h 30 min and 16 km"],
    ),
    (
        "duration given",
        [session(1, SUN, "Long run")],
        [session(1, SUN, "Long run", minutes=100, km=15)],
        [
            (
                "Sunday's long run now has a planned duration of 1 h 40 min and a planned "
                "distance of 15 km"
            ),
        ],
    ),
    (
        "duration gone",
        [session(1, SUN, "Long run", minutes=100)],
        [session(1, SUN, "Long run")],
        ["Sunday's long run no longer has a planned duration"],
    ),
    (
        "distance gone plural",
        [intervals(km=30)],
        [intervals()],
        ["Tuesday's intervals no longer have a planned distance"],
    ),
    (
        "load",
        [session(1, SUN, "Long run", load=90)],
        [session(1, SUN, "Long run", load=110)],
        ["Sunday's long run: planned load went from 90 to 110 TSS"],
    ),
    (
        "load hidden",
        [session(1, SUN, "Long run", load=90)],
        [session(1, SUN, "Long run")],
        ["Sunday's long run: planned load is no longer given"],
    ),
    (
        "load given",
        [session(1, SUN, "Long run")],
        [session(1, SUN, "Long run", load=72.5)],
        ["Sunday's long run: planned load is now 72.5 TSS"],
    ),
    (
        "if",
        [session(1, SUN, "Long run", intensity_factor=0.75)],
        [session(1, SUN, "Long run", intensity_factor=0.8)],
        ["Sunday's long run: planned intensity went from 0.75 to 0.8 IF"],
    ),
    (
        "longer and load",
        [session(1, SUN, "Long run", minutes=90, load=90)],
        [session(1, SUN, "Long run", minutes=120, load=110)],
        [
            (
                "Sunday's long run got longer (2 h instead of 1 h 30 min); planned load went "
                "from 90 to 110 TSS"
            ),
        ],
    ),
    (
        "described",
        [session(1, TUE, "Easy run")],
        [session(1, TUE, "Easy run", description="Flat.")],
        ["Tuesday's easy run now has a description"],
    ),
    (
        "redescribed",
        [session(1, TUE, "Easy run", description="Hilly.")],
        [session(1, TUE, "Easy run", description="Flat.")],
        ["Tuesday's easy run has a new description"],
    ),
    (
        "undescribed",
        [session(1, TUE, "Easy run", description="Hilly.")],
        [session(1, TUE, "Easy run")],
        ["Tuesday's easy run no longer has a description"],
    ),
    (
        "note",
        [session(1, TUE, "Easy run")],
        [session(1, TUE, "Easy run", coach_notes="Mind the knee.")],
        ["Tuesday's easy run now has a note from the coach"],
    ),
    (
        "note new",
        [intervals(coach_notes="x")],
        [intervals(coach_notes="y")],
        ["Tuesday's intervals have a new note from the coach"],
    ),
    (
        "note gone",
        [intervals(coach_notes="x")],
        [intervals()],
        ["Tuesday's intervals no longer have a note from the coach"],
    ),
    (
        "both words",
        [intervals(coach_notes="x", description="a")],
        [intervals(coach_notes="y", description="b")],
        ["Tuesday's intervals have a new description and a new note from the coach"],
    ),
    (
        "done",
        [session(1, TUE, "Easy run")],
        [session(1, TUE, "Easy run", completed=True)],
        ["Tuesday's easy run was marked as done"],
    ),
    (
        "undone",
        [session(1, TUE, "Easy run", completed=True)],
        [session(1, TUE, "Easy run")],
        ["Tuesday's easy run is no longer marked as done"],
    ),
    (
        "link",
        [session(1, TUE, "Easy run")],
        [session(1, TUE, "Easy run", url="https://tp.example/1")],
        ["Tuesday's easy run now has a link to TrainingPeaks"],
    ),
]
