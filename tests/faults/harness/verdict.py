"""What a check came to: held or not, in one line, with the first few violations behind it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.faults.harness.evidence import Evidence

SHOWN = 8  # violations that a report quotes


@dataclass
class Verdict:
    invariant: str
    words: str
    looked_at: int = 0
    violations: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        """Something that looked at nothing has proved nothing."""
        return not self.violations and self.looked_at > 0

    def broken(self, what: str) -> None:
        self.violations.append(what)

    def line(self) -> str:
        mark = "ok " if self.held else "RED"
        found = f"{len(self.violations)} violations" if self.violations else "nothing to look at"
        return f"{mark} {self.invariant:<4}{self.words} ({self.looked_at:,} looked at)" + (
            "" if self.held else f": {found}"
        )

    def as_json(self) -> dict[str, object]:
        return {
            "invariant": self.invariant,
            "held": self.held,
            "words": self.words,
            "looked_at": self.looked_at,
            "violations": len(self.violations),
            "first": self.violations[:SHOWN],
        }

    @classmethod
    def of_json(cls, kept: dict[str, Any]) -> "Verdict":
        """As a report tells it: how many violations, and the words of the first few."""
        unquoted = [""] * (kept["violations"] - len(kept["first"]))
        return cls(kept["invariant"], kept["words"], kept["looked_at"], [*kept["first"], *unquoted])


Check = Callable[[Evidence], Verdict]
