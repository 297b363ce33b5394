"""One exchange's clock and memory: the time left, and whether a byte of the request has left."""

import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import certifi

CONNECT = 5.0  # seconds to resolve, connect and agree on TLS
TRIES = 4  # addresses of one name

Dial = Callable[[str, int, float], socket.socket]


@dataclass
class Exchange:
    """A request and its answer, bounded as a whole by the monotonic clock."""

    seconds: float
    sent: bool = False
    connected: bool = False
    ends: float = field(init=False)

    def __post_init__(self) -> None:
        self.ends = time.monotonic() + self.seconds

    def left(self) -> float:
        """Seconds left; raises when there are none."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the exchange took too long")
        return left


class _Watched:
    """A socket whose patience shrinks: every wait ends when the exchange does."""

    exchange: Exchange | None = None

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self._hurry()
        return int(super().recv_into(*args, **kwargs))  # type: ignore[misc] # the socket is beside us

    def recv(self, *args: Any, **kwargs: Any) -> bytes:
        self._hurry()
        return bytes(super().recv(*args, **kwargs))  # type: ignore[misc] # the socket is beside us

    def send(self, *args: Any, **kwargs: Any) -> int:
        self._hurry(sending=True)
        return int(super().send(*args, **kwargs))  # type: ignore[misc] # the socket is beside us

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self._hurry(sending=True)
        super().sendall(*args, **kwargs)  # type: ignore[misc] # the socket is beside us

    def _hurry(self, *, sending: bool = False) -> None:
        if self.exchange is None:
            return
        self.settimeout(self.exchange.left())  # type: ignore[attr-defined] # the socket is beside us
        if sending:
            self.exchange.sent = True


class PlainSocket(_Watched, socket.socket):
    pass


class TlsSocket(_Watched, ssl.SSLSocket):
    pass


@cache
def tls_context() -> ssl.SSLContext:
    """The public certificate authorities, TLS 1.2 or newer, names checked."""
    return watched_context(ssl.create_default_context(cafile=certifi.where()))


def watched_context(context: ssl.SSLContext) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = TlsSocket
    return context


def dial(address: str, port: int, timeout: float) -> socket.socket:
    """Connect to one address. It is an address already: nothing is looked up here."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = PlainSocket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.settimeout(timeout)
    try:
        sock.connect((address, port))
    except BaseException:
        sock.close()
        raise
    return sock


def dial_any(addresses: Sequence[str], port: int, exchange: Exchange, dial: Dial) -> socket.socket:
    """Connect to the first of the checked addresses that answers."""
    patience = min(CONNECT, exchange.left())
    ends = time.monotonic() + patience
    failure: OSError = TimeoutError("connecting took too long")
    for address in addresses[:TRIES]:
        left = ends - time.monotonic()
        if left <= 0:
            break
        try:
            return dial(address, port, left)
        except OSError as error:
            failure = error
    raise failure
