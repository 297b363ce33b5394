"""What most tests of the engine begin with: an inbox that answers what it is told to, and a studio
whose route leads there.
"""

import pytest

from tests.sharing import fake_destination
from tests.sharing.world import build


@pytest.fixture
def inbox(monkeypatch):
    return fake_destination.install(monkeypatch)


@pytest.fixture
def studio(inbox):
    """Ben agreed to the destination."""
    world = build()
    world.agree()
    return world
