"""A run as small as a run can be, by hand: three athletes, three destinations, every promise kept.

Tests spoil one thing in it; whoever judges that thing must see it. Times are seconds of the run.
"""

import json
from base64 import b64encode
from types import SimpleNamespace

import pytest

from audit import bundle, merkle
from sharing import versions
from tests.faults.harness.evidence import Evidence
from tests.faults.harness.promises import QUARANTINE
from tests.faults.harness.stopped import DEADLINE

BEN, EVA, ZOE = 1, 2, 3  # Eva withdraws, Zoe is erased
TOKEN, HOOK = "tp-access-7d1e0c55", "hook-9f8e7d6c5b4a39281706"
GRANTED = [("ben", "keyed"), ("ben", "upsert"), ("ben", "none"), ("eva", "keyed"), ("zoe", "keyed")]
WITHDREW, ERASED, SETTLED, OVER = 30.1, 40.1, 250.0, 400.0
KNOWN = 1.0  # when the plans and consents were made


def small_run(folder):
    evidence = Evidence(
        folder=folder,
        tables=_tables(),
        requests=[],
        effects=[],
        history=_history(),
        posts=[{"athlete": BEN, "outcome": "202", "url": f"https://baton.example/hooks/{HOOK}/"}],
        titles={BEN: {"s-4", "Long run"}, EVA: {"s-2"}, ZOE: {"s-3"}},
        called={BEN: {"ben@tp.example"}, EVA: {"eva@tp.example"}, ZOE: {"zoe@tp.example"}},
        secrets=[TOKEN],
        entries=[],
        bundle=folder / "audit.bundle",
        anchors=[],
    )
    _call_all(evidence)
    _log_all(evidence)
    _write_all(folder)
    return evidence


def spoiled(*cases):
    """Each case: what is wrong, how a run comes to it, and the words that name it."""
    names, rest = [case[0] for case in cases], [case[1:] for case in cases]
    return pytest.mark.parametrize(("spoil", "words"), rest, ids=names)


def names_it(check, run, words):
    return any(words in violation for violation in check(run).violations)


def row(rows, identity):
    """The row of this id."""
    (found,) = (each for each in rows if each["id"] == identity)
    return found


def call(evidence, at, lane, revision, titles=(), *, method="PUT", status=200, key="", lasts=0.1):
    """A request at a destination, and where it was answered well, its effect."""
    number = 1 + sum(line["event"] == "came" for line in evidence.requests)
    name, plan = lane.partition("-")[2], lane.partition("-")[0]
    body = {"plan": plan, "version": revision, "revision": revision, "titles": _numbered(titles)}
    about = {"request": number, "key": key or f"{lane}-{revision}", "name": name, "body": body}
    came = {**about, "event": "came", "at": at, "method": method}
    ended = {"event": "ended", "request": number, "at": at + lasts, "status": status}
    evidence.requests += [came, ended]
    if status == 200:
        gone = method == "DELETE"
        evidence.effects.append({**about, "at": at + lasts, "gone": gone, "revision": revision})


def say(evidence, what, at, **about):
    """A line of the history, in its place."""
    evidence.history.append({"what": what, "at": at, **about})
    evidence.history.sort(key=lambda line: line["at"])


def attempt(identity, delivery, lane, at, outcome="success", **about):
    return {
        "id": identity, "delivery_id": delivery, "lane_id": lane, "outcome": outcome,
        "started_at": at, "deadline_at": at + DEADLINE, "settled_at": at + 0.2,
        "idempotency_key": delivery, **about,
    }  # fmt: skip


def begun(delivery, times, outcome):
    """So many attempts more at one delivery."""
    return [attempt(f"more-{n}", delivery, "ben-keyed", 21.0, outcome) for n in range(times)]


def version(plan, number, at=KNOWN):
    """A stored version of a plan; what it says is sealed."""
    return {
        "id": f"{plan}-{number}", "plan_id": plan, "version": number, "published_at": at,
        "content_hash": f"hash of {plan}-{number}", "content": b"sealed",
    }  # fmt: skip


def recorded(row):
    """What the engine writes to the log of it."""
    stored = SimpleNamespace(pk=row["id"], **row)
    return {
        "action": "plan.version.recorded", "time": row["published_at"], "plan": row["plan_id"],
        "version": row["version"], "commitment": versions.commitment(stored),
    }  # fmt: skip


