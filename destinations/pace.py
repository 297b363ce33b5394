"""How fast a destination is called and how late a call may come: the bounds of each figure."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError


@dataclass(frozen=True)
class Bounds:
    least: float
    most: float

    def check(self, value: float) -> None:
        """Raise ValidationError, in words, unless it lies within; what is no number never does."""
        if not self.least <= value <= self.most:
            raise ValidationError(f"Choose between {self.least:,g} and {self.most:,g}.")


RATE = Bounds(0.01, 1_000)  # calls per second
BURST = Bounds(1, 1_000)  # calls
SLOTS = Bounds(1, 100)  # calls
LATE = Bounds(0, 3_600)  # seconds
BOUNDS = {"rate_per_second": RATE, "burst": BURST, "slots": SLOTS, "late_apply_window": LATE}


def check(name: str, value: Any) -> None:
    """Raise ValidationError, in words, unless this figure of a destination may be so."""
    BOUNDS[name].check(value.total_seconds() if isinstance(value, timedelta) else value)


def seconds(window: timedelta) -> str:
    """Such as: 60 seconds."""
    figure = window.total_seconds()
    return f"{figure:,g} second{'' if figure == 1 else 's'}"
