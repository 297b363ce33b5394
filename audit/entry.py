"""An entry: one line of JSON, made once, stored and hashed as those exact bytes. No Django here.

Nobody ever writes an entry again to check it: what is hashed is what is stored.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

SCHEMA = 1
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,63}")
SETTING = re.compile(r"[ -?A-~]{0,200}")  # printable, and no @
HASH = re.compile(r"[0-9a-f]{64}")
IDENTITIES = (
    "organisation",
    "subject",
    "plan",
    "destination",
    "delivery",
    "attempt",
    "consent",
)


def encode(seq: int, at: datetime, event: Mapping[str, Any]) -> bytes:
    """The bytes of an entry. Raises ValueError for anything that could be a person's words."""
    line: dict[str, Any] = {
        "v": SCHEMA,
        "seq": seq,
        "id": str(event["id"]),
        "time": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": code(event["actor_kind"]),
        "by": code(event["actor_id"]),
        "action": code(event["action"]),
    }
    line |= {name: _identity(event[name]) for name in IDENTITIES if event.get(name)}
    if event.get("version") is not None:
        line["version"] = int(event["version"])
    for name in ("outcome", "request"):
        if event.get(name):
            line[name] = code(event[name])
    if event.get("commitment"):
        line["commitment"] = _hash(event["commitment"])
    if extra := event.get("extra"):
        line["extra"] = {code(name): _plain(value) for name, value in extra.items()}
    return json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def decode(body: bytes) -> dict[str, Any]:
    """What an entry says. Raises ValueError when it is not an entry."""
    line = json.loads(body)
    if not isinstance(line, dict) or not isinstance(line.get("seq"), int):
        raise ValueError("Not an audit entry.")  # noqa: TRY004 - bad bytes, not a bad call
    return line


def code(value: object) -> str:
    text = str(value)
    if not CODE.fullmatch(text):
        raise ValueError(f"“{text[:80]}” is not a code: the log takes no free text.")
    return text


def _identity(value: object) -> str:
    return str(value if isinstance(value, UUID) else UUID(str(value)))


def _hash(value: object) -> str:
    text = str(value)
    if not HASH.fullmatch(text):
        raise ValueError("A commitment is a SHA-256 in lower-case hexadecimal.")
    return text


def _plain(value: object) -> object:
    """A setting as it was; what could be a person's words or address is kept as its digest."""
    if value is None or isinstance(value, bool | int):
        return value
    text = str(value)
    return text if SETTING.fullmatch(text) else f"sha256:{sha256(text.encode()).hexdigest()}"
