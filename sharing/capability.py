"""Addresses that are their own key: derived from the key ring, a row's id and its generation.

Nothing secret is stored, so a copy of the database opens no door. Raising the row's
generation makes a new address; a rotated key ring keeps the old ones working until
their key is taken out.
"""

import base64
import hashlib
import hmac
from uuid import UUID

from django.conf import settings


def mint(kind: str, row: UUID, generation: int) -> str:
    """The secret of this row, by the ring's first key. 256 bits, safe in a path."""
    return _derive(next(iter(settings.BATON_KEYS.values())), kind, row, generation)


def check(kind: str, row: UUID, generation: int, secret: str) -> bool:
    """Whether the secret is this row's, by any key of the ring, in constant time."""
    given = secret.encode("utf-8", "replace")
    matches = [
        hmac.compare_digest(_derive(key, kind, row, generation).encode(), given)
        for key in settings.BATON_KEYS.values()
    ]
    return any(matches)


def _derive(key: bytes, kind: str, row: UUID, generation: int) -> str:
    message = f"baton:{kind}:{row}:{generation}".encode()
    digest = hmac.new(key, message, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