def _numbered(titles):
    return {f"tp-{number}": title for number, title in enumerate(titles)}


def _tables():
    delivered = [
        ("ben-keyed", 1, 9.0, 10.2, "share"), ("ben-keyed", 2, 19.0, 21.2, "share"),
        ("eva-keyed", 1, 9.0, 10.7, "share"), ("eva-keyed", 2, 30.0, 32.2, "remove"),
        ("zoe-keyed", 1, 9.0, 11.2, "share"), ("zoe-keyed", 2, 40.0, 42.2, "remove"),
        ("ben-upsert", 2, 200.0, 200.2, "share"),
    ]  # fmt: skip
    deliveries = [_delivery(*each) for each in delivered]
    deliveries += [
        _delivery("ben-upsert", 1, 9.0, 20.0, "share", ("dead", "crashes")),
        _delivery("ben-none", 1, 9.0, 12.0, "share", ("unknown", "outcome_unknown")),
    ]
    attempts = [
        attempt(f"{each['id']}-a", each["id"], each["lane_id"], each["settled_at"] - 0.2)
        for each in deliveries
        if each["state"] == "delivered"
    ]
    attempts += [
        attempt("throttled", "ben-keyed-2", "ben-keyed", 20.0, "transient"),
        attempt("silent", "ben-none-1", "ben-none", 11.8, "unknown"),
        *[
            attempt(f"died-{number}", "ben-upsert-1", "ben-upsert", 12.0 + number, "crashed")
            for number in range(QUARANTINE)
        ],
    ]
    return {
        "plans": [_plan("ben", 2), _plan("eva", 1), _plan("zoe", 1)],
        "athletes": [{"id": name, "source_id": None} for name in ("ben", "eva", "zoe")],
        "destinations": [
            {"id": f"{name}-id", "name": name, "rate_per_second": 20.0, "burst": 10}
            for name in ("keyed", "upsert", "none")
        ],
        "lanes": [
            _lane("ben-keyed", 2), _lane("eva-keyed", 2, "closed"), _lane("zoe-keyed", 2, "closed"),
            _lane("ben-upsert", 2), _lane("ben-none", 1, "unknown"),
        ],
        "versions": [
            version(plan, number)
            for plan, number in (("ben", 1), ("ben", 2), ("eva", 1), ("zoe", 1))
        ],
        "deliveries": deliveries,
        "attempts": attempts,
        "alerts": [
            _alert("dead", "delivery_dead", "upsert", "crashes", 25.0, 200.0),
            _alert("asked", "outcome_unknown", "none", "", 15.0, None),
        ],
        "hints": [{"id": n, "source_id": "ben-source", "kind": "webhook"} for n in range(2)],
        "sources": [
            {"id": f"{name}-source", "athlete_id": name, "state": "active", "dirty_seq": 3,
             "clean_seq": 3}
            for name in ("ben", "eva")
        ],
        "checkpoints": [],
        "decisions": [
            *[_decision(athlete, place, "granted", KNOWN) for athlete, place in GRANTED],
            _decision("eva", "keyed", "withdrawn", WITHDREW),
            _decision("zoe", "keyed", "withdrawn", ERASED),
        ],
        "erasures": [{"athlete_id": "zoe", "state": "done", "remaining": 0}],
    }  # fmt: skip


def _plan(name, newest):
    return {"id": name, "athlete_id": name, "newest": newest}


def _lane(name, desired, state="active"):
    plan, place = name.split("-")
    return {
        "id": name, "plan_id": plan, "destination_id": f"{place}-id", "state": state,
        "desired": desired, "settled": desired,
    }  # fmt: skip


def _delivery(lane, revision, accepted, settled, intent, end=("delivered", "")):
    state, reason = end
    return {
        "id": f"{lane}-{revision}", "lane_id": lane, "revision": revision, "intent": intent,
        "state": state, "reason": reason, "accepted_at": accepted, "settled_at": settled,
    }  # fmt: skip


def _decision(athlete, place, decision, at):
    return {
        "athlete_id": athlete, "destination_id": f"{place}-id", "decision": decision,
        "decided_at": at,
    }  # fmt: skip


