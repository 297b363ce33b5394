"""An entry: one line of JSON, made once, stored and hashed as those exact bytes. No Django here.

Nobody ever writes an entry again to check it: what is hashed is what is stored. It holds
identities, codes, numbers and digests. People's words, names and addresses have no place in it.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import ip_address
from typing import Any
from uuid import UUID

SCHEMA = 1
MOST_BYTES = 16 * 1024
LARGEST_NUMBER = 2**63
CODE = re.compile(r"[a-z0-9][a-z0-9._:-]{0,63}")
SETTING = re.compile(r"[ -?A-~]{0,200}")  # printable, and no @
HASH = re.compile(r"[0-9a-f]{64}")
LOOKUPS = ("organisation", "subject", "plan", "destination", "delivery")
IDENTITIES = (*LOOKUPS, "attempt", "consent")


def encode(seq: int, at: datetime, event: Mapping[str, Any]) -> bytes:
    """The bytes of an entry. Raises ValueError for anything that could be a person's words."""
    line: dict[str, Any] = {
        "v": SCHEMA,
        "seq": seq,
        "id": _identity(event["id"]),
        "time": time_text(at),
        "actor": code(event["actor_kind"]),
        "by": code(event["actor_id"]),
        "action": code(event["action"]),
    }
    line |= {name: _identity(event[name]) for name in IDENTITIES if event.get(name)}
    line |= {name: code(event[name]) for name in ("outcome", "request") if event.get(name)}
    if event.get("version") is not None:
        line["version"] = _number(event["version"])
    if event.get("commitment"):
        line["commitment"] = _hash(event["commitment"])
    if extra := event.get("extra"):
        line["extra"] = {code(name): _extra(name, value) for name, value in extra.items()}
    return _bytes(line)


def decode(body: bytes) -> dict[str, Any]:
    """What an entry says. Raises ValueError when it is not an entry."""
    try:
        line = json.loads(body.decode("ascii"))
    except RecursionError:
        raise ValueError("Not an audit entry: nested beyond reading.") from None
    if not isinstance(line, dict) or type(line.get("seq")) is not int:
        raise ValueError("Not an audit entry.")
    return line


def time_text(at: datetime) -> str:
    """Always in UTC and of one length, so that texts compare as times do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def code(value: object) -> str:
    text = str(value)
    if not CODE.fullmatch(text) or _is_address(text):
        raise ValueError(f"“{text[:80]}” is not a code: the log takes no free text.")
    return text


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _extra(name: str, value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return _number(value)
    if name.endswith((".before", ".after")):
        return _setting(str(value))
    return code(value)


def _setting(text: str) -> str:
    """What somebody configured, as it was; what could be an address of a person, as its digest."""
    if SETTING.fullmatch(text):
        return text
    return f"sha256:{sha256(text.encode(errors='replace')).hexdigest()}"


def _number(value: object) -> int:
    number = int(str(value))
    if abs(number) >= LARGEST_NUMBER:
        raise ValueError("The log takes numbers of at most 64 bits.")
    return number


def _identity(value: object) -> str:
    return str(value if isinstance(value, UUID) else UUID(str(value)))


def _hash(value: object) -> str:
    text = str(value)
    if not HASH.fullmatch(text):
        raise ValueError("A commitment is a SHA-256 in lower-case hexadecimal.")
    return text


def _bytes(line: dict[str, Any]) -> bytes:
    body = json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    if len(body) > MOST_BYTES:
        raise ValueError(f"An entry has at most {MOST_BYTES} bytes.")
    return body
