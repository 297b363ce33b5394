"""I5 to I7 and I10 to I12: the log is complete and verifies, walls stand, secrets stay."""

import hashlib
import re
from base64 import b64decode
from collections import Counter, defaultdict
from collections.abc import Iterator
from http import HTTPStatus
from itertools import groupby, pairwise
from pathlib import Path

from tests.faults.harness.database import Row
from tests.faults.harness.evidence import Evidence
from tests.faults.harness.stage import CANARY
from tests.faults.harness.verdict import Verdict

RECORDED = "plan.version.recorded"
LATE, ANSWERED = "attempt.answered_late", {"late_success", "late_failure"}
ERA = 1_000_000  # versions in one life of the data
FINAL = ("delivered", "superseded", "blocked", "unknown", "dead")
WORD = re.compile(rb"[\w-]{16,}")  # what the last part of a webhook's address looks like
SESSION = re.compile(rb"\bs-\d+\b")  # what the coach's sessions are called
READABLE = (".log", ".bundle", ".sql", ".jsonl")
ALWAYS = ("log/*.log", "audit.bundle", "dump.sql", "redis/**/*")  # what every run writes
KEPT_IN = (*ALWAYS, "*.log", "baton.sqlite3*", "erasures.jsonl")


def i5_audit_complete(evidence: Evidence) -> Verdict:
    """Each change of a delivery, an attempt or a plan has its one entry, and each entry its row."""
    verdict = Verdict("I5", "every change in the log, once")
    _deliveries(evidence, verdict)
    _attempts(evidence, verdict)
    _versions(evidence, verdict)
    if not evidence.fsck[0]:
        verdict.broken(f"audit fsck: {evidence.fsck[1]}")
    return verdict


def _deliveries(evidence: Evidence, verdict: Verdict) -> None:
    said: dict[str, list[str]] = defaultdict(list)
    for entry in evidence.entries:
        if entry["action"].startswith("delivery.") and "delivery" in entry:
            said[entry["delivery"]].append(entry["action"].removeprefix("delivery."))
    for row in evidence.deliveries:
        verdict.looked_at += 1
        actions = said.pop(row["id"], [])
        if actions.count("accepted") != 1:
            verdict.broken(f"delivery {row['id']}: accepted {actions.count('accepted')} times")
        final = [action for action in actions if action in FINAL]
        wanted = [row["state"]] if row["state"] in FINAL else []
        if final[-1:] != wanted or len(final) > 1 + final.count("unknown"):
            verdict.broken(f"delivery {row['id']} is {row['state']}, the log says {final}")
    for identity in said:
        verdict.broken(f"the log tells of delivery {identity}, which is not there")


def _attempts(evidence: Evidence, verdict: Verdict) -> None:
    told = Counter(
        (entry["attempt"], entry["action"])
        for entry in evidence.entries
        if entry["action"] in {"attempt.started", "attempt.settled", LATE}
    )
    made = Counter((row["id"], "attempt.started") for row in evidence.attempts)
    made += Counter(
        (row["id"], "attempt.settled") for row in evidence.attempts if row["settled_at"] is not None
    )
    made += Counter((row["id"], LATE) for row in evidence.attempts if row["outcome"] in ANSWERED)
    verdict.looked_at += len(evidence.attempts)
    for what in (told - made) + (made - told):
        verdict.broken(f"{what}: {made[what]} times in the rows, {told[what]} times in the log")


def _versions(evidence: Evidence, verdict: Verdict) -> None:
    told = Counter(
        (entry["plan"], entry["version"])
        for entry in evidence.entries
        if entry["action"] == RECORDED
    )
    made = Counter((row["plan_id"], row["version"]) for row in evidence.versions)
    verdict.looked_at += len(made)
    for what in (told - made) + (made - told):
        verdict.broken(f"version {what}: made {made[what]} times, told {told[what]} times")


