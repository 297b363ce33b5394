"""Processes start together, come back when they fall, stop in order, and leave nobody behind."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from devtools.environment import ROOT, Problem
from devtools.supervisor import Program, Supervisor

SLEEPS = "import time; time.sleep(60)"
PATIENCE = 20.0  # seconds


def python(code):
    return [sys.executable, "-c", textwrap.dedent(code)]


def notes_its_end(name, journal):
    """A program that writes its name when it is asked to end."""
    return python(f"""
        import signal, sys, time
        def end(*_):
            with open({str(journal)!r}, "a") as file:
                file.write({name!r} + "\\n")
            sys.exit(0)
        signal.signal(signal.SIGTERM, end)
        open({str(journal)!r} + "-{name}", "w").close()
        time.sleep(60)
    """)


def until(reached, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if reached():
            return True
        time.sleep(0.02)
    return False


def gone(pid):
    """Ended, or only waiting for somebody to read its exit status."""
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - a file of the kernel
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.fixture
def supervise(tmp_path):
    made = []

    def start(*programs):
        supervisor = Supervisor(list(programs), {}, tmp_path / "log")
        made.append(supervisor)
        return supervisor

    yield start
    for supervisor in made:
        supervisor.stop([])


def test_programs_stop_in_the_order_that_is_asked_for(supervise, tmp_path):
    journal = tmp_path / "ends"
    names = ["broker", "web", "scheduler"]
    supervisor = supervise(
        *(
            Program(
                name,
                notes_its_end(name, journal),
                ready=lambda name=name: (tmp_path / f"ends-{name}").exists(),
            )
            for name in names
        )
    )
    supervisor.start()
    supervisor.stop(["scheduler", "web", "broker"])
    assert journal.read_text().split() == ["scheduler", "web", "broker"]


def test_a_program_that_falls_is_started_again(supervise):
    program = Program("worker", python(SLEEPS))
    supervise(program).start()
    first = program.process.pid
    os.kill(first, signal.SIGKILL)
    assert until(lambda: program.process.pid != first and program.alive())


def test_one_that_keeps_falling_does_not_hold_up_the_others(supervise):
    program, falling = Program("worker", python(SLEEPS)), Program("web", python(SLEEPS))
    supervise(falling, program).start()
    falling.falls = 10
    os.kill(falling.process.pid, signal.SIGKILL)
    assert until(lambda: falling.again_at is not None)
    first = program.process.pid
    os.kill(first, signal.SIGKILL)
    assert until(lambda: program.process.pid != first and program.alive(), patience=5)


def test_the_pool_of_a_killed_worker_goes_with_it(supervise, tmp_path):
    pool = tmp_path / "pool"
    code = f"""
        import pathlib, subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        pathlib.Path({str(pool)!r}).write_text(str(child.pid))
        time.sleep(60)
    """
    program = Program("worker", python(code), ready=lambda: pool.exists() and pool.read_text())
    supervise(program).start()
    child = int(pool.read_text())
    os.kill(program.process.pid, signal.SIGKILL)
    assert until(lambda: gone(child))


def test_a_program_started_again_is_stopped_like_the_others(supervise):
    program = Program("worker", python(SLEEPS))
    supervisor = supervise(program)
    supervisor.start()
    first = program.process.pid
    os.kill(first, signal.SIGKILL)
    assert until(lambda: program.process.pid != first and program.alive())
    supervisor.stop(["worker"])
    assert program.process.returncode == -signal.SIGTERM
    assert gone(program.process.pid)


def test_a_program_that_will_not_end_is_ended(supervise):
    code = """
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print(1, flush=True)
        time.sleep(60)
    """
    program = Program("stubborn", python(code), patience=PATIENCE)
    supervisor = supervise(program)
    program.ready = lambda: "1" in (supervisor.logs / "stubborn.log").read_text()
    supervisor.start()
    program.patience = 0.2
    supervisor.stop([])
    assert program.process.returncode == -signal.SIGKILL


def test_a_program_that_cannot_start_says_why_and_the_others_are_ended(supervise):
    good = Program("broker", python(SLEEPS))
    bad = Program("web", python("raise SystemExit('no such setting')"), ready=lambda: False)
    supervisor = supervise(good, bad)
    with pytest.raises(Problem, match="web did not start:\nno such setting"):
        supervisor.start()
    supervisor.stop([])
    assert gone(good.process.pid)


def test_nobody_outlives_a_supervisor_that_is_killed(tmp_path):
    pids = tmp_path / "pids"
    code = f"""
        import pathlib, sys, time
        from devtools.supervisor import Program, Supervisor
        program = Program("worker", [sys.executable, "-c", {SLEEPS!r}])
        Supervisor([program], {{}}, pathlib.Path({str(tmp_path)!r}) / "log").start()
        pathlib.Path({str(pids)!r}).write_text(str(program.process.pid))
        time.sleep(60)
    """
    parent = subprocess.Popen(python(code), cwd=ROOT)
    assert until(lambda: pids.exists() and pids.read_text())
    parent.kill()
    parent.wait()
    assert until(lambda: gone(int(pids.read_text())))
