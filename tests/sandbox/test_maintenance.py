from datetime import UTC, datetime

import pytest

from sandbox import store
from sandbox.control import switches
from sandbox.trainingpeaks import wire


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("SANDBOX_DATABASE", str(tmp_path / "own.sqlite3"))
    store.prepare()
    yield
    store.close()


@pytest.mark.parametrize(
    ("moment", "away"),
    [
        (datetime(2026, 11, 22, 0, 59, tzinfo=UTC), False),  # 17:59 in the mountains
        (datetime(2026, 11, 22, 1, 0, tzinfo=UTC), True),
        (datetime(2026, 11, 22, 6, 0, tzinfo=UTC), False),  # 23:00
        (datetime(2026, 11, 23, 2, 0, tzinfo=UTC), False),  # a Sunday
    ],
)
def test_on_saturday_evenings_it_is_away(moment, away):
    assert wire.in_maintenance(moment) is False
    switches.change({"saturday_maintenance": True})
    assert wire.in_maintenance(moment) is away
