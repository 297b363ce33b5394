"""What may be kept of an answer: a short, printable piece that tells nobody how we got in."""

import html
import json
import re
from collections.abc import Collection, Mapping
from urllib.parse import quote

LONGEST = 2048  # characters of an answer that are kept
LOOKED_AT = LONGEST * 4  # bytes of it that are read for that
MASK = "••••"
UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa1-\ud7ff\ue000-\ufffd]")


def excerpt(body: bytes, secrets: Collection[str]) -> str:
    """The beginning of an answer in which none of these is left, however it was quoted."""
    text = body[:LOOKED_AT].decode("utf-8", "replace")
    quoted = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)
    if quoted:
        text = re.sub("|".join(map(re.escape, quoted)), MASK, text, flags=re.IGNORECASE)
        if len(body) > LOOKED_AT:
            text = text[: -len(quoted[0])]  # half a secret may stand at the end
    return UNPRINTABLE.sub(" ", text)[:LONGEST]


def credentials(headers: Mapping[str, str]) -> set[str]:
    """What we signed in with, with its scheme and without."""
    value = headers.get("Authorization", "")
    return {value, value.rpartition(" ")[2]} - {""}


def _forms(secret: str) -> set[str]:
    """As it is, and as JSON, an address or a page would quote it."""
    as_json = json.dumps(secret)[1:-1]
    return {
        secret, as_json, as_json.replace("/", r"\/"), quote(secret), quote(secret, safe=""),
        html.escape(secret),
    }  # fmt: skip
