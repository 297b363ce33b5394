"""The hands of the nemesis count what befell somebody, and go on while too little did."""

import math
import os
import signal
import subprocess
import time
from collections import Counter
from dataclasses import replace
from threading import Lock
from types import SimpleNamespace

import pytest

from tests.faults.harness import hand as hand_module
from tests.faults.harness import hand_on_the_rest, hand_on_workers, sleepers
from tests.faults.harness.hand import fallen
from tests.faults.harness.hand_on_the_rest import HandOnTheRest
from tests.faults.harness.hand_on_workers import HandOnWorkers
from tests.faults.harness.profile import TINY

DIED = "[ERROR] Worker (pid:{}) was sent SIGKILL! Perhaps out of memory?\n"
LOST = "[2026] Process 'ForkPoolWorker-1' pid:{} exited with 'signal 9 (SIGKILL)'\n"


class Fake:
    """A process: what its log says, and what was done to it."""

    name = "fake"

    def __init__(self, *, dies=0, words=DIED):
        self.dies, self.words = dies, words
        self.log = "somebody died of old age\n"
        self.done = Counter()

    def said(self):
        return self.log

    def arm(self, crashpoint):
        self.log += "".join(self.words.format(number) for number in range(self.dies))
        return self

    def await_ready(self):
        return self

    disarm = await_ready

    def asleep(self):
        return True

    def freeze(self):
        self.done["freeze"] += 1

    def thaw(self):
        self.done["thaw"] += 1


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    """Nobody waits for what these processes never do."""
    monkeypatch.setattr(hand_on_the_rest, "A_DEATH", 0.0)
    for wait in ("PAST_THE_LEASE", "AWAKE"):
        monkeypatch.setattr(hand_on_workers, wait, 0.0)


@pytest.fixture
def history():
    return []


@pytest.fixture
def hand(history):
    """`hand(kind, process)`: one whose web and workers are all this process."""

    def made(kind, process, profile=TINY, points=()):
        stage = SimpleNamespace(
            seed=1, profile=profile, processes={"web": process}, workers=[process, process],
            note=lambda what, **about: history.append({"what": what, **about}),
        )  # fmt: skip
        return kind(stage, points, (), Lock())

    return made


@pytest.mark.parametrize("words", [DIED, LOST])
def test_the_fallen_are_those_of_whom_the_log_says_that_they_were_killed(words):
    assert fallen(Fake(dies=3, words=words)) == 0
    assert fallen(Fake(dies=3, words=words).arm("P14:1")) == 3


@pytest.mark.parametrize("times", [0, 1, 5])
def test_as_many_web_deaths_are_counted_as_its_log_tells(times, hand, history):
    rest = hand(HandOnTheRest, Fake(dies=times))
    rest.crash_the_web("P01")
    assert (rest.done["P01"], rest.done["web_kill"], history[0]["times"]) == (times, times, times)
    assert bool(rest.lacking()) == (times == 0)


def test_a_web_that_does_not_die_is_tried_again(hand):
    web = Fake(dies=0)
    rest = hand(HandOnTheRest, web)
    for _ in range(10):
        rest.lacking()()
    assert rest.lacking() is not None
    web.dies = 1
    rest.lacking()()
    assert rest.lacking() is None


@pytest.mark.parametrize(("most", "deaths"), [(1, 2), (2, 4), (math.inf, 20)])
def test_no_more_die_at_each_point_than_may_while_the_storm_lasts(hand, monkeypatch, most, deaths):
    monkeypatch.setattr(hand_module, "LULL", 0.0)
    profile = replace(TINY, web_kills=0, most_per_point=most)
    rest = hand(HandOnTheRest, Fake(dies=1), profile, ("P01", "P02"))
    looks = iter(range(21))
    rest.run(enough=lambda: next(looks) == 20)
    assert rest.done["P01"] + rest.done["P02"] == rest.done["web_kill"] == deaths


@pytest.fixture
def held(monkeypatch):
    """`held(outcome, after=2)`: who is frozen for the third time holds an attempt that ends so, and
    so does who was never frozen and is asleep all the same.
    """

    def given(outcome, *, after=2, ended=60.0):
        def of_it(_, worker):
            busy = worker.done["freeze"] > after or not worker.done["freeze"]
            return ["an-attempt"] if busy else []

        monkeypatch.setattr(sleepers, "held", of_it)
        end = {"outcome": outcome, "settled_at": time.time() + ended}
        monkeypatch.setattr(sleepers, "_ends", lambda _, attempts: [end] * len(attempts))

    return given


