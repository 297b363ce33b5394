"""I1 to I4 and I9: nothing lost, nothing doubled, in order, with consent, within bounds."""

from collections import Counter, defaultdict
from itertools import pairwise

from tests.faults.harness.database import Row
from tests.faults.harness.evidence import TITLE, Evidence
from tests.faults.harness.journal import Line
from tests.faults.harness.pauses import after_pauses
from tests.faults.harness.stopped import DEADLINE, SLACK, stops_obeyed
from tests.faults.harness.verdict import Verdict

ENDED = {"delivered", "superseded", "blocked", "unknown", "dead"}
LEASE = 5.0
OBJECTIVE = 60.0 + 10.0  # seconds until something is said: the objective and one look
SAID = {"dead": "delivery_dead", "unknown": "outcome_unknown"}
DIED = {"crashed", "late_success", "late_failure"}
QUARANTINE = 3  # deaths over one lane
SCHEDULE = 27  # tries; what the destinations of the harness are given
SPENT = {"transient", "unknown", "payload"}  # how a try ends that counts
MOST_ATTEMPTS = SCHEDULE + 10  # crashes of ours and postponements spend no try


def i1_nothing_lost(evidence: Evidence) -> Verdict:
    """Every promise has its place, and the destinations hold what the coach wrote last."""
    verdict = Verdict("I1", "nothing lost")
    for lane_id, lane in evidence.lane_by_id.items():
        promised = evidence.deliveries_of.get(lane_id, [])
        verdict.looked_at += len(promised)
        if [row["revision"] for row in promised] != list(range(1, lane["desired"] + 1)):
            verdict.broken(
                f"lane {lane_id}: {lane['desired']} promises, {len(promised)} deliveries"
            )
        for row in promised:
            if row["state"] not in ENDED and lane["state"] != "unknown":
                verdict.broken(f"delivery {row['id']} still {row['state']} in lane {lane_id}")
            if row["state"] == "dead" and not _quarantined(evidence, row):
                verdict.broken(f"delivery {row['id']} given up: {row['reason']}")
    _sources_clean(evidence, verdict)
    _as_the_coach_wrote(evidence, verdict)
    return verdict


def _quarantined(evidence: Evidence, row: Row) -> bool:
    """Workers died over it three times: then a person looks, and sends it again."""
    died = sum(
        attempt["lane_id"] == row["lane_id"] and attempt["outcome"] in DIED
        for attempt in evidence.attempts
    )
    return bool(row["reason"] == "crashes" and died >= QUARANTINE)


def _sources_clean(evidence: Evidence, verdict: Verdict) -> None:
    for source in evidence.sources:
        if source["state"] != "suspended" and source["dirty_seq"] != source["clean_seq"]:
            verdict.broken(f"source {source['id']} was never read again")


def _as_the_coach_wrote(evidence: Evidence, verdict: Verdict) -> None:
    for (name, plan), lane in evidence.lane_of.items():
        if lane["state"] == "unknown":
            continue  # class N: a person decides
        effects = evidence.effects_of.get((name, plan), [])
        held = set() if not effects or effects[-1]["gone"] else _titles(effects[-1])
        held = {title for title in held if title.startswith(TITLE)}
        agrees = evidence.agrees(lane)
        wrote = evidence.titles[evidence.source_id_of_plan[plan]] if agrees else set()
        wanted = {title for title in wrote if title.startswith(TITLE)}
        verdict.looked_at += 1
        if held != wanted:
            missing, extra = sorted(wanted - held)[:3], sorted(held - wanted)[:3]
            verdict.broken(f"{name} plan {plan}: lacks {missing}, has {extra} (agrees: {agrees})")


def _titles(effect: Line) -> set[str]:
    return set(effect["body"]["titles"].values())


def i2_no_duplicate_effect(evidence: Evidence) -> Verdict:
    """An effect of a key happens once; a record is made once for each plan."""
    verdict = Verdict("I2", "no effect twice")
    keys = Counter((effect["name"], effect["key"]) for effect in evidence.effects)
    verdict.looked_at = len(evidence.effects)
    for (name, key), times in keys.items():
        if times > 1:
            verdict.broken(f"{name}: key {key} took effect {times} times")
    promised = Counter(
        (effect["name"], effect["body"]["plan"], effect["body"]["revision"], effect["gone"])
        for effect in evidence.effects
    )
    for what, times in promised.items():
        if times > 1:
            verdict.broken(f"{what}: one promise took effect {times} times")
    return verdict


