"""Other people's text, made safe to keep: one normal form, no control characters, a limit."""

import re
import unicodedata

MARK = "…"
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BREAK = re.compile("\r\n?|[\u0085\u2028\u2029\x0b\x0c]")


def clean(text: str) -> str:
    """NFC, one kind of line break, no control or direction-changing characters, no half characters.

    Cleaning twice changes nothing more: removal comes before composition.
    """
    text = _BREAK.sub("\n", text)
    text = _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))
    return unicodedata.normalize("NFC", text).strip()


def one_line(text: str) -> str:
    """For names and titles: every run of white space is one blank."""
    return unicodedata.normalize("NFC", " ".join(clean(text).split()))


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters; what was cut shows as an ellipsis."""
    if len(text) <= limit:
        return text
    return text[: limit - len(MARK)].rstrip() + MARK
