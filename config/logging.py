"""One event, one line, and no secrets: the shape of the logs."""

import logging
import re
from typing import Any

SECRETS = [
    (re.compile(r"(/(?:hooks/trainingpeaks|feeds)/[^/\s]+/)[^/\s\"'?]+"), r"\1…"),
    (re.compile(r"(/a/)[^/\s\"'?]+"), r"\1…"),
    (re.compile(r"(?i)\b(bearer|basic|token)\s+[A-Za-z0-9._~+/=!-]{8,}"), r"\1 …"),
    (
        re.compile(
            r"(?i)\b(access_token|refresh_token|client_secret|code|state|password|wstoken)=[^&\s\"']+"
        ),
        r"\1=…",
    ),
    (re.compile(r"\bwhsec_[A-Za-z0-9+/=]+"), "whsec_…"),
]
MAXIMUM_LENGTH = 2_000


def redact(text: str) -> str:
    for pattern, replacement in SECRETS:
        text = pattern.sub(replacement, text)
    return text


def one_line(text: str) -> str:
    """Control characters become visible escapes, so that one event cannot pretend to be two."""
    escaped = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return escaped[:MAXIMUM_LENGTH]


class SafeFormatter(logging.Formatter):
    """Formats as usual, then hides secrets; a traceback keeps its lines, a message is one line."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the standard library's name
        record.message = one_line(record.message)
        return redact(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the standard library's name
        return redact(super().formatException(ei))


def logging_config(level: str) -> dict[str, Any]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": "config.logging.SafeFormatter",
                "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django.server": {"handlers": [], "propagate": True},
            "celery.app.trace": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
        },
    }
