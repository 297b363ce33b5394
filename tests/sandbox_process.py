"""The sandbox as a process of its own, for as long as a test needs it."""

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

from devtools.processes import dying_with_parent

ROOT = Path(__file__).parents[1]
STARTS_WITHIN = 60.0  # seconds; usually half of one
CLIENT = {"client_id": "baton-sandbox", "client_secret": "baton-sandbox-secret"}


@dataclass(frozen=True)
class Answered:
    """What came back, whatever the status."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode(errors="replace")

    def json(self) -> Any:
        return json.loads(self.content)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object) -> None:
        return None


class SandboxProcess:
    """Free port, database in a directory of its own; `with SandboxProcess() as sandbox:`."""

    def __init__(self, redirect_uri: str = "", database: Path | None = None) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="sandbox-")
        self.database = database or Path(self._directory.name) / "sandbox.sqlite3"
        self.redirect_uri = redirect_uri
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._opener = urllib.request.build_opener(NoRedirect, urllib.request.ProxyHandler({}))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._directory.cleanup()

    def start(self) -> None:
        told = {
            **os.environ,
            "SANDBOX_DATABASE": str(self.database),
            "SANDBOX_REDIRECT_URI": self.redirect_uri,
        }
        command = [sys.executable, "-m", "sandbox", "--port", str(self.port)]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=told,
            preexec_fn=dying_with_parent(),  # noqa: PLW1509 - a killed test leaves no orphan
        )
        give_up = time.monotonic() + STARTS_WITHIN
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > give_up:
                self.stop()
                raise RuntimeError("The sandbox did not start.")
            time.sleep(0.05)

    def stop(self) -> int:
        """End it as a supervisor would; the exit status."""
        if self.process is None:
            return 0
        self.process.terminate()
        try:
            return self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def _answers(self) -> bool:
        try:
            return self.call("GET", "/control/switches").status == 200
        except OSError:
            return False

    # --- talking to it -------------------------------------------------------------------

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answered:
        """One exchange: refusals are answers, too."""
        url = path if path.startswith("http") else self.url + path
        asked = urllib.request.Request(url, data=body, method=method)  # noqa: S310 - the sandbox itself
        for name, value in {"User-Agent": "tests/1", **(headers or {})}.items():
            asked.add_header(name, value)
        try:
            with self._opener.open(asked, timeout=30) as answer:
                return Answered(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answered(error.code, dict(error.headers), error.read())

    def get(self, path: str, **query: object) -> Any:
        return self._good("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, body: object = None) -> Any:
        return self._good("POST", path, body or {})

    def patch(self, path: str, body: object) -> Any:
        return self._good("PATCH", path, body)

    def delete(self, path: str, body: object = None) -> Any:
        return self._good("DELETE", path, body)

    def _good(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        answer = self.call(method, path, data, {"Content-Type": "application/json"})
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.text[:500]}")
        return answer.json() if answer.content else None

    def switch(self, **values: object) -> None:
        self.post("/control/switches", values)

    def journal(self, after: int = 0, **query: object) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.get("/control/journal", after=after, **query)[
            "entries"
        ]
        return entries

    def latest(self) -> int:
        """The journal's newest number: what comes after it is new."""
        return int(self.get("/control/journal/latest")["seq"])

    def wait_for(self, found: Any, seconds: float = 10) -> Any:
        """What `found()` returns once it is something."""
        give_up = time.monotonic() + seconds
        while not (value := found()):
            if time.monotonic() > give_up:
                raise TimeoutError("It did not happen.")
            time.sleep(0.02)
        return value


def free_port() -> int:
    """A port that stays free until somebody asks for it by number.

    The kernel gives a connection that goes out any port from 32768 on, also one that was free a
    moment ago; below that it gives none.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
