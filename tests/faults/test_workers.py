"""F01 to F08: real workers, web processes, pumps and schedulers that are killed or ended.

One stage for all of them: each fault has to be over, without anybody's help, for the next one.
How soon an edit is there (F05) is told, and is a figure of docs/faults.md:

python -m pytest -q -s -n 0 tests/faults/test_workers.py -k F05
"""

import math
import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import pytest

from tests.faults.servers.processes import QUICK
from tests.faults.servers.stage import Stage
from tests.faults.servers.waiting import until

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("stage")]

LEASE = float(QUICK["BATON_LEASE_SECONDS"])
GOES_ON_WITHIN = LEASE + 5.0  # seconds after a worker's death (G4)
DRAINS_WITHIN = 30.0
ARRIVES_WITHIN = 30.0  # seconds from an edit to its effect, on a machine however slow
THREADS = 8  # of two pumps and of a worker's two processes
PERIODS = 3
WAITED = 4  # calls, of six plans that were changed
UNEVEN = 1.0  # seconds that one call may take longer to arrive than another one
KILLS = 3


@dataclass
class Cast:
    """Who is on the stage in a test; everybody else waits in the wings."""

    stage: Stage

    def __getitem__(self, name):
        return self.stage.processes[name]

    def enter(self, *names):
        """These run and are ready, and nobody else."""
        for name, process in self.stage.processes.by_name.items():
            if name not in names:
                process.kill()
            elif not process.alive:
                process.start()
        for name in names:
            self[name].await_ready()


@pytest.fixture(scope="module")
def stage(template, tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("workers"), template) as stage:
        yield stage


@pytest.fixture(scope="module")
def cast(stage):
    processes = stage.processes
    for make in (processes.web, processes.worker, processes.pump, processes.scheduler):
        make()
    processes.pump("pump-2")
    processes.scheduler("scheduler-2")
    processes.await_ready()
    return Cast(stage)


def test_F06_two_schedulers_two_pumps_and_a_worker_run_each_job_once_a_period(stage, cast):
    """Eight threads look for jobs, and tasks besides. An epoch counts a job's runs: no more of them
    than its own periods have begun, and the quickest goes on in each.
    """
    beats = dict(heartbeats(stage))
    cast.enter("web", "worker", "pump", "pump-2", "scheduler", "scheduler-2")
    until(lambda: all(every for _, every in jobs(stage).values()), seconds=GOES_ON_WITHIN)
    until(lambda: len(heartbeats(stage) - beats.items()) >= THREADS, seconds=DRAINS_WITHIN)
    before, began = jobs(stage), time.monotonic()
    quickest = min(before, key=lambda name: before[name][1])
    stage.change(12)
    until(
        lambda: jobs(stage)[quickest][0] - before[quickest][0] >= PERIODS,
        seconds=PERIODS * before[quickest][1] + GOES_ON_WITHIN,
        why=f"{quickest} does not run.",
    )
    stage.settle()
    after, took = jobs(stage), time.monotonic() - began
    for name, (runs, every) in after.items():
        assert runs - before[name][0] <= 1 + took / every, name
    stage.assert_promises_kept()


def heartbeats(stage):
    """Which threads have beaten, and when last."""
    return set(stage.ask("SELECT worker, beat_at FROM sharing_heartbeat"))


def jobs(stage):
    """How often each job has begun, and its period in seconds; None before its first success."""
    rows = stage.ask("SELECT name, epoch, last_ok_at, next_run_at FROM sharing_periodicjob")
    return {
        name: (epoch, last_ok and (moment(following) - moment(last_ok)).total_seconds())
        for name, epoch, last_ok, following in rows
    }


def moment(value):
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def test_F01_a_worker_killed_at_any_time_costs_a_lease_at_most(stage, cast):
    cast.enter("web", "pump", "pump-2")
    with stage.changing():
        for _ in range(KILLS):
            seen = len(stage.effects())
            until(lambda seen=seen: len(stage.effects()) > seen, seconds=GOES_ON_WITHIN)
            cast["pump"].restart()
    stage.settle(GOES_ON_WITHIN)
    stage.assert_promises_kept()


