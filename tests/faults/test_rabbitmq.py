"""F10 on RabbitMQ, for whoever has one: it wakes workers up as Redis does, and may fall as well."""

import socket

import pytest

from tests.faults.servers import Proxy
from tests.faults.servers.ports import HERE
from tests.faults.servers.stage import Stage

pytestmark = [pytest.mark.processes, pytest.mark.in_one_lane, pytest.mark.xdist_group("stage")]

PORT = 5672
FALLS = 3


@pytest.fixture(scope="module")
def line():
    """Between the workers and this machine's RabbitMQ."""
    try:
        socket.create_connection((HERE, PORT), timeout=1).close()
    except OSError:
        pytest.skip("!! No RabbitMQ runs here: it was not tried as a broker !!")
    with Proxy(HERE, PORT) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def stage(template, tmp_path_factory, line):
    """Web, scheduler and a Celery worker that delivers only what a call has brought it."""
    broker = {"BROKER_URL": f"amqp://guest:guest@{HERE}:{line.port}//"}
    with Stage(tmp_path_factory.mktemp("rabbitmq"), template, more=broker) as stage:
        stage.processes.web()
        stage.processes.only_tasks()
        stage.processes.scheduler()
        stage.processes.await_ready()
        yield stage


def test_F10_rabbitmq_wakes_a_worker_that_outlives_its_connections(stage, line):
    """A call that comes back because its connection fell is one more look, and no more."""
    called, alone = stage.attempts_by()
    for _ in range(FALLS):
        stage.change(12)
        line.reset()
        stage.change(12)
        stage.settle()
    assert stage.processes.fallen() == []
    assert stage.attempts_by().called > called
    assert stage.attempts_by().alone == alone
    stage.assert_promises_kept()