def i3_order_kept(evidence: Evidence) -> Verdict:
    """Revisions only grow in a lane, and nothing runs beside another call of the same lane."""
    verdict = Verdict("I3", "order kept, one call at a time in a lane")
    for lane, effects in evidence.effects_of.items():
        verdict.looked_at += len(effects)
        for earlier, later in pairwise(effects):
            if later["body"]["revision"] < earlier["body"]["revision"]:
                verdict.broken(
                    f"{lane}: revision {later['body']['revision']} (request {later['request']}) "
                    f"after {earlier['body']['revision']} (request {earlier['request']})"
                )
    by_lane: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for call in evidence.calls:
        by_lane[call["name"], call["body"]["plan"]].append(call)
    for lane, calls in by_lane.items():
        for first, second in pairwise(calls):
            overlaps = first["ended"] is None or second["at"] < first["ended"]
            if overlaps and second["at"] - first["at"] < LEASE - DEADLINE - SLACK:
                verdict.broken(
                    f"{lane}: requests {first['request']} and {second['request']} at once"
                )
    return verdict


def i4_consent_respected(evidence: Evidence) -> Verdict:
    """By the log's own order: no attempt starts between a withdrawal and the next yes."""
    verdict = Verdict("I4", "nothing without consent")
    agreed: set[tuple[str, str]] = set()
    removals = {row["id"] for row in evidence.deliveries if row["intent"] == "remove"}
    for entry in evidence.entries:
        action = entry["action"]
        pair = (entry.get("subject", ""), entry.get("destination", ""))
        if action == "consent.granted":
            agreed.add(pair)
        elif action in {"consent.withdrawn", "consent.declined"}:
            agreed.discard(pair)
        elif action == "attempt.started" and entry["delivery"] not in removals:
            verdict.looked_at += 1
            if pair not in agreed:
                verdict.broken(f"attempt {entry['attempt']} (entry {entry['seq']}) without consent")
    _silence_after_withdrawal(evidence, verdict)
    _silence_after_erasure(evidence, verdict)
    return verdict


def _silence_after_withdrawal(evidence: Evidence, verdict: Verdict) -> None:
    """What the destinations saw: no content more than a deadline after the withdrawal."""
    names = {row["id"]: row["name"] for row in evidence.destinations}
    plans = {row["athlete_id"]: row["id"] for row in evidence.plans}
    said: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in evidence.did("withdraw", "grant"):
        said[names[line["destination"]], plans[line["athlete"]]].append(line)
    for call in evidence.calls:
        decisions = said.get((call["name"], call["body"]["plan"]), [])
        before = [line for line in decisions if line["begun"] < call["at"]]
        if not before or before[-1]["what"] == "grant" or call["method"] == "DELETE":
            continue
        verdict.looked_at += 1
        if call["at"] > before[-1]["at"] + DEADLINE + SLACK:
            verdict.broken(f"request {call['request']} carried content after the withdrawal")


def _silence_after_erasure(evidence: Evidence, verdict: Verdict) -> None:
    """It was done, the removal is the last that each destination saw, and no content came later."""
    asked = {line["athlete"]: line["at"] for line in reversed(evidence.did("erase"))}
    done = {row["athlete_id"] for row in evidence.erasures if row["state"] == "done"}
    for athlete in asked.keys() - done:
        verdict.broken(f"athlete {athlete} was never erased")
    for call in evidence.calls:
        since = asked.get(evidence.athlete_of.get(call["body"]["plan"], ""))
        if since is None or call["method"] == "DELETE":
            continue
        verdict.looked_at += 1
        if call["at"] > since + DEADLINE + SLACK:
            verdict.broken(f"request {call['request']} carried content after the erasure")
    for (name, plan), effects in evidence.effects_of.items():
        if evidence.athlete_of.get(plan) in asked and not effects[-1]["gone"]:
            verdict.broken(f"{name} still holds plan {plan} of somebody who was erased")


