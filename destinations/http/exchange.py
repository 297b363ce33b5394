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
HEAD = 128 * 1024  # bytes of an answer beside its body

Dial = Callable[[str, int, float], socket.socket]


class TooMuchError(OSError):
    """The answer is longer than anybody would write it: headers or lines without an end."""


@dataclass
class Exchange:
    """A request and its answer: bounded as a whole in time, by the monotonic clock, and in size."""

    seconds: float
    room: int = HEAD + 64 * 1024  # bytes that are received at most, of headers and body together
    sent: bool = False
    dialled: bool = False
    connected: bool = False
    ends: float = field(init=False)
    _left: int = field(init=False)

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """From now: also for the next exchange over the same connection."""
        self.ends = time.monotonic() + self.seconds
        self._left = self.room
        self.sent = False

    def left(self) -> float:
        """Seconds left; raises when there are none."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the exchange took too long")
        return left

    def received(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise TooMuchError("the answer is too long")


class _Watched:
    """A socket whose patience shrinks: every wait ends when the exchange does."""

    exchange: Exchange | None = None

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self._hurry()
        count = int(super().recv_into(*args, **kwargs))  # type: ignore[misc] # the socket is beside us
        self._received(count)
        return count

    def recv(self, *args: Any, **kwargs: Any) -> bytes:
        self._hurry()
        data = bytes(super().recv(*args, **kwargs))  # type: ignore[misc] # the socket is beside us
        self._received(len(data))
        return data

    def send(self, *args: Any, **kwargs: Any) -> int:
        """What fails here has not left: only bytes that were taken count as sent."""
        self._hurry()
        count = int(super().send(*args, **kwargs))  # type: ignore[misc] # the socket is beside us
        if self.exchange is not None and count:
            self.exchange.sent = True
        return count

    def sendall(self, data: Any, flags: int = 0) -> None:
        rest = memoryview(data).cast("B")
        while rest:
            rest = rest[self.send(rest, flags) :]

    def _hurry(self) -> None:
        if self.exchange is not None:
            self.settimeout(self.exchange.left())  # type: ignore[attr-defined] # the socket is beside us

    def _received(self, count: int) -> None:
        if self.exchange is not None:
            self.exchange.received(count)


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
            sock = dial(address, port, left)
        except OSError as error:
            failure = error
        else:
            exchange.dialled = True
            return sock
    raise failure
