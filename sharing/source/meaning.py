"""What an answer of TrainingPeaks means: an error for each status, and words from any body."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from destinations.http.retry_after import asked_pause
from sharing.source.endpoints import Endpoint
from sharing.source.errors import (
    AthleteDetachedError,
    BadAnswerError,
    NotThereError,
    SourceDownError,
    SourceError,
    SourceRefusedError,
    SourceRejectedError,
    SourceUnavailableError,
)
from sharing.source.http import LARGEST, Answer

EXCERPT = 500  # characters of an error that are kept
LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
DOWN = frozenset({429, 502, 503, 504})  # whatever is asked, and by whomever
_HOOK = re.compile(r"(/hooks/trainingpeaks/[^/\s\"']+/)[^/\s\"']+")
_BEARER = re.compile(r"(?i)(bearer\s+|access_token\W{1,4}|refresh_token\W{1,4})[^\s\"'&,}]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_SPOKEN = ("error_description", "error", "message", "detail", "title")


def checked(answer: Answer, endpoint: Endpoint, *, token: str = "") -> Answer:
    """The answer if it is one to read; otherwise the error that says what to do about it."""
    if answer.too_large:
        words = f"expected at most {LARGEST} bytes"
        raise BadAnswerError(endpoint.name, "", words, b"")
    if 200 <= answer.status < 300:
        return answer
    raise _error(answer, endpoint, token)


def _error(answer: Answer, endpoint: Endpoint, token: str) -> SourceError:
    status, said = answer.status, excerpt(answer.body, token)
    if status in LATER:
        words, pause = f"TrainingPeaks cannot answer now ({status}).", retry_after(answer)
        kind = SourceDownError if status in DOWN else SourceUnavailableError
        return kind(words, status=status, excerpt=said, retry_after=pause)
    if status == 403 and endpoint.of_one_athlete:
        return AthleteDetachedError(status=status, excerpt=said)
    if status in {401, 403}:
        return SourceRefusedError(endpoint.scope, status=status, excerpt=said)
    if status == 404:
        words = f"TrainingPeaks has nothing at “{endpoint.name}”."
        return NotThereError(words, status=status, excerpt=said)
    words = f"TrainingPeaks rejected “{endpoint.name}” ({status})."
    return SourceRejectedError(words, status=status, excerpt=said)


def retry_after(answer: Answer) -> timedelta | None:
    return asked_pause(answer.headers)


def document(answer: Answer) -> Any:
    """The JSON of a good answer. HTML or half an answer says nothing: ask again later."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        raise SourceUnavailableError(
            f"TrainingPeaks answered with {_looks_like(answer.body)} instead of JSON.",
            status=answer.status,
            excerpt=excerpt(answer.body),
        ) from None


def excerpt(body: bytes, *secrets: str) -> str:
    """What the source said, whatever the shape: short, in one line, without secrets."""
    text = _said(body[: LARGEST // 8].decode("utf-8", "replace"))
    for secret in filter(None, secrets):
        text = text.replace(secret, "…")
    text = _BEARER.sub(r"\1…", _HOOK.sub(r"\1…", text))
    return _CONTROL.sub(" ", text).strip()[:EXCERPT]


def _said(text: str) -> str:
    """The sentence in an error body: from an object, a list of texts, a text, or as it is."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(value, Mapping):
        spoken = {str(key).casefold(): member for key, member in value.items()}
        parts = [spoken[name] for name in _SPOKEN if isinstance(spoken.get(name), str)]
        return ": ".join(reversed(parts)) or text
    if isinstance(value, list):
        return "; ".join(str(part) for part in value)
    return str(value)


def _looks_like(body: bytes) -> str:
    start = body.lstrip()[:15].lower()
    if not start:
        return "nothing"
    if start.startswith((b"<!doctype", b"<html")):
        return "a web page"
    return "half an answer" if start[:1] in b"[{" else "something else"
