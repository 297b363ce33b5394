"""Who acts: set once per request or job, read wherever something is recorded."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

KINDS = frozenset({"user", "athlete", "system", "source", "token"})


@dataclass(frozen=True)
class Actor:
    """A kind and a pseudonym: the log knows no names."""

    kind: str
    id: str

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"An actor is one of {', '.join(sorted(KINDS))}.")


SYSTEM = Actor("system", "baton")
_current: ContextVar[Actor | Callable[[], Actor]] = ContextVar("actor", default=SYSTEM)
_request: ContextVar[str] = ContextVar("request_id", default="")


def user(pk: UUID) -> Actor:
    return Actor("user", str(pk))


def current() -> Actor:
    said = _current.get()
    return said if isinstance(said, Actor) else said()


def request_id() -> str:
    return _request.get()


@contextmanager
def acting(actor: Actor | Callable[[], Actor], request: str | None = None) -> Iterator[None]:
    """Everything recorded inside is recorded as this actor's. A callable is asked each time.

    Without a request of its own, it belongs to the one that is being answered.
    """
    was = _current.set(actor)
    asked = _request.set(request_id() if request is None else request)
    try:
        yield
    finally:
        _current.reset(was)
        _request.reset(asked)