def test_a_worker_that_held_nothing_when_it_fell_asleep_falls_asleep_again(hand, history, held):
    held("late_success")
    worker = Fake()
    workers = hand(HandOnWorkers, worker)
    workers.stop_past_the_lease()
    assert (worker.done["freeze"], worker.done["thaw"]) == (3, 3)
    assert (workers.done["stop"], workers.done["fenced"]) == (1, 1)
    (told,) = history
    assert (told["attempts"], told["times"]) == (["an-attempt"], 1)
    assert told["since"] <= told["woke"] <= time.time()


def test_a_worker_that_is_idle_all_the_time_was_never_stopped(hand, history, held, monkeypatch):
    monkeypatch.setattr(hand_on_workers, "BUSY", 0.0)
    held("late_success", after=1_000)
    worker = Fake()
    workers = hand(HandOnWorkers, worker)
    workers.stop_past_the_lease()
    assert (workers.done["stop"], history[0]["attempts"], history[0]["times"]) == (0, [], 0)
    assert worker.done["freeze"] < worker.done["thaw"]
    assert workers.lacking() == workers.stop_past_the_lease


def test_a_worker_that_is_asleep_at_a_point_and_holds_nothing_was_not_stopped(hand, history, held):
    held("late_success")
    workers = hand(HandOnWorkers, Fake())
    workers.stop_at("P11")
    assert workers.done["stop"] == 1
    workers.stage.workers[0].done["freeze"] = 1
    workers.stop_at("P11")
    assert [line["times"] for line in history] == [1, 0]


def test_a_worker_that_fell_asleep_over_a_commit_was_not_stopped(hand, history, held):
    held("success", ended=-0.2)
    workers = hand(HandOnWorkers, Fake())
    workers.stop_past_the_lease()
    assert (workers.done["stop"], history[0]["times"]) == (0, 0)
    assert workers.lacking() == workers.stop_past_the_lease


def test_stops_go_on_until_a_sleeper_was_fenced_off(hand, held):
    held("success", after=0)
    workers = hand(HandOnWorkers, Fake())
    workers.stop_past_the_lease()
    assert workers.lacking() == workers.stop_past_the_lease
    held("late_failure", after=0)
    workers.lacking()()
    assert workers.lacking() != workers.stop_past_the_lease


class Rows:
    """A database that answers with these rows, or not at all."""

    def __init__(self, *rows, error=None):
        self.known, self.error = rows, error

    def rows(self, sql):
        if self.error:
            raise self.error
        return list(self.known)


def leased(identity, worker, until=5.0):
    return {"id": identity, "worker": worker, "lease_until": time.time() + until}


def test_who_was_stopped_by_a_signal_is_asleep_until_it_is_woken():
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    group = SimpleNamespace(pid=process.pid)
    try:
        assert sleepers._asleep(group) == set()
        process.send_signal(signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        assert sleepers._asleep(group) == {process.pid}
        process.send_signal(signal.SIGCONT)
        os.waitpid(process.pid, os.WCONTINUED)
        assert sleepers._asleep(group) == set()
    finally:
        process.kill()
        process.wait()


def test_only_what_is_leased_by_a_process_that_is_asleep_is_held(monkeypatch):
    monkeypatch.setattr(sleepers, "_asleep", lambda worker: {41})
    rows = Rows(
        leased("its", "host:41.0"), leased("called", "host:41.task"), leased("other", "host:412.0"),
        leased("over", "host:41.1", until=-0.1), leased("strange", "nobody"),
    )  # fmt: skip
    assert sleepers.held(SimpleNamespace(database=rows), Fake()) == ["its", "called"]


def test_what_ends_after_who_held_it_fell_asleep_was_slept_over():
    ends = [
        {"outcome": "late_success", "settled_at": 30.1}, {"outcome": "", "settled_at": None},
        {"outcome": "success", "settled_at": 29.9},
    ]  # fmt: skip
    stage = SimpleNamespace(database=Rows(*ends))
    stage.database.identity = str
    assert sleepers.slept_over(stage, ["a", "b", "c"], 30.0) == ["late_success", ""]
    assert sleepers.slept_over(stage, [], 30.0) == []
    assert not sleepers.heard_of(stage, ["a", "b", "c"])
    stage.database.known = ends[::2]
    assert sleepers.heard_of(stage, ["a", "c"])


def test_while_nobody_can_read_nothing_is_known_to_be_held(monkeypatch):
    monkeypatch.setattr(sleepers, "_asleep", lambda worker: {41})
    locked = Rows(error=sleepers.sqlite3.OperationalError("database is locked"))
    assert sleepers.held(SimpleNamespace(database=locked), Fake()) == []
