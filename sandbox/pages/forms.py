"""The form of one session, and what it makes of TrainingPeaks' fields."""

import re
from datetime import date
from typing import Any, Self

from django import forms

from sandbox.control import sets

CLOCK = re.compile(r"(\d{1,2}):([0-5]\d)(?::([0-5]\d))?")
MOST_HOURS = 100
KEEP, NONE, NESTED = "keep", "none", "nested"
INTERVALS = [
    (NONE, "None"),
    *((str(week), f"{n} × {work // 60} min") for week, (n, work, *_) in enumerate(sets.SETS)),
    (NESTED, "3 × (5 × 40/20 s), repeats inside a repeat"),
]
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
    intervals = forms.ChoiceField(choices=INTERVALS, required=False)
    hours = forms.CharField(label="Planned time (h:mm)", required=False, max_length=12)
    kilometers = forms.FloatField(label="Planned kilometres", required=False, min_value=0)
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}))
    notes = forms.CharField(
        label="Coach’s notes", required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(
        self, *args: Any, strength: bool = False, structured: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.strength = strength
        if structured:
            kept = (KEEP, "As they are")
            self.fields["intervals"] = forms.ChoiceField(choices=[kept, *INTERVALS], required=False)
        if strength:
            for name in ("sport", "intervals", "kilometers", "notes"):
                del self.fields[name]

    def clean_hours(self) -> float | None:
        """As a coach writes it: 1:30 or 1:30:15, or decimal hours."""
        text = self.cleaned_data["hours"].strip()
        if found := CLOCK.fullmatch(text):
            hours, minutes, seconds = (int(part or 0) for part in found.groups())
            return hours + minutes / 60 + seconds / 3600
        try:
            value = float(text) if text else None
        except ValueError:
            value = -1
        if value is not None and not 0 <= value < MOST_HOURS:
            raise forms.ValidationError("Write 1:30, or 1.5.")
        return value

    @classmethod
    def showing(cls, kind: str, day: str, body: dict[str, Any], *, structured: bool) -> Self:
        if kind == "strength":
            return cls(initial=_strength(day, body), strength=True)
        return cls(initial=_workout(day, body), structured=structured)

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
        } | self._intervals()

    def _intervals(self) -> dict[str, Any]:
        """As at TrainingPeaks, a structure decides how long the session is."""
        chosen, sport = self.cleaned_data["intervals"], self.cleaned_data["sport"]
        if chosen in {"", KEEP}:
            return {}
        if chosen == NONE:
            return {"Structure": None}
        of_week = chosen != NESTED
        structure = sets.intervals(sport, int(chosen))[0] if of_week else sets.nested(sport)
        return {"Structure": structure, "TotalTimePlanned": sets.seconds(structure) / 3600}


def _workout(day: str, body: dict[str, Any]) -> dict[str, Any]:
    meters = body.get("DistancePlanned")
    return {
        "day": date.fromisoformat(day),
        "start": str(body.get("StartTimePlanned") or "")[11:16],
        "sport": body.get("WorkoutType"),
        "title": body.get("Title"),
        "hours": clock((body.get("TotalTimePlanned") or 0) * 3600),
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
        "hours": clock(seconds or 0),
        "description": body.get("Instructions"),
    }


def clock(seconds: float) -> str:
    """Nothing planned is an empty text, not 0:00."""
    minutes, rest = divmod(round(seconds), 60)
    text = f"{minutes // 60}:{minutes % 60:02}" + (f":{rest:02}" if rest else "")
    return text if seconds else ""