def i6_audit_verifies(evidence: Evidence) -> Verdict:
    """Hashed here anew, as RFC 6962 says: the export gives the root that it claims, and those that
    were signed.
    """
    verdict = Verdict("I6", "the log verifies")
    header, *bodies = evidence.bodies
    anchored = _anchored(evidence)
    verdict.looked_at = len(bodies) + len(anchored)
    claimed = header.decode()
    roots = _roots(bodies, {len(bodies), *(size for size, _ in anchored)})
    if (
        f'"root":"{roots[len(bodies)].hex()}"' not in claimed
        or f'"size":{len(bodies)}' not in claimed
    ):
        verdict.broken("the export does not give the root that it claims")
    for number, entry in enumerate(evidence.entries):
        if entry["seq"] != number:
            verdict.broken(f"entry {number} says that it is {entry['seq']}")
    for earlier, later in pairwise(evidence.entries):
        if later["time"] < earlier["time"]:
            verdict.broken(f"entry {later['seq']} is older than the one before it")
    for size, root in anchored:
        if roots.get(size) != root:
            verdict.broken(f"what was signed for {size} entries is not what they give")
    _signed_once(evidence, anchored, verdict)
    return verdict


def _anchored(evidence: Evidence) -> list[tuple[int, bytes]]:
    """Sizes and roots outside, in the order they came. Of the last life of the data: what was
    signed in an earlier one and lost with it is no longer in the log.
    """
    told = [note.split("\n")[:3] for note in evidence.anchors]
    return [(int(size), b64decode(root)) for name, size, root in told if name == told[-1][0]]


def _signed_once(evidence: Evidence, anchored: list[tuple[int, bytes]], verdict: Verdict) -> None:
    """Nothing signed twice, nothing lost between signing, storing and keeping outside."""
    if not anchored:
        verdict.broken("nothing was signed")
    for (earlier, _), (later, _) in pairwise(anchored):
        if later <= earlier:
            verdict.broken(f"a checkpoint of {later} entries follows one of {earlier}")
    outside = set(evidence.anchors)
    for row in evidence.checkpoints:
        if row["note"].decode() not in outside or row["anchored_at"] is None:
            verdict.broken(f"the checkpoint of {row['size']} entries is not outside")
    stored = {row["size"] for row in evidence.checkpoints}
    for size, _ in anchored:
        if size not in stored:
            verdict.broken(f"the checkpoint of {size} entries is outside and not stored")


def _roots(bodies: list[bytes], sizes: set[int]) -> dict[int, bytes]:
    """The tree heads of the first so many, without anything of the product's."""
    peaks: list[tuple[int, bytes]] = []
    roots = {0: hashlib.sha256().digest()}
    for number, body in enumerate(bodies, 1):
        height, node = 0, hashlib.sha256(b"\x00" + body).digest()
        while peaks and peaks[-1][0] == height:
            node = hashlib.sha256(b"\x01" + peaks.pop()[1] + node).digest()
            height += 1
        peaks.append((height, node))
        if number in sizes:
            roots[number] = _joined([peak for _, peak in peaks])
    return roots


def _joined(peaks: list[bytes]) -> bytes:
    *rest, node = peaks
    for peak in reversed(rest):
        node = hashlib.sha256(b"\x01" + peak + node).digest()
    return node


def i7_walls_stand(evidence: Evidence) -> Verdict:
    """A destination saw the plans of the athletes who were led there, and of nobody else; and in a
    plan no session of another athlete.
    """
    verdict = Verdict("I7", "each destination saw its own athletes only")
    (stage,) = evidence.did("cast")
    led = {one["name"]: set(one["athletes"]) for one in stage["destinations"]}
    for call in evidence.calls:
        verdict.looked_at += 1
        athlete = evidence.source_id_of_plan.get(call["body"]["plan"])
        if athlete not in led[call["name"]]:
            verdict.broken(f"request {call['request']} took {call['body']['plan']} astray")
        for title in call["body"]["titles"].values():
            if evidence.whose.get(title, athlete) != athlete:
                verdict.broken(f"request {call['request']} took “{title}” of somebody else along")
    return verdict


def i10_secrets_stay(evidence: Evidence) -> Verdict:
    """No token and no secret address in a log, in the export or in a table."""
    verdict = Verdict("I10", "secrets stay secret")
    urls = {post["url"] for post in evidence.posts if "url" in post}  # a lost one went nowhere
    hooks = {url.rstrip("/").rpartition("/")[2].encode() for url in urls}
    (stage,) = evidence.did("cast")
    tokens = [CANARY.format(one["name"]) for one in stage["destinations"]]
    secrets = [each.encode() for each in (*evidence.secrets, *tokens)]
    _was_written(evidence.folder, verdict)
    for path in _written(evidence.folder):
        content = path.read_bytes()
        verdict.looked_at += 1
        found = hooks.intersection(WORD.findall(content))
        found.update(secret for secret in secrets if secret in content)
        for secret in found:
            verdict.broken(f"{path.name} holds {secret[:12].decode()}…")
    return verdict


