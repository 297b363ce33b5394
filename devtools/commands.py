"""The commands of `dev.py`."""

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from types import FrameType

from devtools import checks, lanes
from devtools.environment import ROOT, VAR, VENV, Problem, prepare, run, say
from devtools.processes import held
from devtools.stack import STOP_ORDER, Stack, stack


def main(arguments: list[str]) -> int:
    name, *rest = arguments or ["help"]
    command = COMMANDS.get(name)
    if command is None:
        say(f"Commands: {', '.join(COMMANDS)}.")
        return 2
    _listen_for_the_end()
    _keep_what_was_compiled()
    try:
        return command(rest)
    except Problem as problem:
        say(str(problem))
        return 1
    except KeyboardInterrupt as ended:
        return 128 + next(iter(ended.args), int(signal.SIGINT))


def _listen_for_the_end() -> None:
    """Ctrl-C, a polite kill and a closed terminal all take the same way out."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
        signal.signal(signal.SIGHUP, _end)


def _end(number: int, _: FrameType | None) -> None:
    _let_nothing_interrupt()
    raise KeyboardInterrupt(number)


def _let_nothing_interrupt() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _keep_what_was_compiled() -> None:
    """Also where Python leaves no files by default: a fifth of the start of each process was spent
    on compiling Baton, and the tests start hundreds.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


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
    here = stack("demo")
    return _serve(here, lambda: _story(here, "--stay"), then=lambda: _addresses(here))


def demo_once(_: list[str]) -> int:
    prepare()
    return _serve(stack("demo"), once=True)


def _serve(
    here: Stack,
    story: Callable[[], int | None] | None = None,
    *,
    then: Callable[[], None] | None = None,
    once: bool = False,
) -> int:
    """Start the processes, tell the story, and stay until somebody ends it."""
    with held(VAR / f"{here.data.name}.lock") as alone:
        if not alone:
            raise Problem(f"It runs already, with the data in {here.data}: stop that one first.")
        here.check_ports()
        _prepare_data(here)
        supervisor = here.supervisor()
        try:
            say("Starting broker, sandbox, web, worker, scheduler and signer …")
            supervisor.start()
            if once:
                return _story(here)
            code = (story() or 0) if story else 0
            if then:
                then()
            _stay()
            return code
        finally:
            _let_nothing_interrupt()
            say("Stopping …")
            supervisor.stop(STOP_ORDER)


def _prepare_data(here: Stack) -> None:
    """The demo begins anew each time; everybody else's data is only brought up to date."""
    say("Preparing the database …")
    here.end_old_broker()
    if here.is_demo:
        shutil.rmtree(here.data, ignore_errors=True)
    here.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if here.own_database and run("-m", "devtools.demo_database", here.database_url):
        raise Problem("The demo's database could not be made: check DATABASE_URL.")
    if run("manage.py", "migrate", "--verbosity", "0", env=here.environment()):
        raise Problem("The database could not be prepared.")


def _stay() -> None:
    """Being ended is what this waits for, so it is no failure."""
    try:
        say("Ctrl-C stops everything.")
        threading.Event().wait()
    except KeyboardInterrupt:
        return


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


def faults(arguments: list[str]) -> int:
    """Real processes that are really killed, judged by the promises; `--help` tells how."""
    prepare()
    return run("-m", "tests.faults.harness", *arguments)


def faults_controls(arguments: list[str]) -> int:
    """Every sabotage of the engine must turn `faults` red."""
    prepare()
    return run("-m", "tests.faults.harness.controls", *arguments)


def check(_: list[str]) -> int:
    prepare()
    return checks.run()


def lock(_: list[str]) -> int:
    """Refresh the hash-locked requirements from the .in files. Needs uv."""
    prepare()
    uv = shutil.which("uv") or shutil.which("uv", path=VENV / "bin")
    if uv is None:
        raise Problem("uv refreshes the lock, and is not here: install it first.")
    common = ["pip", "compile", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--quiet"]  # fmt: skip  # noqa: E501 - one command, read as one
    for extra, source, target in (
        ([], "requirements.in", "requirements.lock"),
        (["-c", "requirements.lock"], "requirements-dev.in", "requirements-dev.lock"),
    ):
        subprocess.run([uv, *common, *extra, source, "-o", target], cwd=ROOT, check=True)
    return 0


def clean(_: list[str]) -> int:
    """Forget the demo and the caches. Your own data under var/local and the secrets stay."""
    with held(VAR / "demo.lock") as alone:
        if not alone:
            raise Problem("The demo is running: stop it first.")
        shutil.rmtree(VAR / "demo", ignore_errors=True)
    for path in (ROOT / ".mypy_cache", ROOT / ".ruff_cache", ROOT / ".pytest_cache"):
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
    "faults": faults,
    "faults-controls": faults_controls,
    "check": check,
    "lock": lock,
    "clean": clean,
    "manage": manage,
}
