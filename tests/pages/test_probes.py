"""The two questions a supervisor asks."""

from datetime import timedelta

import pytest

from sharing import clock
from sharing.models import Heartbeat
from sharing.pump import beat

pytestmark = pytest.mark.django_db


def test_the_web_process_is_live_without_anybody_working(client):
    assert client.get("/live/").status_code == 200
    assert client.get("/ready/").status_code == 503


def test_it_is_ready_while_a_pump_beats(client):
    beat("worker")
    assert client.get("/ready/").content == b"ok\n"


def test_a_pump_that_fell_silent_is_noticed(client):
    Heartbeat.objects.create(worker="w", beat_at=clock.now() - timedelta(seconds=31))
    assert client.get("/ready/").status_code == 503