def test_F03_all_workers_killed_at_once_and_started_later_drain_what_waited(stage, cast):
    """What waited goes out at the pace that the destination allows, and the newest only. They are
    away for as long as a lease lasts: the table's minute is the product's lease.
    """
    cast.enter("web", "pump", "pump-2")
    stage.change(3)
    cast["pump"].kill()
    cast["pump-2"].kill()
    killed = time.monotonic()
    stage.change(24)
    until(lambda: time.monotonic() - killed > LEASE, seconds=LEASE + 1)
    after = stage.sandbox.latest()
    with pace(stage, rate=1, burst=1) as (rate, burst):
        cast.enter("web", "pump", "pump-2")
        stage.settle(DRAINS_WITHIN)
    calls = moments(stage.sandbox.journal(after=after, kind="request", simulator="webhook"))
    assert len(calls) >= WAITED, "Too little waited to see a burst."
    for first, begun in enumerate(calls):
        for last, ended in enumerate(calls[first:], 1):
            allowed = burst + rate * (ended - begun + UNEVEN)
            assert last <= allowed, "a burst over the rate limit"
    stage.assert_promises_kept()


@contextmanager
def pace(stage, *, rate, burst):
    """The destinations allow so many calls meanwhile; that is so few that it can be seen."""
    usual = stage.ask("SELECT id, rate_per_second, burst FROM destinations_destination")
    sql = "UPDATE destinations_destination SET rate_per_second = {}, burst = {}"
    stage.put(sql.format(rate, burst))
    yield rate, burst
    for each, *was in usual:
        stage.put(f"{sql.format(*was)} WHERE id = '{each}'")


def moments(entries):
    """Seconds at which the receiver has written them down."""
    return [datetime.fromisoformat(entry["at"]).timestamp() for entry in entries]


def test_F05_the_pump_alone_delivers(stage, cast):
    """No worker, no scheduler: nobody takes a call."""
    cast.enter("web", "pump")
    called, alone = stage.attempts_by()
    tell("the pump alone", lateness(stage))
    assert stage.attempts_by().called == called
    assert stage.attempts_by().alone > alone
    stage.assert_promises_kept()


def test_F05_celery_alone_delivers(stage, cast):
    """No pump: the worker's own reads calendars and delivers nothing, so all that arrives was
    delivered by a task that a call has brought.
    """
    cast.enter("web", "scheduler")
    stage.processes.only_tasks().await_ready()
    called, alone = stage.attempts_by()
    tell("Celery alone", lateness(stage))
    assert stage.attempts_by().called > called
    assert stage.attempts_by().alone == alone
    stage.assert_promises_kept()


def lateness(stage, rounds=5, at_once=4):
    """Seconds from each edit to the moment at which the inbox shows it, or what is newer."""
    late = []
    for _ in range(rounds):
        began, there = time.monotonic(), 0
        stage.change(at_once)
        while there < at_once:
            until(
                lambda there=there: arrived(stage, at_once) > there,
                seconds=ARRIVES_WITHIN,
                why=stage.state(),
            )
            now = arrived(stage, at_once)
            late += [time.monotonic() - began] * (now - there)
            there = now
    return late


def arrived(stage, count):
    """How many of the newest edits the inbox shows."""
    return count - min(count, len(stage.missing()))


def tell(who, late):
    p95 = sorted(late)[math.ceil(0.95 * len(late)) - 1]
    print(f"\n{who}: edit to effect, p95 of {len(late)}: {p95:.1f} s")  # noqa: T201 - the figure is what it is for


def test_F04_a_web_process_killed_while_it_takes_events_in_keeps_what_it_accepted(stage, cast):
    """Nobody polls for what was lost: what was answered 2xx is there, and what was not is sent
    again.
    """
    cast.enter("web", "pump")
    before = hints(stage)
    after = stage.sandbox.latest()
    with stage.changing(every=0.05):
        for _ in range(KILLS):
            time.sleep(0.3)
            cast["web"].kill()
            cast["web"].start().await_ready()
    accepted = [p for p in stage.sandbox.journal(after=after, kind="webhook") if taken(p)]
    assert accepted
    assert hints(stage) - before >= len(accepted)
    stage.settle(DRAINS_WITHIN)
    stage.assert_promises_kept()


def hints(stage):
    return sum(count for (count,) in stage.ask("SELECT dirty_seq FROM sharing_source"))


def taken(post):
    return post["outcome"].startswith("2")


def test_F08_rolling_restarts_under_load_end_what_they_began(stage, cast):
    cast.enter("web", "worker", "pump")
    crashed = stage.attempts("crashed")
    with stage.changing():
        for name in ("pump", "worker", "web"):
            assert cast[name].stop(signal.SIGTERM, patience=DRAINS_WITHIN) == 0
            cast[name].start().await_ready()
    stage.settle(DRAINS_WITHIN)
    assert stage.attempts("crashed") == crashed
    assert stage.attempts("unknown") == 0
    stage.assert_promises_kept()
    stage.assert_log_verifies()
