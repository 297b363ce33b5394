"""What a run came to, as text and as JSON; and whether it was enough of a run to prove anything."""

import json
from dataclasses import dataclass, field, fields
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tests.faults.harness.evidence import Evidence
from tests.faults.harness.figures import Figures, measured, mid_delivery
from tests.faults.harness.profile import Profile
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


def doubts_of(profile: Profile, evidence: Evidence) -> list[str]:
    """A run that injected less than it should have is no proof."""
    done = measured(evidence)
    kills = done["kills"]
    wanted = {
        "changes": (done["changes"], profile.changes),
        "destinations that took something in the storm": (
            done["in_the_storm"]["destinations"],
            profile.destinations,
        ),
        "worker kills": (kills["worker_kill"] + kills["worker_crash"], profile.worker_kills),
        "kills in the middle of a delivery": (len(mid_delivery(evidence)), profile.mid_delivery),
        "web kills": (kills["web_kill"], profile.web_kills),
        "pump kills": (kills["pump_kill"], profile.pump_kills),
        "broker wipes": (done["done"]["wipe"], profile.wipes),
        "database restarts": (done["done"]["restart"], profile.restarts),
        "stops past the lease": (done["done"]["stop"], profile.stops),
        "attempts of sleepers that were fenced off": (
            done["slept_over_and_fenced"],
            int(profile.stops > 0),
        ),
        "withdrawals": (done["withdrawals"], profile.withdrawals),
        "halts": (done["halts"], profile.halts),
        "promises that a stop held back": (done["held_back"], int(profile.halts > 0)),
        "erasures": (done["erasures"], profile.erasures),
        "answers that were trouble": (_troubled(evidence), int(profile.trouble > 0)),
        "posts of a stranger": (_strange(evidence), int(profile.repeated + profile.forged > 0)),
    }
    doubts = [f"{what}: {had} of {asked}" for what, (had, asked) in wanted.items() if had < asked]
    died = done["crash_points"]
    rarely = [point for point in profile.points if died.get(point, 0) < profile.per_point]
    return [*doubts, f"too few died at {', '.join(rarely)}"] if rarely else doubts


def _troubled(evidence: Evidence) -> int:
    """Answers that a destination gives in bad weather only."""
    return sum((call["status"] or 0) >= HTTPStatus.TOO_MANY_REQUESTS for call in evidence.calls)


def _strange(evidence: Evidence) -> int:
    """Posts of the storm; a flood is measured after it."""
    return sum("phase" not in line for line in evidence.did("repeated", "forged"))
