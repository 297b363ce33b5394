"""Nothing leaves what is stopped: by what people did, the attempts and what destinations saw."""

from collections import defaultdict
from dataclasses import dataclass

from tests.faults.harness.evidence import Evidence
from tests.faults.harness.journal import Line
from tests.faults.harness.verdict import Verdict

DEADLINE = 1.5  # seconds that a call may take, counted from when it was meant
SLACK = 1.0  # between clocks, commits and sockets of one loaded machine
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


def held_back(evidence: Evidence) -> int:
    """How much was promised behind the stops while they stood."""
    return sum(
        halt.since < row["accepted_at"] < halt.until
        and _covers(evidence, halt, lane["destination_id"], lane["plan_id"])
        for halt in halts(evidence)
        for row in evidence.deliveries
        if (lane := evidence.lane_by_id[row["lane_id"]])
    )


def stops_obeyed(evidence: Evidence, verdict: Verdict) -> None:
    """What was meant before a stop may end; nothing is asked of a destination after it."""
    meant: dict[str, list[float]] = defaultdict(list)
    for row in evidence.attempts:
        meant[row["idempotency_key"]].append(row["deadline_at"] - DEADLINE)
    verdict.looked_at += held_back(evidence)
    for halt in halts(evidence):
        for call in _calls_within(evidence, halt):
            tries = [at for at in meant[call["key"]] if at <= call["at"] + SLACK]
            if max(tries, default=call["at"]) > halt.since + SLACK:
                verdict.broken(f"request {call['request']} left what was stopped")


def _calls_within(evidence: Evidence, halt: Halt) -> list[Line]:
    places = {row["name"]: row["id"] for row in evidence.destinations}
    return [
        call
        for call in evidence.calls
        if halt.since + SLACK < call["at"] < halt.until
        and _covers(evidence, halt, places[call["name"]], call["body"]["plan"])
    ]


def _covers(evidence: Evidence, halt: Halt, destination: str, plan: str) -> bool:
    whose = evidence.athlete_of.get(plan)
    return halt.destination in {"", destination} and halt.athlete in {"", whose}


def _named(put: Line, scope: str) -> str:
    return str(put["target"]) if put.get("scope") == scope else ""
