"""`Retry-After`: seconds or an HTTP date. Garbage and the past are ignored; a day is the most."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST = timedelta(hours=24)
LONGEST_TEXT = 64
SECONDS = re.compile(r"[0-9]{1,20}", re.ASCII)


def asked_pause(headers: Mapping[str, str]) -> timedelta | None:
    """The pause an answer asks for. A date counts from the answer's own, not from our clock."""
    return parse_retry_after(headers.get("Retry-After"), now=_moment(headers.get("Date") or ""))


def parse_retry_after(value: str | None, *, now: datetime | None = None) -> timedelta | None:
    """The pause that is asked for, or None when nothing usable is said."""
    text = (value or "").strip(" \t")
    if not text or len(text) > LONGEST_TEXT:
        return None
    pause = _seconds(text) if SECONDS.fullmatch(text) else _until(text, now or datetime.now(UTC))
    if pause is None or pause < timedelta(0):
        return None
    return min(pause, LONGEST)


def _seconds(text: str) -> timedelta:
    return timedelta(seconds=min(int(text), LONGEST.total_seconds()))


def _until(text: str, now: datetime) -> timedelta | None:
    moment = _moment(text)
    return None if moment is None else moment - now


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
