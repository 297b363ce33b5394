"""What a run measured: how often, how long, how soon. Figures are told, met or not."""

from bisect import bisect_left
from collections import Counter, defaultdict
from itertools import pairwise
from statistics import quantiles
from typing import Any

from tests.faults.harness.database import Row
from tests.faults.harness.evidence import Evidence
from tests.faults.harness.pauses import after_pauses
from tests.faults.harness.promises import LEASE
from tests.faults.harness.sleepers import LATE
from tests.faults.harness.stopped import halts, held_back
from tests.faults.harness.verdict import Verdict

Figures = dict[str, Any]
DYING = (
    "worker_crash", "web_kill", "withdraw_crash", "erase_crash", "signer_crash", "rotate_crash",
)  # fmt: skip
WORSE = 2.0  # times as slow as when nothing hangs


def measured(evidence: Evidence) -> Figures:
    """Everything that was counted and timed, by name."""
    states = Counter(row["state"] for row in evidence.deliveries)
    slept_over = overslept(evidence)
    return {
        "changes": sum(line["edits"] for line in evidence.did("edited")),
        "webhooks": len(evidence.posts),
        "versions": len(evidence.versions),
        "promises": dict(states),
        "attempts": len(evidence.attempts),
        "calls": len(evidence.calls),
        "done_after_the_caller_had_gone": len(after_the_caller(evidence)),
        "effects": len(evidence.effects),
        "audit_entries": len(evidence.entries),
        "checkpoints": len(evidence.checkpoints),
        "kills": {
            what: sum(line["times"] for line in evidence.did(what))
            for what in ("worker_kill", "worker_crash", "web_kill", "pump_kill")
        },
        "done": {
            **{
                what: sum(line["times"] for line in evidence.did(what))
                for what in ("wipe", "restart", "roll")
            },
            "stop": len(slept_over),
        },
        "slept_over": sum(map(len, slept_over)),
        "slept_over_and_fenced": sum(
            row["outcome"].startswith(LATE) for held in slept_over for row in held
        ),
        "in_the_storm": _in_the_storm(evidence),
        "crash_points": _points(evidence),
        "mid_delivery": len(mid_delivery(evidence)),
        "withdrawals": len(evidence.did("withdraw")),
        "halts": len(halts(evidence)),
        "held_back": held_back(evidence),
        "erasures": len(evidence.did("erase")) - len(evidence.did("erase_crash")),
        "quarantined": sum(row["reason"] == "crashes" for row in evidence.deliveries),
        "reconnected_by_the_coach": len(evidence.did("reconnect")),
        "fenced": sum(row["outcome"].startswith(LATE) for row in evidence.attempts),
        "lane_moves_on_after_a_kill_in_the_storm": spread(_moves_on(evidence)),
        "G7_first_delivery_after_the_database": spread(_after_restarts(evidence)),
        "G9_edit_to_effect_in_calm": spread(_shown(evidence, "calm")),
        "G12_first_calls_after_a_pause": _after_pauses(evidence),
        "settled_after_the_storm": _settled(evidence),
        **(_phases(evidence) if evidence.did("phase_begun") else {}),
    }


def _in_the_storm(evidence: Evidence) -> dict[str, int]:
    """How often destinations were called, how many took something, and of how many athletes."""
    begun = next((line["at"] for line in evidence.did("storm")), 0.0)
    healed = next((line["at"] for line in evidence.did("healed")), float("inf"))
    took = [effect for effect in evidence.effects if begun <= effect["at"] <= healed]
    return {
        "calls": sum(begun <= call["at"] <= healed for call in evidence.calls),
        "destinations": len({effect["name"] for effect in took}),
        "athletes": len({evidence.athlete_of[effect["body"]["plan"]] for effect in took}),
    }


