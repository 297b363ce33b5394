"""What every test may use. The network is closed: only loopback answers."""

import socket
from ipaddress import ip_address

import pytest


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """A test that reaches for the outside world fails at once, naming the address."""
    connect = socket.socket.connect

    def guarded(self, address):
        if self.family in {socket.AF_INET, socket.AF_INET6} and not _loopback(address[0]):
            pytest.fail(f"A test tried to reach {address}: use `responses` or the sandbox.")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
