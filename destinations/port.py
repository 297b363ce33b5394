"""The port: what an adapter declares, what it is given and what it must be able to do.

The engine knows destinations only through these types. An adapter never sees the
database, a secret that is not its own, or a field that the route does not allow.
"""

import datetime
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from typing import Any, ClassVar, Protocol, runtime_checkable

from destinations.configuration import ConfigForm
from destinations.contract import check
from destinations.errors import DestinationError
from destinations.http import DestinationClient
from plans.hashing import canonical_bytes
from plans.model import Plan

Body = dict[str, Any]


class IdempotencyClass(StrEnum):
    """What the destination promises when the same write arrives twice or late."""

    VERSIONED = "versioned"  # it compares versions and refuses an older one
    KEYED = "keyed"  # it honours our idempotency key
    UPSERT = "upsert"  # it writes under our id; the last write wins
    NONE = "none"  # nothing: only reading back can tell


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    REMOVE = "remove"


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a kind can hold and do. What is not said here is shown to the coach as a loss."""

    idempotency: IdempotencyClass
    receivers: frozenset[IdempotencyClass] = frozenset()  # what else one of this kind may promise
    whole_plan: bool = False  # one item: the plan
    future_sessions: bool = True  # it has a place for a session that is not done yet
    completed_sessions: bool = False  # it holds sessions that the source reports as done
    create: bool = True  # False: only adds to a record that somebody else made
    update: bool = True
    remove: bool = True
    dates: bool = True
    time_of_day: bool = False
    duration: bool = False
    distance: bool = False
    intervals: bool = False
    exercises: bool = False
    read_back: bool = False
    compared: tuple[str, ...] = ()  # fields of a session that reading back can compare
    external_id: bool = False
    published: bool = False  # it is read from us: writing makes no call
    private_to_athlete: bool = False  # its terms: shown to that athlete and nobody else
    batch: int = 1  # items in one call
    rate_per_second: float = 5.0  # what a new destination of this kind starts with
    horizon_days: int | None = None  # how far ahead it accepts sessions
    key_lifetime: timedelta | None = None  # how long a keyed destination remembers a key
    terms: tuple[str, ...] = ()  # platform rules that people must be told

    @property
    def promises(self) -> frozenset[IdempotencyClass]:
        """Every class that a destination of this kind can have."""
        return self.receivers | {self.idempotency}


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """The athlete as this destination may know them."""

    pseudonym: str
    name: str | None = None
    email: str | None = None
    time_zone: str = ""
    source_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class RenderOptions:
    fields: frozenset[str]
    recipient: Recipient
    destination_name: str = ""
    revision: int = 1


@dataclass(frozen=True)
class FidelityNote:
    """One thing that this destination cannot hold, in a coach's words."""

    item_key: str
    field: str
    words: str


@dataclass(frozen=True)
class Item:
    """One thing that the destination should hold: a session, or the whole plan."""

    key: str
    date: datetime.date | None
    body: Body
    notes: tuple[FidelityNote, ...] = ()

    @cached_property
    def content_hash(self) -> str:
        return content_hash(self.body)


@dataclass(frozen=True, kw_only=True)
class Remote:
    """What we know is there for one item: as it was last written and acknowledged."""

    item_key: str
    remote_id: str = ""
    etag: str = ""
    content_hash: str = ""
    version: int = 0
    date: datetime.date | None = None
    body: Body | None = None


@dataclass(frozen=True, kw_only=True)
class Step:
    """One create, update or remove. `revision` is the lane's order; `version` the plan's number."""

    action: Action
    item_key: str
    item: Item | None
    remote: Remote | None
    idempotency_key: str
    revision: int
    version: int
    plan_id: str
    occurred_at: datetime.datetime
    recipient: Recipient | None = None  # for removing what was never acknowledged

    @property
    def date(self) -> datetime.date | None:
        if self.item:
            return self.item.date
        return self.remote.date if self.remote else None


@dataclass(frozen=True)
class Receipt:
    """What the destination answered to a write."""

    remote_id: str
    etag: str = ""
    excerpt: str = ""
    http_status: int | None = None


