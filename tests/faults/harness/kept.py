"""The evidence of a red run stays: whoever runs its seed again begins in a folder beside it."""

import json
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

REPORT = "report.json"


def make_room(folder: Path, say: Callable[[str], None]) -> None:
    """Away with what a green run has left, or one that was to be red. What is red or broke off is
    moved aside, with its seed, its history and its journals.
    """
    if not folder.exists() or not any(folder.iterdir()):
        return
    if _answered(folder / REPORT):
        shutil.rmtree(folder)
        return
    aside = next(place for number in count(1) if not (place := _beside(folder, number)).exists())
    folder.rename(aside)
    say(f"The run before this one was not green, and is kept: {aside}")


def _answered(report: Path) -> bool:
    """Whether it was green, or sabotaged: that one turned red on purpose."""
    try:
        told = json.loads(report.read_text())
    except (OSError, ValueError):
        return False
    return bool(told["green"] or told["sabotage"])


def _beside(folder: Path, number: int) -> Path:
    return folder.with_name(f"{folder.name}-red-{number}")
