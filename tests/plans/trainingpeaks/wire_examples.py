"""TrainingPeaks answers as they look on the wire, composed by hand; nobody's real data."""

from typing import Any

WORKOUT: dict[str, Any] = {
    "Id": 5_123_456_789_012,
    "AthleteId": 54321,
    "WorkoutDay": "2026-03-03T00:00:00",
    "StartTimePlanned": "2026-03-03T06:30:00",
    "StartTime": None,
    "Title": "VO2max Intervals",
    "Description": "Warm up well.",
    "PreActivityComment": "Mind the knee.",
    "WorkoutType": "Bike",
    "TotalTimePlanned": 0.75,
    "TotalTime": None,
    "DistancePlanned": 20000.04,
    "TssPlanned": 62.1,
    "IFPlanned": 0.85,
    "Completed": False,
    "LastModifiedDate": "2026-03-01T11:22:33.1234567",
    "WorkoutFileFormats": ["erg", "fit", "json"],
    "HeartRateAverage": None,
    "Tags": ["key"],
    "Url": "https://app.trainingpeaks.example/5123456789012",
}

WARM_UP: dict[str, Any] = {
    "Type": "Step",
    "IntensityClass": "WarmUp",
    "Name": "Easy",
    "Length": {"Unit": "Second", "Value": 600},
    "IntensityTarget": {"Unit": "PercentOfFtp", "Value": 55, "MinValue": 50, "MaxValue": 60},
}
EFFORT: dict[str, Any] = {
    "Type": "Step",
    "IntensityClass": "Active",
    "Length": {"Unit": "Second", "Value": 180},
    "IntensityTarget": {"Unit": "PercentOfFtp", "Value": 105},
    "CadenceTarget": {"Unit": "rpm", "MinValue": 85, "MaxValue": 95},
}
PAUSE: dict[str, Any] = {
    "Type": "Step",
    "IntensityClass": "Rest",
    "Length": {"Unit": "Second", "Value": 120},
    "IntensityTarget": {"Unit": "PercentOfFtp", "Value": 50},
}
COOL_DOWN: dict[str, Any] = {
    "Type": "Step",
    "IntensityClass": "CoolDown",
    "Length": {"Unit": "Meter", "Value": 2000},
    "IntensityTarget": {"Unit": "Rpe", "Value": 3},
    "OpenDuration": True,
}


def repetition(count: int, *steps: dict[str, Any]) -> dict[str, Any]:
    length = {"Unit": "Repetition", "Value": count}
    return {"Type": "Repetition", "Length": length, "Steps": list(steps)}


STRUCTURE: list[dict[str, Any]] = [WARM_UP, repetition(4, EFFORT, PAUSE), COOL_DOWN]

STRENGTH: dict[str, Any] = {
    "Id": "987654",
    "CalendarId": 54321,
    "PrescribedDate": "2026-03-04",
    "PrescribedStartTime": "2026-03-04T18:00:00",
    "Title": "Gym A",
    "Instructions": "Rest two minutes.",
    "PrescribedDurationInSeconds": 2700,
    "ExecutedDurationInSeconds": None,
    "LastUpdatedAt": "2026-03-01T10:00:00.1234567Z",
    "IsComplete": False,
    "CompliancePercent": 0,
    "Blocks": [
        {
            "Title": "Legs",
            "BlockType": "SingleExercise",
            "Prescriptions": [
                {
                    "exercise": {
                        "title": "Lunge",
                        "videoUrl": "https://video.example/lunge",
                        "instructions": "Slowly.",
                    },
                    "sets": [
                        {
                            "parameterValues": [
                                {
                                    "parameter": "RepsPerSide",
                                    "prescribedValue": "10",
                                    "executedValue": "9",
                                },
                                {"parameter": "WeightLb", "prescribedValue": "25"},
                                {"parameter": "Rpe", "prescribedValue": None},
                            ],
                            "isComplete": False,
                        }
                    ],
                    "compliancePercent": 0,
                }
            ],
        }
    ],
}

ATHLETE: dict[str, Any] = {
    "Id": 54321,
    "FirstName": "Ben",
    "LastName": "Runner",
    "Email": "ben@example.com",
    "TimeZone": "Europe/Berlin",
    "BirthMonth": "1990-04",
    "Sex": "m",
    "CoachedBy": 111,
    "Weight": 71.5,
    "IsPremium": True,
    "PreferredUnits": "Metric",
}
