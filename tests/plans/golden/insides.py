"""Changes inside intervals and strength sessions. Today is Monday 2 March 2026."""

from tests.plans.golden.weeks import SQUAT, intervals, strength
from tests.plans.making import (
    TUE,
    WED,
    cool_down,
    exercise,
    repeat,
    rest,
    session,
    step,
    warm_up,
    work,
)

CASES = [
    (
        "repeats",
        [intervals(warm_up(), repeat(5), cool_down())],
        [intervals(warm_up(), repeat(4), cool_down())],
        ["Tuesday's intervals: 5 repeats became 4"],
    ),
    (
        "rests",
        [intervals(repeat(5))],
        [intervals(repeat(5, work(), rest("90 s")))],
        ["Tuesday's intervals: the rests went from 2 min to 90 s"],
    ),
    (
        "work length",
        [intervals(repeat(5))],
        [intervals(repeat(5, work("4 min"), rest()))],
        ["Tuesday's intervals: the efforts went from 3 min to 4 min"],
    ),
    (
        "metres",
        [session(1, TUE, "Track intervals", intervals=[repeat(8, work("400 m"), rest("60 s"))])],
        [session(1, TUE, "Track intervals", intervals=[repeat(6, work("800 m"), rest("60 s"))])],
        ["Tuesday's track intervals: 8 repeats became 6; the efforts went from 400 m to 800 m"],
    ),
    (
        "target",
        [intervals(repeat(5, work(target=(95, 100)), rest()))],
        [intervals(repeat(5, work(target=(100, 105)), rest()))],
        ["Tuesday's intervals: the efforts went from 95–100 to 100–105 % FTP"],
    ),
    (
        "target unit",
        [intervals(repeat(5, work(target=105), rest()))],
        [intervals(repeat(5, work(target="RPE 8"), rest()))],
        ["Tuesday's intervals: the efforts went from 105 % FTP to RPE 8"],
    ),
    (
        "target given",
        [intervals(work("20 min"))],
        [intervals(work("20 min", 90))],
        ["Tuesday's intervals: the main part now has a target of 90 % FTP"],
    ),
    (
        "target gone",
        [intervals(work("20 min", 90))],
        [intervals(work("20 min"))],
        ["Tuesday's intervals: the main part no longer has a target"],
    ),
    (
        "cadence",
        [intervals(work("20 min", cadence=(85, 95)))],
        [intervals(work("20 min", cadence=(90, 100)))],
        ["Tuesday's intervals: cadence in the main part went from 85–95 to 90–100 rpm"],
    ),
    (
        "cadence given",
        [intervals(work("20 min"))],
        [intervals(work("20 min", cadence=(90, 90)))],
        ["Tuesday's intervals: the main part now has a cadence of 90 rpm"],
    ),
    (
        "warmup longer",
        [intervals(warm_up(), repeat(5))],
        [intervals(warm_up("15 min"), repeat(5))],
        ["Tuesday's intervals: the warm-up went from 10 min to 15 min"],
    ),
    (
        "cooldown added",
        [intervals(repeat(5))],
        [intervals(repeat(5), cool_down())],
        ["Tuesday's intervals: 10 min cool-down added"],
    ),
    (
        "warmup removed",
        [intervals(warm_up(), repeat(5))],
        [intervals(repeat(5))],
        ["Tuesday's intervals: 10 min warm-up removed"],
    ),
    (
        "cooldown open",
        [intervals(repeat(5), cool_down())],
        [intervals(repeat(5), cool_down(open_ended=True))],
        ["Tuesday's intervals: the cool-down now ends when lap is pressed"],
    ),
    (
        "step note",
        [intervals(warm_up())],
        [intervals(warm_up(notes="Spin."))],
        ["Tuesday's intervals: the warm-up now has a note"],
    ),
    (
        "step name",
        [intervals(work("20 min", name="Tempo"))],
        [intervals(work("20 min", name="Sweet spot"))],
        ["Tuesday's intervals: the main part is now called “Sweet spot”"],
    ),
    (
        "intervals given",
        [intervals()],
        [intervals(warm_up(), repeat(4, work(target=105), rest()), cool_down())],
        [
            (
                "Tuesday's intervals now have a structure (10 min warm-up, 4 × (3 min at 105 % "
                "FTP, 2 min rest), 10 min cool-down)"
            ),
        ],
    ),
    (
        "intervals gone",
        [intervals(repeat(5))],
        [intervals()],
        ["Tuesday's intervals no longer have a structure"],
    ),
    (
        "intervals rewritten",
        [intervals(warm_up(), work("20 min", 90), rest("5 min"), work("20 min", 90))],
        [intervals(warm_up("15 min"), repeat(6, work("2 min", 120), rest("3 min")), cool_down())],
        [
            (
                "Tuesday's intervals: the structure is now 15 min warm-up, 6 × (2 min at 120 % "
                "FTP, 3 min rest), 10 min cool-down"
            ),
        ],
    ),
    (
        "nested",
        [intervals(repeat(3, repeat(10, work("30 s"), rest("15 s")), rest("5 min")))],
        [intervals(repeat(3, repeat(13, work("30 s"), rest("15 s")), rest("5 min")))],
        ["Tuesday's intervals: 10 repeats became 13"],
    ),
    (
        "intensity",
        [intervals(step("rest", "5 min"))],
        [intervals(step("active", "5 min"))],
        ["Tuesday's intervals: the rest is now an effort"],
    ),
    (
        "sets",
        [strength(SQUAT)],
        [strength(exercise("Back squat", *[{"Reps": "8", "WeightKg": "60"}] * 4))],
        ["Wednesday's “Gym”: Back squat: 3 sets became 4"],
    ),
    (
        "reps",
        [strength(SQUAT)],
        [strength(exercise("Back squat", *[{"Reps": "6", "WeightKg": "60"}] * 3))],
        ["Wednesday's “Gym”: Back squat: 8 reps became 6"],
    ),
    (
        "weight",
        [strength(SQUAT)],
        [strength(exercise("Back squat", *[{"Reps": "8", "WeightKg": "65"}] * 3))],
        ["Wednesday's “Gym”: Back squat: 60 kg became 65 kg"],
    ),
    (
        "per side",
        [strength(exercise("Lunge", {"RepsPerSide": "10", "WeightLb": "25"}))],
        [strength(exercise("Lunge", {"RepsPerSide": "12", "WeightLb": "25"}))],
        ["Wednesday's “Gym”: Lunge: 10 reps per side became 12"],
    ),
    (
        "exercise added",
        [strength(SQUAT)],
        [strength(SQUAT, exercise("Plank", {"DurationSeconds": "45"}, {"DurationSeconds": "45"}))],
        ["Wednesday's “Gym”: Plank added (2 sets of 45 s)"],
    ),
    (
        "exercise removed",
        [strength(SQUAT, exercise("Plank", {"Reps": "1"}))],
        [strength(SQUAT)],
        ["Wednesday's “Gym”: Plank removed"],
    ),
    (
        "instructions",
        [strength(SQUAT)],
        [strength(SQUAT.model_copy(update={"instructions": "Slow down."}))],
        ["Wednesday's “Gym”: Back squat: new instructions"],
    ),
    (
        "exercises given",
        [session(1, WED, "Gym", "strength")],
        [strength(SQUAT, exercise("Plank"))],
        ["Wednesday's “Gym” now has a list of exercises (Back squat and Plank)"],
    ),
    (
        "exercises rearranged",
        [strength(SQUAT, exercise("Plank"))],
        [strength(exercise("Plank"), SQUAT)],
        ["Wednesday's “Gym”: the exercises were rearranged"],
    ),
]