def _alert(identity, kind, place, cause, first_at, resolved_at):
    return {
        "id": identity, "kind": kind, "destination_id": f"{place}-id", "first_at": first_at,
        "subject": ":".join(filter(None, ["destination", f"{place}-id", cause])),
        "resolved_at": resolved_at,
    }  # fmt: skip


def _history():
    led = {"keyed": [BEN, EVA, ZOE], "upsert": [BEN], "none": [BEN]}
    cast = {
        "athletes": {"1": "ben", "2": "eva", "3": "zoe"},
        "destinations": [{"name": name, "athletes": athletes} for name, athletes in led.items()],
    }
    return [
        {"what": "cast", "at": 0.0, **cast},
        {"what": "repeated", "at": 22.0, "athlete": BEN, "status": 202},
        {"what": "forged", "at": 23.0, "athlete": BEN, "status": 404},
        {"what": "withdraw", "begun": 30.0, "at": WITHDREW, "athlete": "eva",
         "destination": "keyed-id"},
        {"what": "erase", "begun": 40.0, "at": ERASED, "athlete": "zoe"},
        {"what": "settled", "at": SETTLED, "settled": True},
        {"what": "weather", "at": OVER},
    ]  # fmt: skip


def _call_all(evidence):
    call(evidence, 10.0, "ben-keyed", 1, ["s-1"])
    call(evidence, 10.5, "eva-keyed", 1, ["s-2"])
    call(evidence, 11.0, "zoe-keyed", 1, ["s-3"])
    call(evidence, 11.8, "ben-none", 1, ["s-1"], status=None)
    call(evidence, 20.0, "ben-keyed", 2, ["s-4", "Long run"], status=429)
    call(evidence, 21.1, "ben-keyed", 2, ["s-4", "Long run"])
    call(evidence, 32.0, "eva-keyed", 2, method="DELETE")
    call(evidence, 42.0, "zoe-keyed", 2, method="DELETE")
    call(evidence, 200.0, "ben-upsert", 2, ["s-4", "Long run"])


def _log_all(evidence):
    """What the engine would have written, sorted by time, hashed and signed."""
    evidence.entries += sorted(_entries(evidence), key=lambda entry: entry["time"])
    for seq, entry in enumerate(evidence.entries):
        entry["seq"] = seq
    bodies = [json.dumps(entry).encode() for entry in evidence.entries]
    root = merkle.root_of(map(merkle.leaf_hash, bodies))
    evidence.bodies += [bundle.header(len(bodies), root), *bodies]
    note = f"baton.example/audit\n{len(bodies)}\n{b64encode(root).decode()}\n\n— signed\n"
    evidence.anchors.append(note)
    evidence.checkpoints.append({"size": len(bodies), "note": note.encode(), "anchored_at": OVER})


def _entries(evidence):
    for row in evidence.decisions:
        about = {"subject": row["athlete_id"], "destination": row["destination_id"]}
        yield {"action": f"consent.{row['decision']}", "time": row["decided_at"], **about}
    yield from map(recorded, evidence.versions)
    for row in evidence.deliveries:
        about = {"delivery": row["id"]}
        yield {"action": "delivery.accepted", "time": row["accepted_at"], **about}
        yield {"action": f"delivery.{row['state']}", "time": row["settled_at"], **about}
    for row in evidence.attempts:
        athlete, place = row["lane_id"].split("-")
        about = {"attempt": row["id"], "delivery": row["delivery_id"], "subject": athlete}
        started = {"action": "attempt.started", "time": row["started_at"], **about}
        yield {**started, "destination": f"{place}-id"}
        yield {"action": "attempt.settled", "time": row["settled_at"], **about}


def _write_all(folder):
    """What the processes leave on the disk: nothing in it that is nobody's business."""
    for place in ("log", "redis/appendonlydir"):
        (folder / place).mkdir(parents=True)
    for place in (
        "log/web.log", "redis.log", "audit.bundle", "dump.sql", "baton.sqlite3",
        "redis/appendonlydir/appendonly.aof", "erasures.jsonl",
    ):  # fmt: skip
        (folder / place).write_text("s-4 of ben@tp.example, and nothing else\n")
