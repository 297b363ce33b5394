"""What is known after a run: journals, rows and the audit export, read once."""

import json
import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.faults.harness.database import Database, Row
from tests.faults.harness.journal import Line, lines

TITLE = "s-"  # how the coach's sessions begin; what the studio was seeded with does not
Lane = tuple[str, str]  # destination, plan

TABLES = {
    "plans": "SELECT id, athlete_id, newest FROM sharing_plan",
    "athletes": "SELECT id, source_id FROM accounts_athlete",
    "destinations": """SELECT id, name, kind, state, rate_per_second, burst
        FROM destinations_destination""",
    "lanes": "SELECT id, plan_id, destination_id, state, desired, settled FROM sharing_lane",
    "versions": """SELECT id, plan_id, version, published_at, content_hash, content
        FROM sharing_planversion""",
    "deliveries": """SELECT id, lane_id, revision, intent, state, reason, accepted_at, settled_at
        FROM sharing_delivery""",
    "attempts": """SELECT id, delivery_id, lane_id, epoch, consent_id, idempotency_key, worker,
        started_at, deadline_at, settled_at, outcome, error_code FROM sharing_attempt""",
    "alerts": "SELECT id, kind, subject, destination_id, first_at, resolved_at FROM insight_alert",
    "hints": "SELECT id, source_id, kind, received_at FROM sharing_hint",
    "sources": "SELECT id, athlete_id, state, dirty_seq, clean_seq FROM sharing_source",
    "checkpoints": "SELECT size, note, anchored_at FROM audit_checkpoint",
    "decisions": """SELECT id, athlete_id, destination_id, decision, decided_at
        FROM accounts_consentdecision""",
    "erasures": "SELECT athlete_id, state, remaining FROM accounts_erasure",
}


@dataclass
class Evidence:
    folder: Path
    tables: dict[str, list[Row]]
    requests: list[Line]
    effects: list[Line]
    history: list[Line]
    posts: list[Line]
    titles: dict[int, set[str]]
    called: dict[int, set[str]]  # names and addresses of the athletes, as the source has them
    secrets: list[str]  # tokens of the source, and what the product was given to keep
    entries: list[dict[str, Any]]
    bundle: Path
    anchors: list[str]  # the notes that were kept outside
    fsck: tuple[bool, str] = (True, "")
    bodies: list[bytes] = field(default_factory=list, repr=False)

    def __getattr__(self, name: str) -> list[Row]:
        try:
            rows: list[Row] = self.__dict__["tables"][name]
        except KeyError:
            raise AttributeError(name) from None
        return rows

    # --- views over it -------------------------------------------------------------------------

    @cached_property
    def destination_named(self) -> dict[str, Row]:
        return {row["name"]: row for row in self.tables["destinations"]}

    @cached_property
    def lane_by_id(self) -> dict[str, Row]:
        return {row["id"]: row for row in self.tables["lanes"]}

    @cached_property
    def lane_of(self) -> dict[Lane, Row]:
        names = {row["id"]: row["name"] for row in self.tables["destinations"]}
        return {(names[row["destination_id"]], row["plan_id"]): row for row in self.tables["lanes"]}

    @cached_property
    def deliveries_of(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = defaultdict(list)
        for row in sorted(self.tables["deliveries"], key=lambda row: row["revision"]):
            found[row["lane_id"]].append(row)
        return found

    @cached_property
    def effects_of(self) -> dict[Lane, list[Line]]:
        found: dict[Lane, list[Line]] = defaultdict(list)
        for effect in self.effects:
            found[effect["name"], effect["body"]["plan"]].append(effect)
        return found

    @cached_property
    def first_shown(self) -> dict[str, float]:
        """When a destination first showed a session of this title."""
        shown: dict[str, float] = {}
        for effect in sorted(self.effects, key=lambda effect: float(effect["at"])):
            for title in effect["body"]["titles"].values():
                shown.setdefault(title, effect["at"])
        return shown

    @cached_property
    def calls(self) -> list[Line]:
        """Each request with when it ended and what it was answered."""
        ends = {line["request"]: line for line in self.requests if line["event"] == "ended"}
        return [
            {**line, "ended": ends.get(line["request"], {}).get("at"),
             "status": ends.get(line["request"], {}).get("status")}
            for line in self.requests if line["event"] == "came"
        ]  # fmt: skip

    @cached_property
    def source_id_of_plan(self) -> dict[str, int]:
        return {plan: self.source_id_of[athlete] for plan, athlete in self.athlete_of.items()}

    @cached_property
    def athlete_of(self) -> dict[str, str]:
        return {row["id"]: row["athlete_id"] for row in self.tables["plans"]}

    @cached_property
    def source_id_of(self) -> dict[str, int]:
        """Athlete → who they are at the source; the rows of the erased do not say it any more."""
        (cast,) = self.did("cast")
        return {athlete: int(number) for number, athlete in cast["athletes"].items()}

    @cached_property
    def whose(self) -> dict[str, int]:
        """Session of the coach → in whose calendar it is. No other session is ever called so."""
        return {
            title: athlete
            for athlete, titles in self.titles.items()
            for title in titles
            if title.startswith(TITLE)
        }

    def did(self, *what: str) -> list[Line]:
        return [line for line in self.history if line["what"] in what]

    def agrees(self, lane: Row) -> bool:
        """Whether the last decision about this lane's athlete and destination is a yes."""
        pair = (self.athlete_of[lane["plan_id"]], lane["destination_id"])
        return self._last_decision.get(pair) == "granted"

    @cached_property
    def _last_decision(self) -> dict[tuple[str, str], str]:
        ordered = sorted(self.tables["decisions"], key=lambda row: row["decided_at"])
        return {(row["athlete_id"], row["destination_id"]): row["decision"] for row in ordered}


def gather(
    folder: Path, database: Database, bundle: Path, fsck: tuple[bool, str], secrets: list[str]
) -> Evidence:
    """Read everything there is, once the run has settled."""
    posts, titles, called, tokens = _source(folder / "sandbox.sqlite3")
    bodies = bundle.read_bytes().splitlines()
    return Evidence(
        folder=folder,
        tables={name: database.rows(sql) for name, sql in TABLES.items()},
        requests=list(lines(folder / "destinations" / "requests.jsonl")),
        effects=list(lines(folder / "destinations" / "effects.jsonl")),
        history=list(lines(folder / "history.jsonl")),
        posts=posts,
        titles=titles,
        called=called,
        secrets=[*tokens, *secrets],
        entries=[json.loads(body) for body in bodies[1:]],
        bundle=bundle,
        anchors=list(map(json.loads, (folder / "anchors.jsonl").read_text().splitlines())),
        fsck=fsck,
        bodies=bodies,
    )


Words = dict[int, set[str]]


def _source(path: Path) -> tuple[list[Line], Words, Words, list[str]]:
    """What the source's own file says: its webhook posts, calendars, people, the tokens it gave."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as source:
        told = source.execute("SELECT at, kind, detail FROM journal WHERE kind = 'webhook'")
        posts = [{**json.loads(detail), "at": _seconds(at)} for at, _, detail in told]
        titles: dict[int, set[str]] = defaultdict(set)
        for athlete, body in source.execute("SELECT athlete, body FROM workout"):
            titles[athlete].add(json.loads(body)["Title"])
        people = source.execute("SELECT id, email FROM person WHERE role = 'athlete'")
        called = {number: {email} for number, email in people}
        tokens = [value for (value,) in source.execute("SELECT token FROM token")]
    return posts, titles, called, tokens


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).astimezone(UTC).timestamp()
