"""`make test`: the embedded default first, then PostgreSQL and Redis where they answer."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from devtools import broker
from devtools.environment import PYTHON, ROOT, say

LOCAL_POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres"
LOCAL_REDIS = "redis://127.0.0.1:6379/15"
NOT_ON_SERVERS = ["tests/plans", "tests/devtools", "tests/architecture", "tests/sandbox"]


def run(arguments: list[str]) -> int:
    """Run every lane that can run here; say at the end what ran where, and what did not."""
    said: list[str] = []
    results = {}
    if "--pg" not in arguments:
        results["embedded"] = _embedded(arguments)
        said.append("Embedded (SQLite, Valkey): every test.")
    rest = [argument for argument in arguments if argument != "--pg"]
    results |= _servers(rest, said)
    if shutil.which("chromium") is None:
        said.append("!! BROWSER TESTS WERE SKIPPED: there is no Chromium on this machine. !!")
    say("\n" + "\n".join(said))
    for lane, code in results.items():
        say(f"{lane}: {'passed' if code == 0 else f'FAILED (exit {code})'}")
    return max(results.values(), default=1)


def _embedded(arguments: list[str]) -> int:
    with (
        tempfile.TemporaryDirectory(prefix="baton-test-") as scratch,
        _valkey(Path(scratch)) as url,
    ):
        return _pytest(arguments, {"REDIS_URL": url, "DATABASE_URL": ""})


def _servers(arguments: list[str], said: list[str]) -> dict[str, int]:
    database = os.environ.get("DATABASE_URL") or LOCAL_POSTGRES
    redis = os.environ.get("REDIS_URL") or LOCAL_REDIS
    if not database.startswith("postgres"):
        said.append("PostgreSQL and Redis: not run (DATABASE_URL is not PostgreSQL).")
        return {}
    missing = [name for name, url in (("PostgreSQL", database), ("Redis", redis)) if not _up(url)]
    if missing:
        said.append(f"PostgreSQL and Redis: not run ({' and '.join(missing)} did not answer).")
        return {}
    ignored = [f"--ignore={path}" for path in NOT_ON_SERVERS]
    code = _pytest(
        [*ignored, "-m", "not browser", *arguments], {"DATABASE_URL": database, "REDIS_URL": redis}
    )
    said.append("PostgreSQL and Redis: database and worker tests.")
    return {"PostgreSQL and Redis": code}


def _pytest(arguments: list[str], env: dict[str, str]) -> int:
    merged = {**os.environ, **env}
    merged = {name: value for name, value in merged.items() if value}
    command = [str(PYTHON), "-m", "pytest", "-q", *arguments]
    return subprocess.run(command, cwd=ROOT, env=merged, check=False).returncode


@contextmanager
def _valkey(data: Path) -> Iterator[str]:
    socket_file = broker.socket_path(data)
    server = subprocess.Popen(broker.command(socket_file, data), stdout=subprocess.DEVNULL)
    try:
        yield broker.url(socket_file)
    finally:
        server.terminate()
        server.wait(10)


def _up(url: str) -> bool:
    parts = urlsplit(url)
    default = 5432 if parts.scheme.startswith("postgres") else 6379
    if parts.hostname is None:
        return True
    try:
        with socket.create_connection((parts.hostname, parts.port or default), timeout=1):
            return True
    except OSError:
        return False
