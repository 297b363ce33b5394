"""The transport under `requests`: it connects to the very address that was checked.

The host name stays in the URL, so the Host header, SNI and the certificate check see
the name while the socket sees the checked address. Each exchange has a connection of
its own: nothing is pooled, so nothing is reused that was not checked for this call.
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

from destinations.http.exchange import Exchange

# At DEBUG it writes paths, and a destination's path may be its credential.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

Connect = Callable[[], socket.socket]


class _PlainConnection(HTTPConnection):
    def __init__(self, *args: Any, connect: Connect, exchange: Exchange, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._checked, self._exchange = connect, exchange

    def _new_conn(self) -> socket.socket:
        return self._checked()

    def connect(self) -> None:
        super().connect()
        _watch(self.sock, self._exchange)


class _TlsConnection(HTTPSConnection):
    def __init__(self, *args: Any, connect: Connect, exchange: Exchange, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._checked, self._exchange = connect, exchange

    def _new_conn(self) -> socket.socket:
        return self._checked()

    def connect(self) -> None:
        super().connect()
        _watch(self.sock, self._exchange)


def _watch(sock: Any, exchange: Exchange) -> None:
    sock.exchange = exchange  # from here on every byte is the request's or the answer's
    exchange.connected = True


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class CheckedAdapter(HTTPAdapter):
    """Carries one exchange over one connection that `connect` makes."""

    def __init__(
        self, connect: Callable[[str, int], socket.socket], exchange: Exchange, tls: ssl.SSLContext
    ) -> None:
        super().__init__(max_retries=0)
        self._connect, self._exchange, self._tls = connect, exchange, tls

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> HTTPConnectionPool:
        place, _ = self.build_connection_pool_key_attributes(request, verify, cert)
        scheme, host = place["scheme"], str(place["host"])
        port = int(place["port"] or {"http": 80, "https": 443}[scheme])
        ours: dict[str, Any] = {
            "connect": lambda: self._connect(host, port),
            "exchange": self._exchange,
        }
        if scheme == "https":
            return _TlsPool(host, port, maxsize=1, ssl_context=self._tls, **ours)
        return _PlainPool(host, port, maxsize=1, **ours)

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """The context that came with us holds the authorities; nothing is added per call."""
