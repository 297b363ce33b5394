"""How long calls take: counted by every process, added up, and told as quantiles."""

import runpy
import threading
from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace

import pytest
import requests
import responses
from django.db import InterfaceError, OperationalError
from django.urls import reverse

from accounts import provider
from insight.selectors.latency import endpoints
from sharing import clock, deliveries, latency, upkeep
from sharing.latency import BOUNDS, GROWTH, Endpoint
from sharing.models import Latency
from tests.sharing import fake_destination
from tests.sharing.world import build

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_counted(monkeypatch):
    monkeypatch.setattr(latency, "_counted", {})
    monkeypatch.setattr(latency, "_added_at", float("-inf"))


def again(monkeypatch):
    monkeypatch.setattr(latency, "_added_at", float("-inf"))
    latency.add_up()


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_a_quantile_is_right_to_within_a_bucket(share):
    seconds = [0.004 * number for number in range(1, 1001)]
    for each in seconds:
        latency.count(Endpoint("calls"), each)
    counted = [latency._counted[Endpoint("calls")][at] for at in range(len(BOUNDS) + 1)]
    exact = seconds[int(share * 1000) - 1]
    assert exact <= latency.quantile(counted, share) <= exact * GROWTH


def test_what_takes_longer_than_all_buckets_is_counted_too():
    latency.count(Endpoint("calls"), 1e6)
    latency.add_up()
    assert sum(Latency.objects.get().counts) == 1


def test_processes_add_to_one_row_for_each_endpoint_and_hour(monkeypatch):
    world = build()
    for _ in range(3):
        latency.count(Endpoint("workouts"), 0.2)
        latency.count(Endpoint("write", world.destination.pk), 0.1)
        again(monkeypatch)
    rows = {row.endpoint: sum(row.counts) for row in Latency.objects.all()}
    assert rows == {"workouts": 3, "write": 3}


def test_nothing_is_written_twice_or_all_the_time():
    latency.count(Endpoint("workouts"), 0.2)
    latency.add_up()
    latency.count(Endpoint("workouts"), 0.2)
    latency.add_up()  # a moment later
    assert sum(Latency.objects.get().counts) == 1


def test_a_delivery_is_counted_at_its_destination(monkeypatch):
    inbox = fake_destination.install(monkeypatch)
    world = build()
    world.agree()
    world.publish()
    world.make_due()
    assert deliveries.deliver_due("worker")
    assert len(inbox.arrived) == 1
    assert latency._counted.keys() == {Endpoint("write", world.destination.pk)}


@pytest.fixture
def oauth(settings):
    settings.TRAININGPEAKS_OAUTH_URL = "https://oauth.example"
    with responses.RequestsMock() as server:
        yield server


@pytest.mark.parametrize(
    "answer",
    [
        {"json": {"access_token": "a", "refresh_token": "r"}},
        {"status": 400, "json": {"error": "invalid_grant"}},
        {"status": 503},
        {"body": requests.ConnectTimeout()},
    ],
    ids=["a token", "refused", "down", "no answer"],
)
@pytest.mark.parametrize(
    "call", [lambda: provider.refresh("r"), lambda: provider.exchange("code", None)]
)
def test_asking_for_a_token_is_timed_whatever_comes_of_it(oauth, call, answer):
    oauth.post("https://oauth.example/oauth/token", **answer)
    with suppress(provider.Refused, provider.Unreachable):
        call()
    assert {key: sum(found.values()) for key, found in latency._counted.items()} == {
        Endpoint("token"): 1
    }


@pytest.mark.parametrize("answer", [{}, {"body": requests.ConnectTimeout()}])
def test_ending_an_authorisation_is_timed_whatever_comes_of_it(oauth, answer):
    oauth.post("https://oauth.example/oauth/deauthorize", **answer)
    provider.deauthorize("a")
    assert latency._counted.keys() == {Endpoint("deauthorize")}


@pytest.mark.django_db(transaction=True)
def test_a_process_without_a_pump_adds_up_beside_its_work(monkeypatch):
    monkeypatch.setattr(latency, "BETWEEN", 0.01)
    added = threading.Event()
    monkeypatch.setattr(latency, "_add", lambda *_: added.set())
    ended = latency.add_up_beside()
    latency.count(Endpoint("token"), 0.2)
    assert added.wait(10)
    ended.set()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OperationalError("gone"), "could not be kept (gone)"),
        (InterfaceError("connection already closed"), "could not be kept (connection"),
        (KeyError("of ours"), "met a fault"),
    ],
    ids=["database", "connection", "fault"],
)
def test_adding_up_goes_on_after_a_fault_and_closes_its_connection(
    monkeypatch, caplog, error, said
):
    monkeypatch.setattr(latency, "BETWEEN", 0.01)
    added, closed, faults = threading.Event(), [], [error]

    def add(*_):
        if faults:
            raise faults.pop()
        added.set()

    monkeypatch.setattr(latency, "_add", add)
    monkeypatch.setattr(latency, "connection", SimpleNamespace(close=lambda: closed.append(1)))
    ended = latency.add_up_beside()
    while not added.wait(0.02) and threads("latencies"):
        latency.count(Endpoint("token"), 0.2)
    ended.set()
    for thread in threads("latencies"):
        thread.join(10)
    assert added.is_set()
    assert said in caplog.text
    assert len(closed) > 1


def threads(name):
    return [thread for thread in threading.enumerate() if thread.name == name]


def test_the_web_process_adds_up_beside_its_work(monkeypatch):
    begun = []
    monkeypatch.setattr(latency, "add_up_beside", lambda: begun.append("beside"))
    runpy.run_module("config.wsgi")
    assert begun == ["beside"]


def test_home_leads_to_how_fast_they_answer(client):
    world = build()
    client.force_login(world.ana)
    assert f'href="{reverse("health")}#latency"' in client.get(reverse("home")).content.decode()
    latency.count(Endpoint("workouts"), 0.2)
    latency.add_up()
    shown = client.get(reverse("health")).content.decode()
    assert 'id="latency"' in shown
    assert "A write is one call here" in shown


def test_the_health_page_shows_what_the_reader_may_see(client):
    mine, other = build(), build()
    for destination, seconds in ((mine.destination, 0.09), (other.destination, 7)):
        latency.count(Endpoint("write", destination.pk), seconds)
    latency.count(Endpoint("workouts"), 0.2)
    latency.add_up()
    shown = endpoints(mine.ana, clock.now())
    assert [(row.where, row.endpoint, row.calls) for row in shown] == [
        ("TrainingPeaks", "workouts", 1), (mine.destination.name, "write", 1),
    ]  # fmt: skip
    assert timedelta(seconds=0.09) <= shown[1].p99 <= timedelta(seconds=0.09 * GROWTH)
    client.force_login(mine.ana)
    page = client.get(reverse("health")).content.decode()
    assert "How fast they answer" in page
    assert mine.destination.name in page
    assert other.destination.name not in page


def test_old_hours_are_forgotten_by_a_regular_job():
    old = clock.now() - latency.KEPT - timedelta(minutes=1)
    Latency.objects.create(endpoint="workouts", hour=old, counts=[1])
    job = next(run for name, _, run in upkeep.JOBS if name == "forget-latencies")
    job()
    assert not Latency.objects.exists()
