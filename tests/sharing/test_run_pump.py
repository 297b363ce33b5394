"""The pump as a process of its own: no Celery, no broker, and a clean end."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import InterfaceError, connection
from django.test.utils import CaptureQueriesContext

from sharing import clock, latency, periodic
from sharing import pump as pump_module
from sharing.models import Heartbeat, PeriodicJob
from tests.sharing.world import build

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

ROOT = Path(__file__).parents[2]
WITHIN = 40.0  # seconds; starting takes most of it on a busy machine


def database_url():
    where = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{where['NAME']}"
    name = f"{where['USER']}:{where['PASSWORD']}@{where['HOST']}:{where['PORT']}/{where['NAME']}"
    return f"postgres://{name}"


@pytest.fixture
def run_pump(tmp_path):
    started = []

    def start(**more):
        environment = {**os.environ, "DATABASE_URL": database_url(), **more}
        environment |= {"REDIS_URL": "redis://127.0.0.1:1/0", "BATON_PUMP_INTERVAL": "0.2"}
        environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
        log = (tmp_path / f"pump{len(started)}.log").open("wb")
        pump = subprocess.Popen(
            [sys.executable, "manage.py", "run_pump"], cwd=ROOT, env=environment, stdout=log,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        started.append(pump)
        return pump

    yield start
    for pump in started:
        pump.kill()
        pump.wait()


def wait_until(condition, within=WITHIN):
    ends = time.monotonic() + within
    while not condition():
        assert time.monotonic() < ends, "it did not come about in time"
        time.sleep(0.05)


@pytest.fixture
def studio():
    world = build(kind="icalendar", idempotency_class="upsert")
    world.agree()
    return world


def test_f05_f13_the_pump_delivers_alone_without_a_broker_and_stops_cleanly(studio, run_pump):
    pump = run_pump()
    studio.publish()
    wait_until(lambda: studio.states() == ["delivered"])
    assert Heartbeat.objects.filter(worker__contains=f":{pump.pid}.pump").exists()
    wait_until(lambda: PeriodicJob.objects.exclude(last_ok_at=None).exists())
    pump.send_signal(signal.SIGTERM)
    assert pump.wait(30) == 0


def test_f06_two_pumps_at_once_deliver_once(studio, run_pump):
    run_pump()
    run_pump()
    wait_until(lambda: Heartbeat.objects.count() >= 2 * settings.BATON_PUMP_THREADS)
    for _ in range(5):
        studio.publish()
    wait_until(lambda: "waiting" not in studio.states())
    assert studio.lane.records.get().writes == 1


def test_a_pump_that_is_always_busy_still_shows_that_it_lives(monkeypatch):
    beats = []
    monkeypatch.setattr(pump_module, "TURN", 0.02)
    monkeypatch.setattr(pump_module, "BETWEEN_BEATS_AT_REST", 0.02)
    monkeypatch.setattr(pump_module, "work", lambda *_: True)
    monkeypatch.setattr(pump_module, "beat", beats.append)
    busy = pump_module.Pump("busy", threads=1, interval=0.01)
    busy.start()
    wait_until(lambda: len(beats) > 3, within=20)
    busy.stop()


def test_a_look_at_which_nothing_is_due_asks_little_and_writes_nothing(studio, monkeypatch):
    """Each thread of each worker looks once a second, by day and by night."""
    monkeypatch.setattr(latency, "_counted", {})
    tomorrow = clock.now() + timedelta(days=1)
    jobs = [PeriodicJob(name=name, next_run_at=tomorrow) for name in periodic.names()]
    PeriodicJob.objects.bulk_create(jobs)
    pump = pump_module.Pump("rest", threads=1)
    pump._turn("rest.0", pump_module.EVERYTHING)  # says that it lives
    assert Heartbeat.objects.exists()
    with CaptureQueriesContext(connection) as asked:
        pump._turn("rest.0", pump_module.EVERYTHING)
    said = [query["sql"] for query in asked.captured_queries]
    assert all(sql.startswith("SELECT") for sql in said), said
    asked_of_tables = [sql for sql in said if " FROM " in sql]  # not: the time, are you there
    assert len(asked_of_tables) <= 7, said  # life, stops, restores, lanes, jobs, sources, jobs


def test_an_old_database_is_left_alone_and_the_log_says_what_to_do(studio, run_pump, tmp_path):
    studio.publish()
    pump = run_pump(BATON_INCARNATION="2")
    log = tmp_path / "pump0.log"
    wait_until(lambda: "manage.py after_restore" in log.read_text())
    pump.send_signal(signal.SIGTERM)
    assert pump.wait(30) == 0
    assert studio.states() == ["waiting"]
    assert not Heartbeat.objects.exists()


def test_a_fault_beside_the_beats_does_not_end_them(monkeypatch):
    beats = []

    def fault():
        beats.append(1)
        raise InterfaceError("the connection is closed")

    monkeypatch.setattr(pump_module, "BETWEEN_BEATS", 0.01)
    beating = pump_module.Pump("test", threads=0, beside=fault)
    beating.start()
    deadline = time.monotonic() + 20
    while len(beats) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    beating.stop()
    assert len(beats) >= 2