def _phases(evidence: Evidence) -> Figures:
    return {
        "G5_lane_moves_on_after_a_kill": spread(_moves_on(evidence, "dying_workers")),
        "G6_edit_to_effect_without_a_broker": spread(_shown(evidence, "without_a_broker")),
        "G6_consuming_after_its_return": _consuming(evidence),
        "G8_drained_after_an_outage": _drained(evidence),
        "G10_flood_of_webhooks": _flood(evidence),
        "G11_edit_to_effect_beside_a_crowd": spread(_shown(evidence, "beside_a_crowd")),
        "G11_edit_to_effect_beside_one_that_hangs": spread(
            _shown(evidence, "beside_one_that_hangs")
        ),
        "G13_edit_to_effect_without_webhooks": spread(_shown(evidence, "without_webhooks")),
    }


def i8_a_bad_one_hurts_only_itself(evidence: Evidence) -> Verdict:
    """The slowest twentieth of the healthy is at most twice as slow as when nothing hung, and no
    edit of theirs stays out.
    """
    verdict = Verdict("I8", "a bad destination hurts only itself")
    usual = spread(_shown(evidence, "beside_a_crowd"))
    if not usual or not _hung(evidence, "beside_one_that_hangs"):
        return verdict
    verdict.looked_at = int(usual["n"])
    beside = spread(_shown(evidence, "beside_one_that_hangs")) or {"n": 0, "p95": 0.0}
    if beside["n"] < usual["n"]:
        verdict.broken(f"of {usual['n']} edits {beside['n']} came beside one that hangs")
    if beside["p95"] > WORSE * usual["p95"]:
        verdict.broken(f"p95 was {usual['p95']} s, and {beside['p95']} s beside one that hangs")
    return verdict


def _hung(evidence: Evidence, phase: str) -> bool:
    """Whether any call of this phase was left without an answer."""
    begun, over = _span(evidence, phase)
    return any(call["status"] is None and begun <= call["at"] <= over for call in evidence.calls)


def mid_delivery(evidence: Evidence) -> list[str]:
    """Attempts whose request the destination saw and that nobody came back to settle. The key is
    that of every try, so the request has to be of this one's time.
    """
    came: dict[str, list[float]] = defaultdict(list)
    for call in evidence.calls:
        came[call["key"]].append(call["at"])
    return [
        row["id"]
        for row in evidence.attempts
        if row["outcome"] == "crashed"
        and any(
            row["started_at"] <= at <= row["settled_at"]
            for at in came.get(row["idempotency_key"], ())
        )
    ]


def after_the_caller(evidence: Evidence) -> list[int]:
    """Requests that a destination did after whoever asked had given up, as from a queue."""
    ended = {call["request"]: call["ended"] for call in evidence.calls if call["status"] is None}
    return [
        effect["request"]
        for effect in evidence.effects
        if (over := ended.get(effect["request"])) and effect["at"] > over
    ]


def overslept(evidence: Evidence) -> list[list[Row]]:
    """For each worker that slept longer than a lease lasts, the attempts that it slept over: begun
    by then, and ended by nobody before. Who held nothing has overslept nothing.
    """
    attempts = {row["id"]: row for row in evidence.attempts}
    stops = [
        [
            row
            for each in line["attempts"]
            if (row := attempts.get(each))
            and row["started_at"] <= line["since"] < (row["settled_at"] or line["woke"])
        ]
        for line in evidence.did("stop")
        if line["woke"] - line["since"] > LEASE
    ]
    return [held for held in stops if held]


def spread(seconds: list[float]) -> Figures | None:
    """How many, the middle, the 95th and 99th of a hundred, and the longest; in seconds."""
    if not seconds:
        return None
    cuts = quantiles(seconds, n=100, method="inclusive") if len(seconds) > 1 else seconds * 99
    named = {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "max": max(seconds)}
    return {"n": len(seconds), **{name: round(value, 2) for name, value in named.items()}}


def _points(evidence: Evidence) -> dict[str, int]:
    found: Counter[str] = Counter()
    for line in evidence.did(*DYING):
        found[line["point"]] += line["times"]
    return dict(sorted(found.items()))


