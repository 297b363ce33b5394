"""The stage: every process of a run, each with its data in the folder of the run."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from base64 import b64encode
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from devtools.environment import PYTHON, ROOT
from tests.faults.harness.database import Database
from tests.faults.harness.journal import Journal
from tests.faults.harness.profile import Profile
from tests.faults.servers import PrivatePostgres, PrivateRedis, Process, Processes
from tests.sandbox_process import SandboxProcess

SETTINGS = "tests.faults.build.settings"
NONE = "none"
NEEDED = 20  # athletes of the second destination who say no and yes while a worker dies over it
LATEST = 1.0  # seconds that the hold is longer than a destination may be late
CANARY = "canary-{}-4f6c1e"  # a secret that must never be seen anywhere
SKEW = "8"  # seconds that the clock of a sabotaged worker is ahead
PUMP_INTERVAL = "1"  # seconds, as it is by default: many who look more often keep each other busy
SECRET = ("BATON_SECRET_KEY", "TRAININGPEAKS_CLIENT_SECRET")
TOKEN_LIFE = 20  # seconds that an access token of the source works
RATE, CROWDED = 60.0, 20.0  # calls per second that a destination takes …
BURST = 0.5  # … and of a second's calls that many at once
LOST_ACCESS = "SELECT count(*) AS n FROM accounts_connection WHERE state = 'needs_reauth'"
KEYS = (("first", 1), ("second", 2))  # what seals the secrets, newest first
Answer = dict[str, Any]
GONE: Answer = {"error": "it is gone"}


@dataclass(frozen=True)
class Place:
    """A destination, and the share of the athletes who are led there."""

    name: str
    kind: str
    share: float


PLACES = (
    Place("versioned", "fault_versioned", 0.3),
    Place("keyed", "fault_keyed", 0.4),
    Place("upsert", "fault_upsert", 0.3),
    Place(NONE, "fault_none", 0.1),
    Place("twin", "fault_upsert", 0.1),  # at this class nobody but the engine keeps the order
)


@dataclass
class Stage:
    """`with Stage(…) as stage:` starts everything; leaving it ends everything."""

    folder: Path
    profile: Profile
    seed: int
    database_kind: str = "sqlite"
    sabotage: str = ""
    more: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._exit = ExitStack()
        try:
            self._start()
        except BaseException:
            self._exit.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    # --- what stands on it ---------------------------------------------------------------------

    def _start(self) -> None:
        self.history = Journal(self.folder / "history.jsonl")
        self._keys = [
            f"{name}:{b64encode(bytes(range(number, number + 32))).decode()}"
            for name, number in KEYS
        ]
        self.redis = self._exit.enter_context(PrivateRedis(self.folder))
        self.postgres: PrivatePostgres | None = None
        url = f"sqlite:///{self.folder / 'baton.sqlite3'}"
        if self.database_kind == "postgresql":
            self.postgres = self._exit.enter_context(PrivatePostgres(self.folder))
            url = self.postgres.create("baton")
        self.database = Database(url)
        self.sandbox = self._exit.enter_context(
            SandboxProcess(database=self.folder / "sandbox.sqlite3")
        )
        self.destinations = Destinations(self.folder / "destinations", self.seed)
        self._exit.callback(self.destinations.process.kill)
        self.processes = self._exit.enter_context(
            Processes(
                self.folder,
                database_url=url,
                redis_url=self.redis.url,
                sandbox_url=self.sandbox.url,
                settings=SETTINGS,
                web_port=None,
                **self._told(),
            )
        )
        self.processes.manage("migrate", "--verbosity", "0")
        self.people = People(self.processes, self.history)
        self._exit.callback(self.people.close)
        self._populate()
        self._run()

    def _told(self) -> dict[str, str]:
        return {
            "BATON_SABOTAGE": self.sabotage,
            "BATON_POLL_EVERY": str(self.profile.poll_every),
            "BATON_PUMP_INTERVAL": PUMP_INTERVAL,
            "TRAININGPEAKS_RATE_PER_SECOND": "400",
            "TRAININGPEAKS_READINGS_PER_HOUR": "1000000",
            "BATON_LOG_LEVEL": "WARNING",
            "BATON_KEYS": ",".join(self._keys),
            "BATON_ERASURES_FILE": str(self.folder / "erasures.jsonl"),
            **self.more,
        }

    def _populate(self) -> None:
        self.sandbox.post("/control/seed", {"athletes": self.profile.athletes, "weeks": 0})
        self.sandbox.switch(expires_in=TOKEN_LIFE, throttle=0)
        wishes = [self._wish(place) for place in PLACES]
        if self.profile.figures:
            crowded = Place("crowded", "fault_keyed", 1.0)
            wishes.append({**self._wish(crowded, rate=CROWDED), "open": False})
        self.cast = self.people.do(
            "set_up", sandbox=self.sandbox.url, destinations=wishes, seed=self.seed
        )
        self._reserve()
        self.note(
            "stage", profile=self.profile.name, seed=self.seed, athletes=len(self.cast["athletes"])
        )

    def _reserve(self) -> None:
        """Who will be erased: nobody who is needed elsewhere, or whose lanes wait for a person.

        Where a process is to die over it, the athlete's plans are nowhere: then nothing has to be
        taken back before.
        """
        led = {one["name"]: set(one["athletes"]) for one in self.delivered_to}
        needed = {self.cast["destinations"][0]["athletes"][0], *led[NONE]}
        needed.update(self.cast["destinations"][1]["athletes"][:NEEDED])
        chance = random.Random(self.seed + 4)
        anywhere = set[int]().union(*led.values())
        quiet = sorted({int(number) for number in self.cast["athletes"]} - anywhere)
        self.leaving = chance.sample(sorted(anywhere - needed), self.profile.erasures)
        self.quiet = chance.sample(quiet, len(quiet))
        self.reserved = {*self.leaving, *self.quiet}
        self.gone: set[int] = set()

    @property
    def delivered_to(self) -> list[Answer]:
        """The destinations that are open during the storm."""
        destinations: list[Answer] = self.cast["destinations"]
        return destinations[: len(PLACES)]

    def _wish(self, place: Place, rate: float = RATE) -> Answer:
        return {
            "kind": place.kind,
            "name": place.name,
            "url": f"{self.destinations.url}/{place.kind}/{place.name}",
            "token": CANARY.format(place.name),
            "share": place.share,
            "late_apply_window": self.profile.late_at(place.kind) + LATEST,
            "limits": {"rate_per_second": rate, "burst": int(rate * BURST), "slots": 6},
            "open": True,
        }

    def _run(self) -> None:
        self.processes.web()
        self.processes.worker("worker-1")
        self.processes.worker("worker-2", BATON_SKEW=SKEW)
        self.processes.pump()
        self.processes.scheduler()
        self.processes.signer()
        self.processes.await_ready()

    def close_processes(self) -> None:
        """Everything of the product ends, as before a backup is put back."""
        self.people.close()
        self.processes.kill()

    def open_processes(self, **more: str) -> None:
        """Start them again, with these variables of the environment as well."""
        self.processes.env.update(more)
        self.people = People(self.processes, self.history)
        self._exit.callback(self.people.close)
        for process in self.processes.by_name.values():
            process.env = {**process.env, **more}
            process.start()
        self.processes.await_ready()

    # --- doing things on it --------------------------------------------------------------------

    def note(self, what: str, **about: Any) -> None:
        """Write down what the harness did, with the time."""
        self.history.add(at=time.time(), what=what, **about)

    def weather(self, **orders: Any) -> None:
        self.destinations.weather(**orders)
        self.note("weather", **orders)

    def reconnect(self) -> None:
        """A rotated token that was lost with its process is the one thing a coach must mend."""
        if self.database.value(LOST_ACCESS):
            self.people.do("reconnect", sandbox=self.sandbox.url)

    def withdraw_dying(self, crashpoint: str) -> int:
        """A withdrawal whose process dies over it and that is said again; how often one died."""
        destination = self.cast["destinations"][0]
        athlete = self.cast["athletes"][str(destination["athletes"][0])]
        wish = {"athlete": athlete, "destination": destination["id"]}
        with closing(People(self.processes, self.history, crashpoint)) as mortal:
            died = int(mortal.dies("withdraw", **wish))
        self.people.do("withdraw", **wish)
        self.people.do("grant", **wish)
        return died

    def erase(self, number: int) -> None:
        """An athlete asks to be erased; the coach has no more plans for them."""
        self.gone.add(number)
        self.people.do("erase", athlete=self.cast["athletes"][str(number)])

    def erase_dying(self, crashpoint: str) -> int:
        """An erasure whose process dies over it and that is done again; how often one died."""
        if not self.quiet:
            return 0
        number = self.quiet.pop()
        with closing(People(self.processes, self.history, crashpoint)) as mortal:
            died = int(mortal.dies("erase_now", athlete=self.cast["athletes"][str(number)]))
        self.erase(number)
        return died

    def staying(self, athletes: list[int]) -> list[int]:
        return [number for number in athletes if number not in self.gone]

    def decide(self, decision: str, several: int) -> None:
        """So many athletes, always the same, say `grant` or `withdraw` one after the other."""
        destination = self.cast["destinations"][1]
        for number in destination["athletes"][:several]:
            athlete = self.cast["athletes"][str(number)]
            self.people.do(decision, athlete=athlete, destination=destination["id"])

    def rotate_dying(self, crashpoint: str) -> int:
        """Seal everything under the other key and die half-way; 1 when it did."""
        self._keys.reverse()
        env = {"BATON_KEYS": ",".join(self._keys), "BATON_CRASHPOINT": crashpoint}
        done = subprocess.run(
            [str(PYTHON), "manage.py", "rotate_keys", "--batch", "1"],
            cwd=ROOT, env={**self.processes.env, **env}, capture_output=True, check=False,
        )  # fmt: skip
        return int(done.returncode == -signal.SIGKILL)

    @property
    def secrets(self) -> list[str]:
        """What the processes were given to keep to themselves."""
        kept = [self.processes.env[name] for name in SECRET]
        kept.append((self.folder / "checkpoint.key").read_text().strip().split("+", 4)[4])
        return [*kept, *(key.partition(":")[2] for key in self._keys)]

    @property
    def workers(self) -> list[Process]:
        return [self.processes["worker-1"], self.processes["worker-2"]]


class Destinations:
    """The simulators of the destinations, as a process of its own."""

    def __init__(self, folder: Path, seed: int) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        command = [
            sys.executable, "-m", "tests.faults.harness.destinations",
            "--folder", str(folder), "--seed", str(seed),
        ]  # fmt: skip
        self.process = Process(
            "destinations", command, dict(os.environ), folder / "log",
            ready=lambda _: (folder / "port").exists() and bool((folder / "port").read_text()),
        )  # fmt: skip
        self.process.start().await_ready()
        self.url = f"http://127.0.0.1:{(folder / 'port').read_text()}"

    def weather(self, **orders: Any) -> None:
        body = json.dumps(orders).encode()
        asked = urllib.request.Request(f"{self.url}/weather", data=body, method="POST")  # noqa: S310 - our own loopback address
        with urllib.request.urlopen(asked, timeout=30):  # noqa: S310 - our own loopback address
            pass


class People:
    """Coach and athletes, who speak through a process of the test build."""

    def __init__(self, processes: Processes, history: Journal, crashpoint: str = "") -> None:
        self.history = history
        self._turn = threading.Lock()
        log = (processes.folder / "log" / "people.log").open("ab")
        self._process = subprocess.Popen(
            [str(PYTHON), "manage.py", "people"],
            cwd=ROOT, env={**processes.env, "BATON_CRASHPOINT": crashpoint},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
        log.close()

    def do(self, what: str, **how: Any) -> Answer:
        """One command, done or raised as RuntimeError."""
        begun = time.time()
        answer = self._asked(what, how)
        if "error" in answer:
            raise RuntimeError(f"{what}: {answer['error']}")
        if what != "set_up":
            self.history.add(at=answer["at"], what=what, begun=begun, **how)
        done: Answer = answer["ok"]
        return done

    def dies(self, what: str, **how: Any) -> bool:
        """Whether the process died over this command, as it was armed to.

        It lives when somebody else was quicker, and there was nothing left to die over.
        """
        with suppress(BrokenPipeError, json.JSONDecodeError):
            if self._asked(what, how) != GONE:
                return False
        return self._process.wait(30) == -signal.SIGKILL

    def close(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def _asked(self, what: str, how: Answer) -> Answer:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._turn:
            self._process.stdin.write(json.dumps({"do": what, **how}).encode() + b"\n")
            self._process.stdin.flush()
            told = self._process.stdout.readline()
        answer: Answer = json.loads(told) if told else GONE
        return answer
