"""Who acts: set once per request or job, read wherever something is recorded."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    kind: str  # user, athlete, system, source or token
    id: str


SYSTEM = Actor("system", "baton")
_current: ContextVar[Actor] = ContextVar("actor", default=SYSTEM)
_request: ContextVar[str] = ContextVar("request_id", default="")


def current() -> Actor:
    return _current.get()


def request_id() -> str:
    return _request.get()


@contextmanager
def acting(actor: Actor, request: str = "") -> Iterator[None]:
    """Everything recorded inside is recorded as this actor's."""
    was, asked = _current.set(actor), _request.set(request)
    try:
        yield
    finally:
        _current.reset(was)
        _request.reset(asked)