def i10_the_erased_are_unreadable(evidence: Evidence) -> Verdict:
    """Neither address nor session of anybody who was erased: in no table, no log, no export."""
    verdict = Verdict("I10", "who was erased can be read nowhere")
    erased = [evidence.source_id_of[row["athlete_id"]] for row in evidence.erasures]
    titles = set[str]().union(*(evidence.titles[number] for number in erased))
    called = set[str]().union(*(evidence.called[number] for number in erased))
    _was_written(evidence.folder, verdict)
    for name, content in _told(evidence):
        verdict.looked_at += len(erased)
        shown = {word.decode() for word in SESSION.findall(content)} & titles
        shown |= {word for word in called if word.encode() in content}
        for word in sorted(shown):
            verdict.broken(f"{name} tells of “{word}”")
    return verdict


def _told(evidence: Evidence) -> Iterator[tuple[str, bytes]]:
    for path in _written(evidence.folder):
        if path.suffix in READABLE:
            yield path.name, path.read_bytes()


def _was_written(folder: Path, verdict: Verdict) -> None:
    """A place that was not there when it was looked at has proved nothing."""
    for each in ALWAYS:
        if not any(path.is_file() for path in folder.glob(each)):
            verdict.broken(f"there is no {each} to look at")


def _written(folder: Path) -> list[Path]:
    return [path for each in KEPT_IN for path in folder.glob(each) if path.is_file()]


def i11_thanks_after_commit(evidence: Evidence) -> Verdict:
    """For each webhook that was answered well there is a hint."""
    verdict = Verdict("I11", "thanked only for what is kept")
    source_of = {row["athlete_id"]: row["id"] for row in evidence.sources}
    sources = {number: source_of.get(row) for row, number in evidence.source_id_of.items()}
    kept = Counter(row["source_id"] for row in evidence.hints if row["kind"] == "webhook")
    thanked = Counter(
        sources[post["athlete"]] for post in evidence.posts if post["outcome"].startswith("2")
    )
    thanked += Counter(
        sources[post["athlete"]] for post in evidence.did("repeated") if thanks(post["status"])
    )
    verdict.looked_at = sum(thanked.values())
    for post in evidence.did("forged"):
        if thanks(post["status"]):
            verdict.broken(f"a forged post for athlete {post['athlete']} was thanked")
    del thanked[None]  # whoever was erased has neither source nor hints
    for source, times in thanked.items():
        if kept[source] < times:
            verdict.broken(f"source {source}: thanked {times} times, kept {kept[source]}")
    return verdict


def thanks(status: int) -> bool:
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def _without_a_gap(numbers: list[int]) -> list[int]:
    """The numbers that there should be: from one on, and anew in each life of the data."""
    newest = {life: max(run) for life, run in groupby(numbers, key=lambda number: number // ERA)}
    return [number for life, last in newest.items() for number in range(life * ERA + 1, last + 1)]


def i12_versions_immutable(evidence: Evidence) -> Verdict:
    """Numbers without a gap, and each stored version is what the log committed to: as the
    product's own command says, and hashed here anew.
    """
    verdict = Verdict("I12", "versions never change")
    numbers: dict[str, list[int]] = defaultdict(list)
    for row in evidence.versions:
        numbers[row["plan_id"]].append(row["version"])
    for plan in evidence.plans:
        there = sorted(numbers[plan["id"]])
        verdict.looked_at += len(there)
        if there != _without_a_gap(there) or max(there, default=0) != plan["newest"]:
            verdict.broken(f"plan {plan['id']} lacks versions below {plan['newest']}")
    committed = {
        (entry["plan"], entry["version"]): entry["commitment"]
        for entry in evidence.entries
        if entry["action"] == RECORDED
    }
    for row in evidence.versions:
        if _commitment(row) != committed.get((row["plan_id"], row["version"])):
            verdict.broken(f"version {row['version']} of plan {row['plan_id']} was altered")
    if not evidence.fsck[0]:
        verdict.broken(f"audit fsck: {evidence.fsck[1]}")
    return verdict


def _commitment(version: Row) -> str:
    """The hash of what is stored, each part after its length; nothing of the product's."""
    digest = hashlib.sha256()
    named = (version["id"], str(version["version"]), version["content_hash"])
    for part in (*(each.encode() for each in named), version["content"]):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
