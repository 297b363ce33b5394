"""Intervals and exercises in TrainingPeaks' own notation."""

from datetime import date
from typing import Any

Body = dict[str, Any]
UNITS = {
    "Bike": "PercentOfFtp", "MTB": "PercentOfFtp", "Rowing": "PercentOfFtp",
    "Run": "PercentOfThresholdSpeed", "XC-Ski": "PercentOfThresholdHr",
}  # fmt: skip
SETS = ((5, 180, 120, 108), (4, 300, 180, 102), (3, 480, 180, 98), (4, 240, 240, 92))


def step(kind: str, seconds: int, unit: str, value: float, **more: Any) -> Body:
    target: Body = {"Unit": unit, "Value": value}
    if unit != "Rpe":
        target |= {"MinValue": value - 5, "MaxValue": value + 5}
    length = {"Unit": "Second", "Value": seconds}
    about: Body = {"Type": "Step", "IntensityClass": kind, "Length": length}
    return about | {"IntensityTarget": target} | more


def repeated(count: int, *steps: Body) -> Body:
    length = {"Unit": "Repetition", "Value": count}
    return {"Type": "Repetition", "Length": length, "Steps": list(steps)}


def intervals(sport: str, week: int) -> tuple[list[Body], str]:
    """The hard session of a week, and its title."""
    count, work, rest, percent = SETS[week % len(SETS)]
    unit = UNITS.get(sport)
    if unit is None:
        return _by_feeling(count, work, rest), f"{count} × {work // 60} min strong"
    cadence = {"CadenceTarget": {"Unit": "rpm", "MinValue": 85, "MaxValue": 95}}
    more = cadence if sport in {"Bike", "MTB"} else {}
    main = repeated(
        count,
        step("Active", work, unit, percent, Name="On", **more),
        step("Rest", rest, unit, 55, Name="Easy"),
    )
    structure = [
        step("WarmUp", 900, unit, 60, Name="Warm up"),
        main,
        step("CoolDown", 600, unit, 50, Name="Cool down"),
    ]
    return structure, f"{count} × {work // 60} min at {percent} %"


def nested(sport: str) -> list[Body]:
    """Repeats inside repeats, which some destinations cannot hold."""
    unit = UNITS.get(sport, "Rpe")
    hard, easy, warm = (7, 2, 3) if unit == "Rpe" else (115, 50, 60)
    pair = repeated(5, step("Active", 40, unit, hard), step("Rest", 20, unit, easy))
    return [
        step("WarmUp", 900, unit, warm, Name="Warm up"),
        repeated(3, pair, step("Rest", 240, unit, easy, Name="Easy")),
        step("CoolDown", 600, unit, easy, Name="Cool down"),
    ]


def _by_feeling(count: int, work: int, rest: int) -> list[Body]:
    return [
        step("WarmUp", 600, "Rpe", 3, Name="Loosen up"),
        repeated(count, step("Active", work, "Rpe", 7), step("Rest", rest, "Rpe", 2)),
        step("CoolDown", 300, "Rpe", 2, OpenDuration=True),
    ]


def seconds(structure: list[Body]) -> int:
    return sum(_seconds(part) for part in structure)


def _seconds(part: Body) -> int:
    if part["Type"] == "Repetition":
        return int(part["Length"]["Value"]) * seconds(part["Steps"])
    return int(part["Length"]["Value"])


def strength_session(day: date, week: int) -> Body:
    reps = 8 + week % 4 * 2
    return {
        "PrescribedDate": f"{day}T00:00:00",
        "PrescribedStartTime": None,
        "Title": "Strength: hips and trunk",
        "Instructions": "Slow down, fast up. Two minutes between sets.",
        "PrescribedDurationInSeconds": 2700,
        "Blocks": [
            _block("Warm-up", "WarmUp", _exercise("Glute bridge", 2, RepsPerSide=12)),
            _block("Main", "SingleExercise", _exercise("Goblet squat", 3, Reps=reps, WeightKg=16)),
            _block("Main", "SingleExercise", _exercise("Split squat", 3, RepsPerSide=reps)),
            _block("Trunk", "Circuit", _exercise("Side plank", 3, Seconds=40)),
        ],
    }


def _block(title: str, kind: str, exercise: Body) -> Body:
    return {"Title": title, "BlockType": kind, "Prescriptions": [exercise]}


def _exercise(title: str, sets: int, **parameters: int) -> Body:
    values = [
        {"parameter": name, "prescribedValue": str(value), "executedValue": None}
        for name, value in parameters.items()
    ]
    slug = title.casefold().replace(" ", "-")
    return {
        "exercise": {
            "title": title,
            "videoUrl": f"https://videos.example.com/{slug}",
            "instructions": "Full range, steady breathing.",
        },
        "sets": [{"parameterValues": values, "isComplete": False} for _ in range(sets)],
        "compliancePercent": 0,
    }
