"""Clients and servers for the tests of the outgoing client."""

import ssl

import pytest

from destinations.http import DestinationClient
from destinations.http import exchange as clockwork
from tests.contracts.server import ANSWER, Server

PUBLIC = "93.184.216.34"


@pytest.fixture
def serve():
    servers = []

    def start(handler=lambda connection, _: connection.sendall(ANSWER), tls=None):
        servers.append(Server(handler, tls))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def answers(serve):
    """A server that gives this answer, whatever is asked."""
    return lambda raw: serve(lambda connection, _: connection.sendall(raw))


@pytest.fixture
def near():
    """A client that may call loopback, as in development."""
    return DestinationClient(deadline=2.0, allow_loopback=True)


def steered(server, dialled):
    """A way of connecting that ends at `server`, noting the address that was asked for."""

    def dial(address, port, timeout):
        dialled.append((address, port))
        return clockwork.dial("127.0.0.1", server.port, timeout)

    return dial


def client_tls(authority):
    return clockwork.watched_context(ssl.create_default_context(cadata=authority))
