"""One page of the TrainingPeaks changed feed: ids that are gone, workouts that are different."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plans.trainingpeaks.wire import Reader, conform, identity


@dataclass(frozen=True)
class Changed:
    deleted_ids: tuple[int, ...]
    modified: tuple[Mapping[str, Any], ...]  # workouts as they came


def parse_changed(raw: object) -> Changed:
    """Ids once each, workouts untouched: they are read when their window is."""
    reader = Reader()
    page = conform(raw, "changed.json")
    deleted = [
        identity(value, reader.at("Deleted").at(index))
        for index, value in enumerate(page.get("Deleted") or ())
    ]
    return Changed(tuple(dict.fromkeys(deleted)), tuple(page.get("Modified") or ()))