def i9_bounded(evidence: Evidence) -> Verdict:
    """Tries within the schedule, calls within the rate, pauses and stops obeyed."""
    verdict = Verdict("I9", "bounded: tries, rates, pauses and stops")
    _within_schedule(evidence.attempts, verdict)
    by_name: dict[str, list[Line]] = defaultdict(list)
    for call in evidence.calls:
        by_name[call["name"]].append(call)
    for name, calls in by_name.items():
        _within_rate(evidence.destination_named[name], calls, verdict)
    _pauses_obeyed(evidence.calls, verdict)
    stops_obeyed(evidence, verdict)
    return verdict


def _within_schedule(attempts: list[Row], verdict: Verdict) -> None:
    """A delivery spends no more tries than the schedule has, and is not begun without end."""
    begun = Counter(row["delivery_id"] for row in attempts)
    spent = Counter(row["delivery_id"] for row in attempts if row["outcome"] in SPENT)
    verdict.looked_at = len(begun)
    for delivery, count in begun.items():
        if spent[delivery] > SCHEDULE:
            verdict.broken(f"delivery {delivery} spent {spent[delivery]} tries of {SCHEDULE}")
        if count > MOST_ATTEMPTS:
            verdict.broken(f"delivery {delivery} was begun {count} times")


def _within_rate(destination: Row, calls: list[Line], verdict: Verdict) -> None:
    """In no second more than a second's worth and the burst."""
    allowed = destination["rate_per_second"] + destination["burst"] + 2
    first = 0
    for number, call in enumerate(calls):
        while call["at"] - calls[first]["at"] > 1.0:
            first += 1
        if number - first + 1 > allowed:
            verdict.broken(f"{destination['name']}: {number - first + 1} calls in one second")
            return


def _pauses_obeyed(calls: list[Line], verdict: Verdict) -> None:
    for call, over in after_pauses(calls):
        verdict.looked_at += 1
        if not over:
            verdict.broken(f"request {call['request']} came before the pause was over")


def i13_recovers_alone(evidence: Evidence) -> Verdict:
    """Once the faults have ended nobody does anything, and nothing is owed any more."""
    verdict = Verdict("I13", "recovers alone")
    for line in evidence.did("settled"):
        verdict.looked_at += 1
        if not line["settled"]:
            verdict.broken("something was still owed when patience was at its end")
    return verdict


def i14_says_so(evidence: Evidence) -> Verdict:
    """Whatever was given up, or waits for a person, has an alert within a minute."""
    verdict = Verdict("I14", "says so within a minute")
    over = max(line["at"] for line in evidence.history)
    alerts: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for alert in evidence.alerts:
        alerts[alert["kind"], alert["destination_id"]].append(alert)
    for row in evidence.deliveries:
        kind = SAID.get(row["state"])
        if kind is None:
            continue
        verdict.looked_at += 1
        latest = min(row["settled_at"] + OBJECTIVE, over)
        about = alerts[kind, evidence.lane_by_id[row["lane_id"]]["destination_id"]]
        if row["state"] == "dead" and _made_up_for(evidence, row, latest):
            continue
        told = [alert for alert in about if _tells_of(alert, row)]
        if latest < over and not any(_stood(alert, row["settled_at"], latest) for alert in told):
            verdict.broken(f"delivery {row['id']} is {row['state']} and nothing was said")
    verdict.looked_at += len(evidence.alerts)
    return verdict


def _made_up_for(evidence: Evidence, row: Row, until: float) -> bool:
    """A newer promise of the lane owes what this one did: whatever becomes of it is said there."""
    return any(
        newer["revision"] > row["revision"] and newer["accepted_at"] <= until
        for newer in evidence.deliveries_of[row["lane_id"]]
    )


def _tells_of(alert: Row, row: Row) -> bool:
    """What was given up is told by its cause, and not by that of others."""
    return bool(row["state"] != "dead" or alert["subject"].endswith(f":{row['reason']}"))


def _stood(alert: Row, since: float, until: float) -> bool:
    return alert["first_at"] <= until and (alert["resolved_at"] or since) >= since
