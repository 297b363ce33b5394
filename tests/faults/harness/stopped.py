"""Nothing leaves what is stopped: by what people did, the attempts and what destinations saw."""

from collections import defaultdict
from dataclasses import dataclass

from tests.faults.harness.evidence import Evidence
from tests.faults.harness.journal import Line
from tests.faults.harness.verdict import Verdict

SLACK = 1.0  # between the commit of a stop, whoever claimed before it, and two clocks
DONE = ("put_stop", "lift_stop", "pause", "resume")  # one thing at a time: put, lifted, put …


@dataclass(frozen=True)
class Halt:
    """From when to when, and what of; empty covers all."""

    since: float
    until: float
    destination: str
    athlete: str


def halts(evidence: Evidence) -> list[Halt]:
    done = evidence.did(*DONE)
    return [
        Halt(
            since=put["at"],
            until=lifted["begun"],
            destination=put.get("destination") or _named(put, "destination"),
            athlete=_named(put, "athlete"),
        )
        for put, lifted in zip(done[::2], done[1::2], strict=True)
    ]


def stops_obeyed(evidence: Evidence, verdict: Verdict) -> None:
    """What was begun before a stop may end; nothing is begun as long as it stands."""
    begun: dict[str, list[float]] = defaultdict(list)
    for row in evidence.attempts:
        begun[row["idempotency_key"]].append(row["started_at"])
    for halt in halts(evidence):
        verdict.looked_at += 1
        for call in _calls_within(evidence, halt):
            tries = [at for at in begun[call["key"]] if at <= call["at"] + SLACK]
            if max(tries, default=call["at"]) > halt.since + SLACK:
                verdict.broken(f"request {call['request']} left what was stopped")


def _calls_within(evidence: Evidence, halt: Halt) -> list[Line]:
    names = {row["id"]: row["name"] for row in evidence.destinations}
    athletes = {row["id"]: row["athlete_id"] for row in evidence.plans}
    return [
        call
        for call in evidence.calls
        if halt.since + SLACK < call["at"] < halt.until
        and (not halt.destination or call["name"] == names[halt.destination])
        and (not halt.athlete or athletes.get(call["body"]["plan"]) == halt.athlete)
    ]


def _named(put: Line, scope: str) -> str:
    return str(put["target"]) if put.get("scope") == scope else ""
