"""The transport under `requests`: it connects to the very address that was checked.

The host name stays in the URL, so the Host header, SNI and the certificate check see
the name while the socket sees the checked address. A connection lives as long as its
adapter, and no other adapter reuses it: what was not checked for a call is not used for it.
"""

import logging
import socket
import ssl
from collections.abc import Callable
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from audit.crashpoint import armed, crashpoint
from destinations.http.exchange import Exchange

# At DEBUG it writes paths, and a destination's path may be its credential.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

Connect = Callable[[], socket.socket]


class _Checked:
    """A connection over a checked socket, watched by its exchange."""

    sock: Any

    def __init__(self, *args: Any, connect: Connect, exchange: Exchange, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._checked, self._exchange = connect, exchange

    def _new_conn(self) -> socket.socket:
        return self._checked()

    def connect(self) -> None:
        super().connect()  # type: ignore[misc] # the connection is beside us
        self.sock.exchange = self._exchange  # from here on every byte is the request's or answer's
        self._exchange.connected = True


class _Stoppable(_Checked):
    """With a crash point at each moment of an exchange."""

    _body = False

    def connect(self) -> None:
        super().connect()
        crashpoint("P12")

    def endheaders(self, *args: Any, **kwargs: Any) -> None:
        super().endheaders(*args, **kwargs)  # type: ignore[misc] # the connection is beside us
        self._body = True

    def send(self, data: Any) -> None:
        """Send on, and in two pieces when a test wants to stop in the middle of a body."""
        if self._body and armed("P13"):
            half = len(data) // 2
            super().send(data[:half])  # type: ignore[misc] # the connection is beside us
            crashpoint("P13")
            data = data[half:]
        super().send(data)  # type: ignore[misc] # the connection is beside us

    def request(self, *args: Any, **kwargs: Any) -> None:
        super().request(*args, **kwargs)  # type: ignore[misc] # the connection is beside us
        crashpoint("P14")

    def getresponse(self) -> Any:
        answer = super().getresponse()  # type: ignore[misc] # the connection is beside us
        crashpoint("P15")
        return answer


class _Plain(_Checked, HTTPConnection):
    pass


class _Tls(_Checked, HTTPSConnection):
    pass


class _StoppablePlain(_Stoppable, HTTPConnection):
    pass


class _StoppableTls(_Stoppable, HTTPSConnection):
    pass


class CheckedAdapter(HTTPAdapter):
    """Carries one exchange after the other over connections that `connect` makes."""

    plain: type[HTTPConnection] = _Plain
    encrypted: type[HTTPSConnection] = _Tls

    def __init__(
        self, connect: Callable[[str, int], socket.socket], exchange: Exchange, tls: ssl.SSLContext
    ) -> None:
        super().__init__(max_retries=0)
        self._connect, self._exchange, self._tls = connect, exchange, tls
        self._pools: dict[tuple[str, str, int], HTTPConnectionPool] = {}

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> HTTPConnectionPool:
        place, _ = self.build_connection_pool_key_attributes(request, verify, cert)
        scheme, host = place["scheme"], str(place["host"])
        port = int(place["port"] or {"http": 80, "https": 443}[scheme])
        if (scheme, host, port) not in self._pools:
            self._pools[scheme, host, port] = self._pool(scheme, host, port)
        return self._pools[scheme, host, port]

    def _pool(self, scheme: str, host: str, port: int) -> HTTPConnectionPool:
        ours: dict[str, Any] = {
            "connect": lambda: self._connect(host, port),
            "exchange": self._exchange,
        }
        pool: HTTPConnectionPool
        if scheme == "https":
            pool = HTTPSConnectionPool(host, port, maxsize=1, ssl_context=self._tls, **ours)
            pool.ConnectionCls = self.encrypted
        else:
            pool = HTTPConnectionPool(host, port, maxsize=1, **ours)
            pool.ConnectionCls = self.plain
        return pool

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()
        super().close()

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """The context that came with us holds the authorities; nothing is added per call."""


class DeliveringAdapter(CheckedAdapter):
    """The one that tests may stop at any moment of a delivery."""

    plain = _StoppablePlain
    encrypted = _StoppableTls
