"""The product's own processes on servers of the test's choice, each to be hurt by itself."""

import os
import signal
import subprocess
from base64 import b64encode
from pathlib import Path
from typing import Self

from devtools import stack
from devtools.environment import PYTHON, ROOT
from tests.faults.build.aimed import FILE
from tests.faults.servers.ports import HERE
from tests.faults.servers.process import Process
from tests.sandbox_process import free_port

KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "TZ")  # of this machine's environment
ONLY_TASKS = "tests.faults.servers.only_tasks"
WRONG_CLOCK = "tests.faults.servers.wrong_clock"
QUICK = {  # what the product counts in minutes takes seconds here
    "BATON_LEASE_SECONDS": "5",
    "BATON_SEND_DEADLINE": "1.5",
    "BATON_QUIET_PERIOD": "0.2",
    "BATON_MAX_WAIT": "2",
    "BATON_FETCH_SPACING": "0.5",
    "BATON_POLL_EVERY": "5",
    "BATON_PUMP_INTERVAL": "0.3",
    "BATON_PUMP_THREADS": "2",
    "BATON_CHECKPOINT_EVERY": "1",
}


class Processes:
    """`with Processes(folder, database_url=…, redis_url=…, sandbox_url=…) as processes:`.

    `settings` names the Django settings; every other option is a variable of the environment,
    by its own name. Nothing runs until it is asked for.
    """

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str,
        redis_url: str,
        sandbox_url: str,
        web_port: int | None = None,
        settings: str = "config.settings",
        **more: str,
    ) -> None:
        self.folder = folder
        self.web_port = web_port or free_port()
        self.by_name: dict[str, Process] = {}
        self.env = {
            **{name: os.environ[name] for name in KEPT if name in os.environ},
            **_of_the_product(self.web_url, sandbox_url),
            **_of_the_signer(folder),
            **QUICK,
            "DJANGO_SETTINGS_MODULE": settings,
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            **more,
        }
        (folder / "log").mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def __getitem__(self, name: str) -> Process:
        return self.by_name[name]

    @property
    def web_url(self) -> str:
        return f"http://{HERE}:{self.web_port}"

    # --- the processes: each call makes one and starts it --------------------------------------

    def web(self, name: str = "web", code: Path = ROOT, **more: str) -> Process:
        """The pages and hooks; ready when it answers that it lives."""
        live = f"{self.web_url}/live/"
        process = self._made(name, stack.web(self.web_port), more, code)
        process.ready = lambda _: stack.answers(live)
        return process.start()

    def worker(self, name: str = "worker", **more: str) -> Process:
        """A Celery worker of two processes; ready when it listens to the broker."""
        process = self._made(name, [*stack.worker(), "-n", f"{name}@%h"], more)
        process.ready = lambda process: " ready." in process.said_lately()
        return process.start()

    def only_tasks(self, name: str = "only-tasks", **more: str) -> Process:
        """A worker whose own pump delivers nothing: only a call through the broker does."""
        told = [ONLY_TASKS if word == "config" else word for word in stack.worker()]
        process = self._made(name, [*told, "-n", f"{name}@%h"], more)
        process.ready = lambda process: " ready." in process.said_lately()
        return process.start()

    def scheduler(self, name: str = "scheduler", **more: str) -> Process:
        schedule = self.folder / f"{name}.beat"
        return self._made(name, stack.scheduler(schedule), more).start()

    def pump(self, name: str = "pump", code: Path = ROOT, **more: str) -> Process:
        """`manage.py run_pump`: delivers without Celery or a broker."""
        process = self._made(name, [str(PYTHON), "manage.py", "run_pump"], more, code)
        process.ready = lambda process: "pump is running" in process.said_lately()
        return process.start()

    def pump_with_wrong_clock(self, name: str, seconds: float, **more: str) -> Process:
        """A pump whose process takes it to be so much later, or earlier, than it is."""
        command = [str(PYTHON), "-m", WRONG_CLOCK, str(seconds), "run_pump"]
        process = self._made(name, command, more)
        process.ready = lambda process: "pump is running" in process.said_lately()
        return process.start()

    def signer(self, name: str = "signer", **more: str) -> Process:
        """Signs checkpoints of the log and keeps them in the folder."""
        process = self._made(name, stack.signer(), more)
        process.ready = lambda process: "signer is running" in process.said_lately()
        return process.start()

    def await_ready(self) -> Self:
        for process in self.by_name.values():
            process.await_ready()
        return self

    def stop(self, number: signal.Signals = signal.SIGTERM) -> dict[str, int]:
        """End all of them in order; the exit status of each."""
        living = [process for process in self.by_name.values() if process.alive]
        return {process.name: process.stop(number) for process in living}

    def kill(self) -> None:
        for process in self.by_name.values():
            process.kill()

    def fallen(self) -> list[Process]:
        """Those that run no more, whoever ended them."""
        return [process for process in self.by_name.values() if not process.alive]

    def _made(
        self, name: str, command: list[str], more: dict[str, str], code: Path = ROOT
    ) -> Process:
        assert name not in self.by_name, f"There is a {name} already."
        log = self.folder / "log" / f"{name}.log"
        env = {**self.env, FILE: str(self.folder / f"{name}.armed"), **more}
        self.by_name[name] = Process(name, command, env, log, code=code)
        return self.by_name[name]

    # --- commands that end ---------------------------------------------------------------------

    def manage(self, *arguments: str, timeout: float = 180) -> str:
        """What `manage.py …` printed. Raises CalledProcessError when it failed."""
        return self.python("manage.py", *arguments, timeout=timeout)

    def python(self, *arguments: str, timeout: float = 180) -> str:
        done = subprocess.run(
            [str(PYTHON), *arguments],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)}: {done.returncode}\n{done.stderr[-3000:]}")
        return done.stdout


def _of_the_product(web_url: str, sandbox_url: str) -> dict[str, str]:
    return {
        "BATON_SECRETS_FILE": os.devnull,
        "BATON_SECRET_KEY": "faults-" + "k" * 50,
        "BATON_KEYS": "fault1:" + b64encode(bytes(range(32))).decode(),
        "BATON_PUBLIC_URL": web_url,
        "BATON_MARK_FILE": "",
        "BATON_ALLOW_LOOPBACK_DESTINATIONS": "1",
        "TRAININGPEAKS_API_URL": sandbox_url,
        "TRAININGPEAKS_OAUTH_URL": sandbox_url,
        "TRAININGPEAKS_CLIENT_ID": "baton-sandbox",
        "TRAININGPEAKS_CLIENT_SECRET": "baton-sandbox-secret",
        "TRAININGPEAKS_INSECURE_TRANSPORT": "1",
        "TRAININGPEAKS_RATE_PER_SECOND": "200",
        "PYTHONUNBUFFERED": "1",
    }


def _of_the_signer(folder: Path) -> dict[str, str]:
    """Where its files are; the others never open the key."""
    return {
        "BATON_CHECKPOINT_KEY_FILE": str(folder / "checkpoint.key"),
        "BATON_CHECKPOINT_VKEYS_FILE": str(folder / "checkpoint.vkeys"),
        "BATON_CHECKPOINT_MEMORY_FILE": str(folder / "checkpoint.memory"),
        "BATON_ANCHOR_FILE": str(folder / "anchors.jsonl"),
    }