def _moves_on(evidence: Evidence, phase: str = "") -> list[float]:
    """From the beginning of an attempt whose worker was killed to the next one in its lane."""
    begun, over = _span(evidence, phase)
    by_lane: dict[str, list[tuple[float, str]]] = {}
    for row in sorted(evidence.attempts, key=lambda row: row["started_at"]):
        if begun <= row["started_at"] <= over:
            by_lane.setdefault(row["lane_id"], []).append((row["started_at"], row["outcome"]))
    return [
        following[0] - began
        for attempts in by_lane.values()
        for (began, outcome), following in pairwise(attempts)
        if outcome == "crashed"
    ]


def _span(evidence: Evidence, phase: str) -> tuple[float, float]:
    """When a phase began and ended; without one, the whole run."""
    begun, over = (
        next((line["at"] for line in evidence.did(what) if line["phase"] == phase), None)
        for what in ("phase_begun", "phase_over")
    )
    return begun or 0.0, over or float("inf")


def _after_restarts(evidence: Evidence) -> list[float]:
    delivered = sorted(row["settled_at"] for row in evidence.deliveries if row["settled_at"])
    backs = [line["at"] for line in evidence.did("restart")]
    return [
        delivered[at] - back
        for back in backs
        if (at := bisect_left(delivered, back)) < len(delivered)
    ]


def _shown(evidence: Evidence, phase: str) -> list[float]:
    """From the coach's edit to the destination's effect, seconds."""
    edits = [line for line in evidence.did("touched") if line["phase"] == phase]
    return [
        evidence.first_shown[line["title"]] - line["at"]
        for line in edits
        if line["title"] in evidence.first_shown
    ]


def _after_pauses(evidence: Evidence) -> Figures:
    """How many came after a 429 that asked for a pause, and how many of them before it was over."""
    over = [over for _, over in after_pauses(evidence.calls)]
    return {"n": len(over), "too_soon": over.count(False)}


def _settled(evidence: Evidence) -> float | None:
    """From the last fault to when nothing was owed any more, seconds."""
    healed, settled = evidence.did("healed"), evidence.did("settled")
    if not healed or not settled or not settled[0]["settled"]:
        return None
    return round(float(settled[0]["at"] - healed[0]["at"]), 1)


def _consuming(evidence: Evidence) -> float | None:
    """From the broker's return to the first attempt of a worker that it woke."""
    back = next(iter(evidence.did("broker_back")), None)
    if back is None:
        return None
    woken = [
        row["started_at"]
        for row in evidence.attempts
        if row["worker"].endswith(".task") and row["started_at"] >= back["at"]
    ]
    return round(float(min(woken) - back["at"]), 2) if woken else None


def _drained(evidence: Evidence) -> Figures | None:
    """None where the lanes did not come to wait, or were not drained while anybody waited."""
    back, drained = (next(iter(evidence.did(what)), None) for what in ("back", "drained"))
    if back is None or drained is None:
        return None
    calls = [
        call["at"]
        for call in evidence.calls
        if call["name"] == "crowded" and back["at"] <= call["at"] <= drained["at"]
    ]
    return {
        "lanes": back["waiting"],
        "requests": len(calls),
        "seconds": round(drained["at"] - back["at"], 1),
        "most_in_a_second": max((_within(calls, at) for at in calls), default=0),
    }


def _within(moments: list[float], since: float) -> int:
    return sum(since <= moment < since + 1.0 for moment in moments)


def _flood(evidence: Evidence) -> Figures:
    posts = [line for line in evidence.did("repeated") if line.get("phase") == "flood"]
    took = spread([line["seconds"] for line in posts])
    return {
        "posts": len(posts),
        "seconds": round(max(p["at"] for p in posts) - min(p["at"] for p in posts), 1),
        "answers": dict(Counter(str(line["status"]) for line in posts)),
        "took": took,
    }
