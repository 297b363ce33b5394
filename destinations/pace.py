"""How fast a destination is called and how late a call may come: the bounds of each figure."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError


@dataclass(frozen=True)
class Bounds:
    least: float
    most: float

    def hold(self, value: float) -> bool:
        """Whether it lies within; what is no number never does."""
        return self.least <= value <= self.most

    def refusal(self) -> ValidationError:
        return ValidationError(f"Choose between {self.least:,g} and {self.most:,g}.")


RATE = Bounds(0.01, 1_000)  # calls per second
BURST = Bounds(1, 1_000)  # calls
SLOTS = Bounds(1, 100)  # plans
LATE = Bounds(0, 3_600)  # seconds
BOUNDS = {"rate_per_second": RATE, "burst": BURST, "slots": SLOTS, "late_apply_window": LATE}


def within(name: str, value: Any) -> bool:
    """Whether this figure of a destination may be so."""
    return BOUNDS[name].hold(value.total_seconds() if isinstance(value, timedelta) else value)


def check(name: str, value: Any) -> None:
    """Raise ValidationError, in words, unless this figure of a destination may be so."""
    if not within(name, value):
        raise BOUNDS[name].refusal()


def window(figure: int) -> timedelta:
    """So many seconds. Raise ValidationError, in words, where no time is so long."""
    try:
        return timedelta(seconds=figure)
    except OverflowError:
        raise LATE.refusal() from None


def seconds(window: timedelta) -> str:
    """Such as: 60 seconds."""
    figure = window.total_seconds()
    return f"{figure:,g} second{'' if figure == 1 else 's'}"
