"""The commands of `dev.py`."""

import shutil
import signal
import subprocess
import threading
from collections.abc import Callable

from devtools import checks, lanes
from devtools.environment import ROOT, VAR, VENV, Problem, prepare, run, say
from devtools.stack import STOP_ORDER, Stack, stack


def main(arguments: list[str]) -> int:
    name, *rest = arguments or ["help"]
    command = COMMANDS.get(name)
    if command is None:
        say(f"Commands: {', '.join(COMMANDS)}.")
        return 2
    try:
        return command(rest)
    except Problem as problem:
        say(str(problem))
        return 1
    except KeyboardInterrupt:
        return 130


def setup(_: list[str]) -> int:
    prepare()
    say("Ready. `make demo` shows Baton at work; `make test` runs the tests.")
    return 0


def up(_: list[str]) -> int:
    """Everything on this machine, with data that stays, until Ctrl-C."""
    prepare()
    here = stack("local")
    return _serve(here, lambda: _addresses(here))


def demo(_: list[str]) -> int:
    prepare()
    here = _fresh_demo()
    return _serve(here, lambda: _story(here, "--stay"), then=lambda: _addresses(here))


def demo_once(_: list[str]) -> int:
    prepare()
    return _serve(_fresh_demo(), once=True)


def _fresh_demo() -> Stack:
    """The demo begins anew each time, and never touches anybody's own data."""
    here = stack("demo")
    shutil.rmtree(here.data, ignore_errors=True)
    return here


def _serve(
    here: Stack,
    story: Callable[[], int | None] | None = None,
    *,
    then: Callable[[], None] | None = None,
    once: bool = False,
) -> int:
    """Start the processes, tell the story, and stay until somebody ends it."""
    here.check_ports()
    here.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    environment = here.environment()
    say("Preparing the database …")
    if here.database_url.endswith("_demo") and run(
        "-m", "devtools.demo_database", here.database_url
    ):
        raise Problem("The demo's database could not be made: check DATABASE_URL.")
    if run("manage.py", "migrate", "--verbosity", "0", env=environment):
        raise Problem("The database could not be prepared.")
    supervisor = here.supervisor()
    stopped = _on_signals()
    try:
        say("Starting broker, sandbox, web, worker and scheduler …")
        supervisor.start()
        if once:
            return _story(here)
        code = (story() or 0) if story else 0
        if then:
            then()
        say("Ctrl-C stops everything.")
        stopped.wait()
        return code
    finally:
        say("Stopping …")
        supervisor.stop(STOP_ORDER)


def _on_signals() -> threading.Event:
    stopped = threading.Event()

    def stop(*_: object) -> None:
        stopped.set()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return stopped


def _story(here: Stack, *options: str) -> int:
    command = ("manage.py", "demo", "--sandbox-url", here.sandbox_url, *options)
    return run(*command, env=here.environment())


def _addresses(here: Stack) -> None:
    say(f"""
  Baton            {here.web_url}/
  TrainingPeaks    {here.sandbox_url}/    (sandbox: edit a calendar, watch it travel)
  API              {here.web_url}/api/docs/
  Logs             {(here.data / "log").relative_to(ROOT)}/
""")


def test(arguments: list[str]) -> int:
    prepare()
    return lanes.run(arguments)


def check(_: list[str]) -> int:
    prepare()
    return checks.run()


def lock(_: list[str]) -> int:
    """Refresh the hash-locked requirements from the .in files. Needs uv."""
    prepare()
    uv = shutil.which("uv") or str(VENV / "bin" / "uv")
    common = ["pip", "compile", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--quiet"]  # fmt: skip  # noqa: E501 - one command, read as one
    for extra, source, target in (
        ([], "requirements.in", "requirements.lock"),
        (["-c", "requirements.lock"], "requirements-dev.in", "requirements-dev.lock"),
    ):
        subprocess.run([uv, *common, *extra, source, "-o", target], cwd=ROOT, check=True)
    return 0


def clean(_: list[str]) -> int:
    """Forget the demo and the caches. Your own data under var/local and the secrets stay."""
    for path in (VAR / "demo", ROOT / ".mypy_cache", ROOT / ".ruff_cache", ROOT / ".pytest_cache"):
        shutil.rmtree(path, ignore_errors=True)
    return 0


def manage(arguments: list[str]) -> int:
    """`manage.py` with the local stack's settings."""
    prepare()
    return run("manage.py", *arguments, env=stack("local").environment())


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "setup": setup,
    "up": up,
    "demo": demo,
    "demo-once": demo_once,
    "test": test,
    "check": check,
    "lock": lock,
    "clean": clean,
    "manage": manage,
}
