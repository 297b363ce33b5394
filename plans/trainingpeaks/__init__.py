"""TrainingPeaks JSON → sessions. Every assumption about their wire format is in this package."""

from plans.trainingpeaks.athletes import RosterAthlete, parse_athlete, parse_roster
from plans.trainingpeaks.changed import Changed, parse_changed
from plans.trainingpeaks.strength import parse_strength, parse_strength_workouts
from plans.trainingpeaks.structure import parse_structure
from plans.trainingpeaks.wire import ParseNote
from plans.trainingpeaks.workouts import (
    has_structure,
    is_planned,
    item_id,
    parse_workout,
    parse_workouts,
)

__all__ = [
    "Changed",
    "ParseNote",
    "RosterAthlete",
    "has_structure",
    "is_planned",
    "item_id",
    "parse_athlete",
    "parse_changed",
    "parse_roster",
    "parse_strength",
    "parse_strength_workouts",
    "parse_structure",
    "parse_workout",
    "parse_workouts",
]