@dataclass(frozen=True)
class Alteration:
    """One field of the plan that was changed at the destination: plain JSON values."""

    field: str
    ours: Any
    theirs: Any


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A record beside ours that carries our mark for the same item: somebody made it there."""

    remote_id: str
    date: datetime.date | None
    body: Body


@dataclass(frozen=True, kw_only=True)
class RemoteState:
    """What the destination shows for one of our records when it is read back."""

    item_key: str
    present: bool | None  # None: this answer does not tell; look the record up
    remote_id: str = ""
    altered: tuple[Alteration, ...] = ()
    copies: tuple[Copy, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PublishedItem:
    """One item of a destination that is read from us."""

    key: str
    body: Body
    sequence: int  # how often it was changed after it was first published
    cancelled: bool
    written_at: datetime.datetime


@dataclass(frozen=True, kw_only=True)
class FeedInfo:
    name: str
    domain: str
    time_zone: str = ""
    refresh: timedelta = field(default=timedelta(hours=1))


class DestinationAdapter(ABC):
    """The code for one kind. `render` is pure: no clock, no network, same input → same bytes."""

    kind: ClassVar[str]
    label: ClassVar[str]
    config_form: ClassVar[type[ConfigForm]]
    capabilities: ClassVar[Capabilities]
    schema: ClassVar[Mapping[str, Any]]

    def __init__(self, config: Mapping[str, Any], http: DestinationClient) -> None:
        self.config = config
        self.http = http

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"  # the configuration holds secrets

    @abstractmethod
    def render(self, plan: Plan, options: RenderOptions) -> list[Item]:
        """What the destination should hold for this plan, limited to the allowed fields."""

    @abstractmethod
    def write(self, step: Step, *, idempotency_key: str) -> Receipt:
        """Bring one item to where the step says. Raises a DestinationError otherwise."""

    def checked(self, payload: Body) -> Body:
        """The payload, if it keeps this destination's own contract; nothing else is ever sent."""
        check(payload, self.schema)
        return payload

    def promise(self) -> IdempotencyClass:
        """What a destination with these settings promises, as long as nobody says otherwise."""
        return self.capabilities.idempotency

    def endpoint(self) -> str:
        """Where it goes, without anything secret: for logs and attempts."""
        return self.kind


@runtime_checkable
class ReadBack(Protocol):
    """Reading raises a DestinationError for an answer that is refused, late or cut off: only a
    definite answer says that a record is gone.
    """

    def read_back(self, remotes: Sequence[Remote]) -> list[RemoteState]:
        """In one call, what it shows for these records of one athlete."""

    def look_up(self, remote: Remote) -> RemoteState:
        """In one call, whether this one record is there, for certain."""

    def said(self, body: Body) -> dict[str, Any]:
        """What a body says, field by field, in the plan's terms: plain JSON values."""

    def same(self, field: str, ours: Any, theirs: Any) -> bool:
        """Whether two values of a field differ in formatting at most."""

    def with_theirs(self, body: Body, values: Mapping[str, Any]) -> Body:
        """The body with these fields as they were read there."""

    def checked(self, payload: Body) -> Body:
        """The payload, if the destination can be sent it: what was read may be beyond us."""


@runtime_checkable
class ListsOurs(Protocol):
    def ours(self, recipient: Recipient, first: datetime.date, last: datetime.date) -> list[Remote]:
        """In one call, every record on these days that carries both our id and our mark for it,
        whether we know of it or not. What anybody else made is not among them.
        """


@runtime_checkable
class Finds(Protocol):
    def find(self, step: Step) -> Receipt | None:
        """The record that this step would create, if it is there already."""


@runtime_checkable
class ChecksConnection(Protocol):
    def check_connection(self) -> str:
        """Words that say what answered. Raises a DestinationError otherwise."""


@runtime_checkable
class WritesBatch(Protocol):
    def write_batch(self, steps: Sequence[Step]) -> dict[str, Receipt | DestinationError]:
        """One outcome per item key. An error that concerns the whole call is raised."""


@runtime_checkable
class Published(Protocol):
    content_type: ClassVar[str]

    def compose(self, items: Sequence[PublishedItem], feed: FeedInfo) -> bytes:
        """The document that is read from us. The same input gives the same bytes."""


def content_hash(body: Body) -> str:
    return sha256(canonical_bytes(body)).hexdigest()


def json_bytes(body: Body | Sequence[Body]) -> bytes:
    """The bytes that are sent: made once, in a fixed order, readable."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
