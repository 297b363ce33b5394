"""Roads on raw sockets, with deadlines that do not keep a test waiting."""

import pytest

from destinations import registry
from sharing.source import http
from tests.faults.edges import road
from tests.faults.edges.other import Other
from tests.faults.edges.receivers import Calendar, KeyedInbox, Register, Zap
from tests.faults.edges.register import RegisterAdapter
from tests.faults.edges.trainingpeaks import TrainingPeaksServer

DEADLINE = 0.5  # seconds for a whole exchange with a destination
WHOLE = 0.5  # seconds for one with the source
ALONE = {"keyed": KeyedInbox, "upsert": Calendar, "versioned": Register}  # who needs no person
CLASSES = {**ALONE, "none": Zap}


@pytest.fixture
def edges(settings, monkeypatch):
    settings.BATON_SEND_DEADLINE = DEADLINE
    settings.BATON_ALLOW_LOOPBACK_DESTINATIONS = True
    monkeypatch.setitem(registry.ADAPTERS, "register", RegisterAdapter)


@pytest.fixture
def open_road(edges, transactional_db):
    """A road to a receiver of this class; version 1 is owed and agreed to."""
    receivers = []

    def opened(name, *, agreed=True, tls=None, **options):
        receiver = CLASSES[name](tls)
        receivers.append(receiver)
        made = road.build(receiver, **options)
        if agreed:
            road.agree(made)
        return made

    yield opened
    for receiver in receivers:
        receiver.close()


@pytest.fixture
def keyed(open_road):
    return open_road("keyed")


@pytest.fixture(params=list(ALONE))
def any_class(request, open_road):
    return open_road(request.param)


@pytest.fixture
def tp(settings, monkeypatch):
    server = TrainingPeaksServer()
    settings.TRAININGPEAKS_API_URL = settings.TRAININGPEAKS_OAUTH_URL = server.url
    settings.TRAININGPEAKS_INSECURE_TRANSPORT = True
    settings.TRAININGPEAKS_RATE_PER_SECOND = 1_000_000
    monkeypatch.setattr(http, "WHOLE", WHOLE)
    yield server
    server.close()


@pytest.fixture
def other(tmp_path):
    """`other("deliver", at="P14")` starts a process that does this and is killed there."""
    started = []

    def begin(*what, **how):
        started.append(Other(tmp_path / f"other-{len(started)}.log", *what, **how))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
