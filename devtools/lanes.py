"""`make test`: the embedded default first, then PostgreSQL and Redis where they answer."""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from devtools import broker, outcome
from devtools.environment import PYTHON, ROOT, Problem
from devtools.outcome import Outcome
from devtools.processes import dying_with_parent

LOCAL_POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres"
LOCAL_REDIS = "redis://127.0.0.1:6379/15"
NOT_ON_SERVERS = [  # what never asks a database
    "tests/plans", "tests/devtools", "tests/architecture", "tests/sandbox", "tests/contracts",
    "tests/destinations/adapters", "tests/destinations/http",
]  # fmt: skip
OF_THE_PRODUCT = ("BATON_", "TRAININGPEAKS_", "SANDBOX_", "EMAIL_URL", "BROKER_URL", "DJANGO_")
ABOUT_THE_MACHINE = {"BATON_CHROMIUM"}
SIDE_BY_SIDE = ["-n", "2"]
IN_GROUPS = ["--dist", "loadgroup"]  # whoever shares a stage or a database stays together
STARTS_WITHIN = 10.0  # seconds, for the embedded broker


@dataclass
class Lane:
    """One choice of servers, the pytest calls made on it, and what came of them."""

    name: str
    env: dict[str, str]
    calls: list[list[str]]
    outcomes: list[Outcome] = field(default_factory=list)

    def run(self) -> None:
        for number, arguments in enumerate(self.calls, 1):
            tell(f"\n=== {self.name}, {number} of {len(self.calls)}: pytest {' '.join(arguments)}")
            self.outcomes.append(_pytest(arguments, self.env))

    @property
    def passed(self) -> bool:
        return all(made.passed for made in self.outcomes)


def tell(text: str) -> None:
    """What ran where is this command's own output."""
    print(text, flush=True)


def run(arguments: list[str]) -> int:
    """Run every lane that can run here; say at the end what ran where, and what did not.

    With arguments for pytest only those tests run, on the embedded lane; `--pg` chooses the
    servers instead.
    """
    servers_only = "--pg" in arguments
    chosen = [argument for argument in arguments if argument != "--pg"]
    wanted = servers_only or os.environ.get("DATABASE_URL", "").startswith("postgres")
    why_not = _servers_trouble() if servers_only or not chosen else "Add --pg to run these there."
    lanes = [] if servers_only else [_embedded(chosen, last=bool(why_not))]
    if not why_not:
        lanes.append(_on_servers(chosen))
    tell(_closing(lanes, why_not))
    missed = bool(why_not) and wanted and (servers_only or not chosen)
    return 0 if all(lane.passed for lane in lanes) and not missed else 1


def _closing(lanes: list[Lane], why_not: str) -> str:
    """The last lines: what ran where."""
    lines = [""]
    for lane in lanes:
        lines += [f"{lane.name}: {made.words()}" for made in lane.outcomes]
    skipped = sum(made.browser_skipped for lane in lanes for made in lane.outcomes)
    if skipped:
        lines.append(
            f"!! {skipped} BROWSER TESTS WERE SKIPPED: no Chromium. Install /usr/bin/chromium, "
            "or name one in BATON_CHROMIUM. !!"
        )
    if why_not:
        lines.append(f"PostgreSQL and Redis: not run. {why_not}")
    return "\n".join(lines)


def _embedded(chosen: list[str], *, last: bool) -> Lane:
    only = [] if last else ["not in_one_lane"]
    with tempfile.TemporaryDirectory(prefix="baton-") as scratch, _valkey(Path(scratch)) as url:
        env = {"REDIS_URL": url, "DATABASE_URL": "", "BATON_TEST_DB": "lane"}
        lane = Lane("SQLite and Valkey", env, _calls(chosen, [], *only))
        lane.run()
    return lane


def _on_servers(chosen: list[str]) -> Lane:
    ignored = [] if chosen else [f"--ignore={path}" for path in NOT_ON_SERVERS]
    env = {"DATABASE_URL": _database(), "REDIS_URL": _redis()}
    lane = Lane("PostgreSQL and Redis", env, _calls(chosen, ignored, "not browser"))
    lane.run()
    return lane


def _calls(chosen: list[str], more: list[str], *only: str) -> list[list[str]]:
    """Tests that start processes of their own run by themselves, after the others."""
    if chosen:
        return [chosen]
    quick, slow = " and ".join(["not processes", *only]), " and ".join(["processes", *only])
    return [
        [*SIDE_BY_SIDE, "-m", quick, *more],
        [*SIDE_BY_SIDE, *IN_GROUPS, "-m", slow, *more],
    ]


def _database() -> str:
    return os.environ.get("DATABASE_URL") or LOCAL_POSTGRES


def _redis() -> str:
    return os.environ.get("REDIS_URL") or LOCAL_REDIS


def _servers_trouble() -> str:
    """Why the tests cannot run on servers here; empty when they can."""
    database, cache = _database(), _redis()
    if not database.startswith("postgres"):
        return "DATABASE_URL is not PostgreSQL."
    missing = [name for name, url in (("PostgreSQL", database), ("Redis", cache)) if not _up(url)]
    if missing:
        return f"{' and '.join(missing)} did not answer."
    look = [str(PYTHON), "-m", "devtools.servers", database, cache]
    done = subprocess.run(look, cwd=ROOT, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip() if done.returncode else ""


def _up(url: str) -> bool:
    parts = urlsplit(url)
    default = 5432 if parts.scheme.startswith("postgres") else 6379
    if parts.hostname is None:
        return True  # a socket in the file system: the clients know how to ask
    try:
        with socket.create_connection((parts.hostname, parts.port or default), timeout=1):
            return True
    except OSError:
        return False


def _pytest(arguments: list[str], env: dict[str, str]) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="baton-") as scratch:
        report = Path(scratch) / "report.xml"
        command = [str(PYTHON), "-m", "pytest", "-q", f"--junitxml={report}", *arguments]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=_clean(os.environ) | {name: value for name, value in env.items() if value},
            check=False,
            preexec_fn=dying_with_parent(),
        )
        return outcome.read(report, done.returncode)


def _clean(environment: Mapping[str, str]) -> dict[str, str]:
    """Without the product's settings of this machine: the tests bring their own."""
    return {
        name: value
        for name, value in environment.items()
        if name in ABOUT_THE_MACHINE
        or not name.startswith((*OF_THE_PRODUCT, "DATABASE_URL", "REDIS_URL"))
    }


@contextmanager
def _valkey(data: Path) -> Iterator[str]:
    socket_file = broker.socket_path(data)
    server = subprocess.Popen(
        broker.command(socket_file, data),
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=dying_with_parent(),  # noqa: PLW1509 - Linux's own way to leave no orphan
    )
    try:
        _await(server, socket_file)
        yield broker.url(socket_file)
    finally:
        server.terminate()
        server.wait(10)


def _await(server: "subprocess.Popen[bytes]", socket_file: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while not broker.answers(socket_file):
        if server.poll() is not None or time.monotonic() > deadline:
            raise Problem("The embedded broker did not start.")
        time.sleep(0.05)
