"""Runs that were red once, and what was wrong then: `make faults PROFILE=regressions` runs them.

Whoever finds why a run is red adds it here, in the commit that mends it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Regression:
    """A profile by its name, the seed and the database of a run that was red."""

    profile: str
    seed: int
    database: str
    found: str


REGRESSIONS: tuple[Regression, ...] = (
    Regression(
        "short", 5, "sqlite",
        "The harness took a worker for stopped that slept over the commit of what it had ended; "
        "and on a slow machine it had no time left for the kills that it was lacking.",
    ),
)  # fmt: skip
