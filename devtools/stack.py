"""What runs on this machine: broker, sandbox, web, worker, scheduler and signer, and what they are
told.
"""

import os
import socket
import urllib.error
import urllib.request
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from devtools import broker
from devtools.environment import PYTHON, SECRETS, VAR, Problem
from devtools.supervisor import Program, Supervisor

DEMO = "demo"
STOP_ORDER = ["scheduler", "web", "worker", "signer", "sandbox", "broker"]


@dataclass(frozen=True)
class Stack:
    """One set of processes with its own data directory and ports."""

    data: Path
    web_port: int
    sandbox_port: int

    @property
    def web_url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    @cached_property
    def socket_file(self) -> Path:
        return broker.socket_path(self.data)

    @property
    def is_demo(self) -> bool:
        return self.data.name == DEMO

    @property
    def own_database(self) -> bool:
        """Whether a database server holds one that is the demo's alone, to be made anew."""
        return self.is_demo and _on_server(os.environ.get("DATABASE_URL", ""))

    @property
    def database_url(self) -> str:
        """The demo never touches anybody's own database: on a server it has one beside it."""
        given = os.environ.get("DATABASE_URL", "")
        if self.own_database:
            parts = urlsplit(given)
            return urlunsplit(parts._replace(path=f"{parts.path}_demo"))
        if given and not self.is_demo:
            return given
        return f"sqlite:///{self.data / 'baton.sqlite3'}"

    def environment(self) -> dict[str, str]:
        """Pointed at the sandbox, quick enough to watch, unless this machine says otherwise."""
        told = {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "BATON_SECRETS_FILE": str(SECRETS),
            "BATON_PUBLIC_URL": self.web_url,
            "TRAININGPEAKS_API_URL": self.sandbox_url,
            "TRAININGPEAKS_OAUTH_URL": self.sandbox_url,
            "TRAININGPEAKS_CLIENT_ID": "baton-sandbox",
            "TRAININGPEAKS_CLIENT_SECRET": "baton-sandbox-secret",
            "TRAININGPEAKS_INSECURE_TRANSPORT": "1",
            "TRAININGPEAKS_RATE_PER_SECOND": "50",
            "BATON_ALLOW_LOOPBACK_DESTINATIONS": "1",
            "BATON_QUIET_PERIOD": "1",
            "BATON_MAX_WAIT": "5",
            "BATON_FETCH_SPACING": "1",
            "BATON_POLL_EVERY": "60",
            "BATON_LEASE_SECONDS": "20",
            "BATON_SEND_DEADLINE": "6",
            "BATON_CHECKPOINT_KEY_FILE": str(self._keys / "checkpoint.key"),
            "BATON_CHECKPOINT_VKEYS_FILE": str(self._keys / "checkpoint.vkeys"),
            "BATON_CHECKPOINT_MEMORY_FILE": str(self.data / "checkpoint.memory"),
            "BATON_ANCHOR_FILE": str(self.data / "anchors.jsonl"),
            "SANDBOX_DATABASE": str(self.data / "sandbox.sqlite3"),
            "SANDBOX_REDIRECT_URI": f"{self.web_url}/connections/trainingpeaks/callback/",
            "PYTHONUNBUFFERED": "1",
        }
        if not self.is_demo:
            told |= {name: os.environ[name] for name in told if os.environ.get(name)}
        told["DATABASE_URL"] = self.database_url
        told["REDIS_URL"] = os.environ.get("REDIS_URL") or broker.url(self.socket_file)
        return told

    @property
    def _keys(self) -> Path:
        """Beside the other secrets; the demo's log begins anew each time, and so does its key."""
        return self.data if self.is_demo else SECRETS.parent

    def supervisor(self) -> Supervisor:
        told, file = self.environment(), "sqlite:///"
        url = told["DATABASE_URL"]
        database = Path(url.removeprefix(file)) if url.startswith(file) else None
        return Supervisor(self._programs(), told, self.data / "log", database=database)

    def _programs(self) -> list[Program]:
        own_broker = [] if os.environ.get("REDIS_URL") else [self._broker()]
        return [
            *own_broker,
            Program(
                "sandbox",
                [str(PYTHON), "-m", "sandbox", "--port", str(self.sandbox_port)],
                ready=lambda: answers(f"{self.sandbox_url}/v1/info/version"),
            ),
            Program("web", web(self.web_port), ready=lambda: answers(f"{self.web_url}/live/")),
            Program("worker", worker()),
            Program("scheduler", scheduler(self.data / "beat")),
            Program("signer", signer()),
        ]

    def _broker(self) -> Program:
        return Program(
            "broker",
            broker.command(self.socket_file, self.data / "broker"),
            ready=lambda: broker.answers(self.socket_file),
        )

    def end_old_broker(self) -> None:
        if not os.environ.get("REDIS_URL"):
            broker.shut_down(self.socket_file)

    def check_ports(self) -> None:
        if self.web_port == self.sandbox_port:
            raise Problem("BATON_PORT and SANDBOX_PORT are the same: set one to another port.")
        taken = {"BATON_PORT": self.web_port, "SANDBOX_PORT": self.sandbox_port}
        for name, port in taken.items():
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except PermissionError:
                    raise Problem(
                        f"Port {port} is not for everybody: set {name} above 1023."
                    ) from None
                except OSError:
                    raise Problem(f"Port {port} is taken: set {name} to another one.") from None


def web(port: int) -> list[str]:
    """How the pages and the hooks are served."""
    return [
        str(PYTHON), "-m", "gunicorn", "config.wsgi:application", "--bind", f"127.0.0.1:{port}",
        "--worker-class", "gthread", "--workers", "1", "--threads", "8",
    ]  # fmt: skip


def worker() -> list[str]:
    """How a worker runs: two processes, each with a pump of its own."""
    return [
        str(PYTHON), "-m", "celery", "-A", "config", "worker",
        "-P", "prefork", "-c", "2", "--loglevel", "INFO", "--without-mingle",
    ]  # fmt: skip


def scheduler(schedule: Path) -> list[str]:
    """How the scheduler runs; it keeps its own time in this file."""
    return [
        str(PYTHON), "-m", "celery", "-A", "config", "beat", "--loglevel", "WARNING",
        "--schedule", str(schedule), "--pidfile=",
    ]  # fmt: skip


def signer() -> list[str]:
    """How checkpoints of the audit log are signed, by a process apart."""
    return [str(PYTHON), "manage.py", "sign_checkpoints"]


def stack(name: str) -> Stack:
    return Stack(VAR / name, _port("BATON_PORT", "8000"), _port("SANDBOX_PORT", "8765"))


def _port(name: str, default: str) -> int:
    given = os.environ.get(name) or default
    if not given.isdecimal() or not 0 < int(given) < 65_536:
        raise Problem(f"{name} is {given!r}: set it to a port, 1 to 65535.")
    return int(given)


def _on_server(url: str) -> bool:
    return url.startswith("postgres")


def answers(url: str) -> bool:
    """Whether something that is not a failure answers there."""
    request = urllib.request.Request(url, headers={"User-Agent": "Baton-supervisor/1"})  # noqa: S310 - our own loopback address
    try:
        with urllib.request.urlopen(request, timeout=2) as answer:  # noqa: S310 - our own loopback address
            return bool(answer.status < 500)
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False
