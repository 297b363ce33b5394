import pytest

from tests.sandbox.client import Api, Browser, Listener
from tests.sandbox_process import SandboxProcess


@pytest.fixture(scope="session")
def running():
    with SandboxProcess() as process:
        yield process


@pytest.fixture
def sandbox(running):
    """A small studio, as fresh as the first time."""
    running.post("/control/seed", {"studio": "demo", "athletes": 5, "weeks": 4})
    return running


@pytest.fixture
def api(sandbox):
    return Api(sandbox)


@pytest.fixture
def listener():
    listening = Listener()
    yield listening
    listening.close()


@pytest.fixture
def browser(sandbox):
    return Browser(sandbox)
