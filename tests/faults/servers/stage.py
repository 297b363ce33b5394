"""One test's stage: a studio with its processes, the coach's changes, and what became of them."""

import contextlib
import itertools
import sqlite3
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, Self

import psycopg

from tests.faults.servers.processes import Processes
from tests.faults.servers.studio import INBOX
from tests.faults.servers.template import NOWHERE, Template
from tests.faults.servers.valkey import PrivateRedis
from tests.faults.servers.waiting import until
from tests.sandbox_process import SandboxProcess

KINDS = ("change", "change", "add", "change", "delete")


class Attempts(NamedTuple):
    """How many the tasks of workers have made, and how many the threads of pumps."""

    called: int
    alone: int


@dataclass
class Stage:
    """`with Stage(folder, template) as stage:`; nothing of the product runs until it is asked for.

    `redis=False` leaves the broker away. `more` goes into the processes' environment.
    """

    folder: Path
    template: Template
    redis: bool = True
    settings: str = "config.settings"
    database_url: str = ""  # where the processes find it, when that is not where it is
    more: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as everything:
            self.database = self.template.copied_database(self.folder)
            self.sandbox: SandboxProcess = everything.enter_context(
                self.template.copied_sandbox(self.folder)
            )
            self.broker = (
                everything.enter_context(PrivateRedis(self.folder)) if self.redis else None
            )
            self.processes: Processes = everything.enter_context(self._processes())
            self._everything = everything.pop_all()
        self._numbers = itertools.count(1)
        self._added: list[int] = []
        self.expected: dict[int, str | None] = {}  # workout → its title; None when it was deleted
        self._workouts = self._coming()
        self._began = self.sandbox.latest()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._everything.__exit__(*raised)

    def _processes(self) -> Processes:
        return Processes(
            self.folder,
            database_url=self.database_url or self.database,
            redis_url=self.broker.url if self.broker else NOWHERE,
            sandbox_url=self.sandbox.url,
            web_port=self.template.web_port,
            settings=self.settings,
            **self.more,
        )

    # --- the coach ---------------------------------------------------------------------------

    def change(self, count: int = 1) -> None:
        """The coach changes, adds and deletes sessions, one athlete after the other."""
        edits = [self._edit(number) for number in itertools.islice(self._numbers, count)]
        ids = self.sandbox.post("/control/edits", {"edits": edits})["workouts"]
        for edit, workout in zip(edits, ids, strict=True):
            self.expected[workout] = _title(edit)
            if "add" in edit:
                self._added.append(workout)

    @contextlib.contextmanager
    def changing(self, every: float = 0.15) -> Iterator[None]:
        """The coach goes on changing things until the block ends."""
        over = threading.Event()

        def work() -> None:
            while not over.wait(every):
                self.change()

        thread = threading.Thread(target=work, name="coach")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _edit(self, number: int) -> dict[str, Any]:
        athlete, workouts = self._workouts[number % len(self._workouts)]
        kind = KINDS[number % len(KINDS)]
        if kind == "delete" and self._added:
            return {"workout": self._added.pop(0), "delete": True}
        title = f"Change {number}"
        if kind == "add":
            day = _in_days(3 + number % 5)
            about = {"WorkoutDay": day, "WorkoutType": "Run", "TotalTimePlanned": 0.5}
            return {"athlete": athlete, "add": {**about, "Title": title}}
        return {"workout": workouts[number % len(workouts)], "change": {"Title": title}}

    def _coming(self) -> list[tuple[int, list[int]]]:
        """Each athlete's sessions from tomorrow on: what is past is not shared again."""
        found = []
        for athlete in self.sandbox.get("/control/athletes")["athletes"]:
            held = self.sandbox.get(f"/control/athletes/{athlete['id']}/workouts")
            coming = [one["Id"] for one in held if one["WorkoutDay"] > _in_days(1)]
            found.append((athlete["id"], coming))
        return found

    # --- what became of it -------------------------------------------------------------------

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows straight from the database, past every proxy."""
        if self.database.startswith("sqlite"):
            path = self.database.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path, timeout=5)) as connection:
                return connection.execute(sql).fetchall()
        with psycopg.connect(self.database, connect_timeout=5) as connection:
            return connection.execute(sql.encode()).fetchall()

    def put(self, sql: str) -> None:
        """Change rows straight in the database, past every proxy."""
        if self.database.startswith("sqlite"):
            path = self.database.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path, timeout=10)) as file, file:
                file.execute(sql)
        else:
            with psycopg.connect(self.database, connect_timeout=5) as connection:
                connection.execute(sql.encode())

    def settle(self, seconds: float = 30) -> None:
        """Wait until everything the coach did has arrived and nothing is owed any more."""
        try:
            until(self.settled, seconds=seconds, every=0.1)
        except TimeoutError:
            raise TimeoutError(f"It did not settle in {seconds} s: {self.state()}") from None

    def settled(self) -> bool:
        try:
            unread = self.ask("SELECT count(*) FROM sharing_source WHERE dirty_seq > clean_seq")
            owed = self.ask("SELECT count(*) FROM sharing_delivery WHERE state = 'waiting'")
        except (psycopg.OperationalError, sqlite3.OperationalError):
            return False
        return unread == owed == [(0,)] and not self.missing()

    def state(self) -> str:
        """What is not as it should be, for whoever reads a red test."""
        unread = self.ask(
            "SELECT id, last_error, due_at FROM sharing_source WHERE dirty_seq > clean_seq"
        )
        lanes = self.ask(
            "SELECT state, last_error, due_at, hold_until FROM sharing_lane WHERE settled < desired"
        )
        fallen = [process.name for process in self.processes.fallen()]
        logs = f"logs in {self.folder}/log"
        return f"{self.missing()}; unread {unread}; owing {lanes}; fallen {fallen}; {logs}"

    def missing(self) -> list[str]:
        """What the coach did last to each session and the inbox does not show."""
        held = {
            session["itemId"]: session["title"]
            for plan in self.sandbox.get(f"/control/inboxes/{INBOX}")["plans"]
            for session in plan["body"]["data"]["exerciseList"]
        }
        return [
            f"session {workout} is {held.get(f'tp-{workout}')!r}, not {title!r}"
            for workout, title in dict(self.expected).items()
            if held.get(f"tp-{workout}") != title
        ]

    def assert_promises_kept(self, *, dead: int = 0) -> None:
        """I1 nothing lost, I2 nothing doubled, I3 in order: by the sandbox's own journal."""
        assert self.expected, "Nothing was changed: that proves nothing."
        assert self.missing() == [], "I1"
        ended = dict(self.ask("SELECT state, count(*) FROM sharing_delivery GROUP BY state"))
        left = {state: ended.get(state, 0) for state in ("waiting", "unknown", "dead")}
        assert left == {"waiting": 0, "unknown": 0, "dead": dead}, "I1"
        effects = self.effects()
        keys = Counter(effect["key"] for effect in effects)
        assert [key for key, times in keys.items() if times > 1] == [], "I2"
        applied = Counter((effect["plan"], effect["version"]) for effect in effects)
        assert [one for one, times in applied.items() if times > 1] == [], "I2"
        order: dict[str, list[int]] = defaultdict(list)
        for effect in effects:
            order[effect["plan"]].append(effect["revision"])
        assert {plan: sorted(set(r)) for plan, r in order.items()} == order, "I3"

    def effects(self) -> list[dict[str, Any]]:
        """What the inbox applied since the stage was set, in its order."""
        told = self.sandbox.get("/control/journal", after=self._began)
        return [effect for effect in told["effects"] if effect.get("inbox") == INBOX]

    def attempts(self, outcome: str) -> int:
        sql = f"SELECT count(*) FROM sharing_attempt WHERE outcome = '{outcome}'"  # noqa: S608 - ours
        return int(self.ask(sql)[0][0])

    def attempts_by(self) -> Attempts:
        workers = [worker for (worker,) in self.ask("SELECT worker FROM sharing_attempt")]
        called = sum(worker.endswith(".task") for worker in workers)
        return Attempts(called, len(workers) - called)

    def assert_log_verifies(self) -> None:
        self.processes.manage("audit", "verify")
        self.processes.manage("audit", "fsck")


def _title(edit: dict[str, Any]) -> str | None:
    fields = edit.get("add") or edit.get("change")
    return fields["Title"] if fields else None


def _in_days(days: int) -> str:
    return f"{(datetime.now(UTC) + timedelta(days=days)).date()}T00:00:00"
