"""What counts as the same content: key order, float noise and Unicode forms do not."""

import json
import math
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, time
from hashlib import sha256
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from plans.model import Session, in_order

DECIMALS = 6  # finer differences than a millionth are noise of the arithmetic, never a wish


def content_hash(sessions: Iterable[Session]) -> str:
    """The fingerprint of what is shared: not of the version, the window or who has received it.

    What has its default value is left out, so that a new optional field does not
    make every stored plan look changed.
    """
    shared = [
        session.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        for session in in_order(sessions)
    ]
    return sha256(canonical_bytes(shared)).hexdigest()


def canonical_bytes(value: object) -> bytes:
    """JSON in one form only: sorted keys, NFC text, numbers without noise, no blanks."""
    plain = _plain(value)
    text = json.dumps(
        plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )
    return text.encode("utf-8", "backslashreplace")  # half a surrogate pair must not stop a hash


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(mode="json", by_alias=True))
    if isinstance(value, Mapping):
        return _members(value)
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    return _scalar(value)


def _members(value: Mapping[Any, Any]) -> dict[str, Any]:
    members = {_normal(key): _plain(member) for key, member in value.items()}
    if len(members) != len(value):
        raise ValueError("Two keys are the same text in different Unicode forms.")
    return members


def _scalar(value: Any) -> Any:
    if isinstance(value, str):
        return _normal(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no canonical JSON.")


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", str(text))


def _number(value: float) -> int | float:
    if not math.isfinite(value):
        raise ValueError(f"{value} has no canonical JSON.")
    rounded = round(value, DECIMALS)
    return int(rounded) if rounded.is_integer() else rounded
