"""A frozen process is ended, one that only waits or works is not, and a stranger's never."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time

import pytest

from devtools.frozen import Watch

SLEEPS = "import time; time.sleep(60)"
WORKS = "while True: pass"
HOST = socket.gethostname()[:32]


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "baton.sqlite3"
    with sqlite3.connect(path) as made:
        made.execute("PRAGMA journal_mode=WAL")
        made.execute("CREATE TABLE sharing_heartbeat (worker TEXT PRIMARY KEY, beat_at TEXT)")
    return path


@pytest.fixture
def run():
    started = []

    def start(code):
        process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def watched(database, run):
    """A watch over one process, with a clock that the test sets."""

    class Watched:
        def __init__(self, code, *, leads=True):
            self.now, self.process = 0.0, run(code)
            leaders = [self.process.pid] if leads else []
            self.watch = Watch(database, lambda: leaders, clock=lambda: self.now)

        def beats(self, at, host=HOST, thread=0):
            with sqlite3.connect(database) as made:
                made.execute(
                    "REPLACE INTO sharing_heartbeat VALUES (?, ?)",
                    [f"{host}:{self.process.pid}.{thread}", at],
                )

        def looks_at(self, now):
            self.now = now
            return self.watch.look()

    return Watched


def freeze(process):
    """Stopped, once it has begun and used its last time on a processor."""
    time.sleep(0.3)
    os.kill(process.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)


def test_d16_a_process_that_shows_no_sign_of_life_for_half_a_minute_is_ended(watched):
    worker = watched(SLEEPS)
    freeze(worker.process)
    worker.beats("04:00:00")
    assert [worker.looks_at(now) for now in (0, 15, 30)] == [[], [], []]
    assert worker.looks_at(31) == [worker.process.pid]
    assert worker.process.wait(10) == -signal.SIGKILL


def test_a_frozen_writer_does_not_keep_the_watch_from_looking(watched, database):
    code = f"""
import sqlite3, time
held = sqlite3.connect({str(database)!r}, isolation_level=None)
held.execute("BEGIN IMMEDIATE")
open({str(database)!r} + ".held", "w").close()
time.sleep(60)
"""
    worker = watched(code)
    worker.beats("04:00:00")
    deadline = time.monotonic() + 20
    while not database.with_name("baton.sqlite3.held").exists():
        if time.monotonic() > deadline:
            pytest.fail("The writer did not begin.")
        time.sleep(0.02)
    freeze(worker.process)
    worker.looks_at(0)
    assert worker.looks_at(31) == [worker.process.pid]
    worker.process.wait(10)
    with sqlite3.connect(database, timeout=5) as other:
        other.execute("DELETE FROM sharing_heartbeat")


def test_any_thread_that_beats_is_a_sign_of_life(watched):
    worker = watched(SLEEPS)
    freeze(worker.process)
    worker.beats("04:00:00")
    worker.looks_at(0)
    worker.beats("04:00:20", thread=1)
    worker.looks_at(20)
    assert worker.looks_at(45) == []
    assert worker.looks_at(51) == [worker.process.pid]


def test_who_works_without_a_beat_is_left_alone(watched):
    worker = watched(WORKS)
    worker.beats("04:00:00")
    worker.looks_at(0)
    time.sleep(0.3)
    assert worker.looks_at(31) == []
    assert worker.process.poll() is None


@pytest.mark.parametrize("stranger", ["another machine", "another supervisor"])
def test_a_process_of_somebody_else_is_left_alone(watched, stranger):
    worker = watched(SLEEPS, leads=stranger == "another machine")
    freeze(worker.process)
    worker.beats("04:00:00", host="elsewhere" if stranger == "another machine" else HOST)
    worker.looks_at(0)
    assert worker.looks_at(90) == []
    assert worker.process.poll() is None


def test_without_a_database_nobody_is_watched(tmp_path):
    assert Watch(tmp_path / "none.sqlite3", lambda: [os.getpid()]).look() == []
