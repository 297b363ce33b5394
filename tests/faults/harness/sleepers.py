"""Who is asleep, and what it holds: the processes of a worker that a signal has stopped, and the
attempts of theirs whose lease has not ended.
"""

import re
import sqlite3
import time
from contextlib import suppress
from math import inf
from pathlib import Path

import psycopg

from tests.faults.harness.database import Row
from tests.faults.harness.stage import Stage
from tests.faults.servers import Process

STOPPED = {"T", "t"}  # the kernel's letters for it
NUMBER = re.compile(r":(\d+)\.")  # of the process, in what an attempt calls its worker
LATE = "late"  # how the outcome of an attempt begins whose worker was fenced off
UNHEARD = {"", "crashed"}  # the outcomes of one whose worker has not come back
HELD = """SELECT a.id, a.worker, l.lease_until FROM sharing_attempt a
    JOIN sharing_lane l ON l.id = a.lane_id AND l.epoch = a.epoch WHERE a.settled_at IS NULL"""
ENDS = "SELECT settled_at, outcome FROM sharing_attempt WHERE id IN ({})"


def held(stage: Stage, worker: Process) -> list[str]:
    """The attempts that it sleeps over: nobody has settled them, and the lease is its own."""
    asleep, now = _asleep(worker), time.time()
    return [
        row["id"]
        for row in _rows(stage, HELD)
        if row["lease_until"] > now
        and (who := NUMBER.search(row["worker"]))
        and int(who[1]) in asleep
    ]


def heard_of(stage: Stage, attempts: list[str]) -> bool:
    """Whether all of them were ended by who began them."""
    return UNHEARD.isdisjoint(row["outcome"] for row in _ends(stage, attempts))


def slept_over(stage: Stage, attempts: list[str], since: float) -> list[str]:
    """How those ended that were not over when it fell asleep. One that it was about to commit the
    end of was over by then: it has no end that is later.
    """
    ends = _ends(stage, attempts)
    return [row["outcome"] for row in ends if (row["settled_at"] or inf) > since]


def _ends(stage: Stage, attempts: list[str]) -> list[Row]:
    named = ", ".join(f"'{stage.database.identity(each)}'" for each in attempts)
    return _rows(stage, ENDS.format(named)) if attempts else []


def _rows(stage: Stage, sql: str) -> list[Row]:
    """Nothing while whoever sleeps keeps everybody else from reading."""
    with suppress(sqlite3.Error, psycopg.Error):
        return stage.database.rows(sql)
    return []


def _asleep(worker: Process) -> set[int]:
    """The numbers of its processes that are stopped."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, group, *_ = path.read_text().rpartition(")")[2].split()
            if int(group) == worker.pid and state in STOPPED:
                found.add(int(path.parent.name))
    return found
