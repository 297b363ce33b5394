"""How many short transactions SQLite takes from many writers at once, and how long the unluckiest
waits. Small by default; the figures of decision 0019 come from

BENCH_SECONDS=10 python -m pytest -q -s -n 0 tests/benchmarks/test_writers.py
"""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import django
import pytest
from django.db import connection, transaction
from django.db.backends.sqlite3.base import DatabaseWrapper as DjangosOwn

from config.sqlite import base

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL has many writers"),
]

SECONDS = float(os.environ.get("BENCH_SECONDS", "0.5"))
PROCESSES, THREADS = 4, 4
WORK = 0.004  # seconds that a transaction keeps its process busy, and that lie between two


@pytest.mark.parametrize("way", ["djangos", "ours"])
def test_many_writers(way):
    env = {**os.environ, "DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}"}
    asked = [sys.executable, "-m", __name__, way]

    def answered(_):
        return subprocess.check_output(asked, env=env)

    with ThreadPoolExecutor(PROCESSES) as crowd:
        told = list(crowd.map(answered, range(PROCESSES)))
    done = sum(int(words.split()[0]) for words in told)
    longest = max(float(words.split()[1]) for words in told)
    print(f"\n{way}: {done / SECONDS:.0f} transactions a second, longest wait {longest:.2f} s")  # noqa: T201 - the figure is what this is for
    assert done > 0


def busy():
    until = time.thread_time() + WORK
    while time.thread_time() < until:
        sum(range(200))


def write(until):
    """Transactions one after the other; how many, and the longest wait for one to begin."""
    done, longest = 0, 0.0
    while time.monotonic() < until:
        busy()
        asked = time.monotonic()
        with transaction.atomic(), connection.cursor() as cursor:
            longest = max(longest, time.monotonic() - asked)
            busy()
            cursor.execute("UPDATE sharing_limiter SET key = key")
        done += 1
    connection.close()
    return done, longest


def main(way):
    """One process of writers, which tells its figures."""
    django.setup()
    if way == "djangos":
        base.DatabaseWrapper = DjangosOwn
    until, told = time.monotonic() + SECONDS, []
    threads = [threading.Thread(target=lambda: told.append(write(until))) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(sum(done for done, _ in told), max(longest for _, longest in told))  # noqa: T201 - to whoever measures


if __name__ == "__main__":
    main(*sys.argv[1:])
