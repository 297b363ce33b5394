"""What a run came to, as text and as JSON."""

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from tests.faults.harness.figures import Figures
from tests.faults.harness.verdict import Verdict


@dataclass
class Report:
    """What a run came to."""

    profile: str
    seed: int
    database: str
    sabotage: str
    verdicts: list[Verdict]
    figures: Figures
    seconds: float
    doubts: list[str] = field(default_factory=list)  # why this run is no proof

    @property
    def green(self) -> bool:
        return not self.doubts and all(verdict.held for verdict in self.verdicts)

    def broken(self) -> list[str]:
        return [verdict.invariant for verdict in self.verdicts if verdict.violations]

    def as_json(self) -> dict[str, Any]:
        return {
            "profile": self.profile, "seed": self.seed, "database": self.database,
            "sabotage": self.sabotage, "green": self.green, "seconds": round(self.seconds, 1),
            "doubts": self.doubts, "verdicts": [v.as_json() for v in self.verdicts],
            "figures": self.figures,
        }  # fmt: skip

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(self.as_json(), indent=1, default=str))

    @classmethod
    def read(cls, path: Path) -> "Report":
        """From the report.json of a run."""
        kept = json.loads(path.read_text())
        told = {f.name: kept[f.name] for f in fields(cls)}
        return cls(**told | {"verdicts": [Verdict.of_json(one) for one in kept["verdicts"]]})

    def text(self) -> str:
        passed = sum(verdict.held for verdict in self.verdicts)
        lines = [verdict.line() for verdict in self.verdicts]
        for verdict in self.verdicts:
            lines += [f"      {verdict.invariant}: {what}" for what in verdict.violations[:4]]
        lines += [f"no proof: {doubt}" for doubt in self.doubts]
        lines += [f"      {name}: {value}" for name, value in self.figures.items()]
        lines.append(
            f"{passed} passed, {len(self.verdicts) - passed} failed "
            f"({self.profile}, seed {self.seed}, {self.database}, {self.seconds:.0f} s)"
        )
        return "\n".join(lines)
