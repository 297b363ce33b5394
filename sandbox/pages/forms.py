"""The form of one session, and what it makes of TrainingPeaks' fields."""

from datetime import date
from typing import Any, Self

from django import forms

SPORTS = (
    "Swim", "Bike", "Run", "Brick", "X-Train", "Race", "Day Off", "MTB", "Strength", "Custom",
    "XC-Ski", "Rowing", "Walk", "Other",
)  # fmt: skip


class WorkoutForm(forms.Form):
    day = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}))
    start = forms.TimeField(
        label="Start time", required=False, widget=forms.TimeInput(attrs={"type": "time"})
    )
    sport = forms.ChoiceField(choices=[(sport, sport) for sport in SPORTS])
    title = forms.CharField(max_length=500)
    hours = forms.FloatField(label="Planned hours", required=False, min_value=0, max_value=99)
    kilometers = forms.FloatField(label="Planned kilometres", required=False, min_value=0)
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}))
    notes = forms.CharField(
        label="Coach’s notes", required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, strength: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.strength = strength
        if strength:
            for name in ("sport", "kilometers", "notes"):
                del self.fields[name]

    @classmethod
    def showing(cls, kind: str, day: str, body: dict[str, Any]) -> Self:
        if kind == "strength":
            return cls(initial=_strength(day, body), strength=True)
        return cls(initial=_workout(day, body))

    def body(self) -> dict[str, Any]:
        """What is not filled in is not planned."""
        given = self.cleaned_data
        moment = f"{given['day']}T{given['start']}" if given["start"] else None
        if self.strength:
            return {
                "PrescribedDate": f"{given['day']}T00:00:00",
                "PrescribedStartTime": moment,
                "Title": given["title"],
                "Instructions": given["description"] or None,
                "PrescribedDurationInSeconds": round((given["hours"] or 0) * 3600) or None,
            }
        meters = given["kilometers"]
        return {
            "WorkoutDay": f"{given['day']}T00:00:00",
            "StartTimePlanned": moment,
            "WorkoutType": given["sport"],
            "Title": given["title"],
            "TotalTimePlanned": given["hours"],
            "DistancePlanned": round(meters * 1000, 1) if meters else None,
            "Description": given["description"] or None,
            "PreActivityComment": given["notes"] or None,
        }


def _workout(day: str, body: dict[str, Any]) -> dict[str, Any]:
    meters = body.get("DistancePlanned")
    return {
        "day": date.fromisoformat(day),
        "start": str(body.get("StartTimePlanned") or "")[11:16],
        "sport": body.get("WorkoutType"),
        "title": body.get("Title"),
        "hours": body.get("TotalTimePlanned"),
        "kilometers": meters / 1000 if meters else None,
        "description": body.get("Description"),
        "notes": body.get("PreActivityComment"),
    }


def _strength(day: str, body: dict[str, Any]) -> dict[str, Any]:
    seconds = body.get("PrescribedDurationInSeconds")
    return {
        "day": date.fromisoformat(day),
        "start": str(body.get("PrescribedStartTime") or "")[11:16],
        "title": body.get("Title"),
        "hours": seconds / 3600 if seconds else None,
        "description": body.get("Instructions"),
    }
