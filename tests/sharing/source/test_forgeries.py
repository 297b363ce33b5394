"""F29: a storm of events that TrainingPeaks never sent."""

import statistics
import time
from datetime import timedelta
from uuid import uuid4

import pytest

from sharing import intake
from sharing.models import Hint
from tests.sharing.source.test_intake import post, url

pytestmark = pytest.mark.urls("sharing.hooks")

STORM = 300


def test_f29_forged_events_cost_no_reading_and_hold_no_real_one_up(ana, client):
    """In one process: what the address refuses never reaches the queue, and costs less than a
    real event does.
    """
    real = [timed(client, url(ana.source)) for _ in range(20)]
    kept = ana.source.dirty_seq
    forged = [timed(client, url(ana.source, uuid4().hex), 404) for _ in range(STORM)]
    amid = [timed(client, url(ana.source)) for _ in range(20)]
    assert ana.source.dirty_seq == kept + 20
    assert Hint.objects.count() == ana.source.dirty_seq
    assert statistics.median(forged) < 2 * statistics.median(real)
    assert statistics.median(amid) < 2 * statistics.median(real)
    assert ana.read() == 1


def timed(client, address, status=202):
    started = time.perf_counter()
    assert post(client, address).status_code == status
    return time.perf_counter() - started


def test_f29_whoever_knows_one_address_cannot_spend_the_budget_of_calls(ana, settings):
    """Readings keep their distance, however many events there are."""
    settings.BATON_FETCH_SPACING = timedelta(seconds=10)
    for _ in range(STORM // 10):
        intake.record(ana.source, headers={}, body=b"{}")
    assert ana.read() == 1
    read_at = ana.source.read_at
    for _ in range(STORM // 10):
        intake.record(ana.source, headers={}, body=b"{}")
    assert ana.source.due_at >= read_at + timedelta(seconds=10)
