"""A TrainingPeaks in memory with a token for it, and a studio that is connected to it."""

import pytest

from sharing.source import credentials
from tests.sharing import fake_destination
from tests.sharing.source import fake_trainingpeaks, studio


@pytest.fixture
def api(monkeypatch, settings):
    """TrainingPeaks with a token that works; calls are not slowed down."""
    settings.TRAININGPEAKS_API_URL = fake_trainingpeaks.API
    settings.TRAININGPEAKS_RATE_PER_SECOND = 1_000_000
    monkeypatch.setattr(credentials, "token", lambda _: "token-1")
    monkeypatch.setattr(credentials, "renewed", lambda _, refused: f"{refused}-renewed")
    mock, fake = fake_trainingpeaks.start()
    yield fake
    mock.stop(allow_assert=False)
    mock.reset()


@pytest.fixture
def ana(api, monkeypatch, transactional_db):
    """Ana's studio, connected."""
    fake_destination.install(monkeypatch)
    return studio.build(api)
