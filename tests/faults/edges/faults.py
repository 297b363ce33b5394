"""What a destination can do wrong, as handlers of one exchange."""

import socket
import struct
import threading

from tests.faults.edges.receivers import answer


def gives(status, body=b"", headers=""):
    """Answers like this, without any effect."""
    return lambda exchange: exchange.send(answer(status, body, headers))


def raw(text):
    return lambda exchange: exchange.send(text)


def applies_and_hangs_up(exchange):
    exchange.apply()


def hangs_up(exchange):
    """Takes nothing and closes."""


def resets(exchange):
    """Takes nothing; the connection ends with a reset instead of a goodbye."""
    reset(exchange.connection)


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Silent:
    """Says nothing until the test is over."""

    def __init__(self):
        self.over = threading.Event()

    def __call__(self, exchange):
        self.over.wait(20)


class Late:
    """Takes effect only when the test says so; by then the client has long given up."""

    def __init__(self):
        self.now, self.done = threading.Event(), threading.Event()

    def __call__(self, exchange):
        self.now.wait(20)
        exchange.apply()
        self.done.set()

    def happen(self):
        self.now.set()
        assert self.done.wait(5)


class Drips:
    """One byte at a time, with a pause, until nobody listens."""

    def __init__(self, text, pause=0.05):
        self.text, self.pause, self.over = text, pause, threading.Event()

    def __call__(self, exchange):
        for byte in self.text:
            exchange.send(bytes([byte]))
            if self.over.wait(self.pause):
                return


class Pours:
    """An opening, and then the same piece without an end."""

    def __init__(self, opening, piece):
        self.opening, self.piece, self.over = opening, piece, threading.Event()

    def __call__(self, exchange):
        exchange.send(self.opening)
        while not self.over.is_set():
            exchange.send(self.piece)
