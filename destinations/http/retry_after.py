"""`Retry-After`: seconds or an HTTP date. Garbage and the past are ignored; a day is the most."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST = timedelta(hours=24)
LONGEST_TEXT = 64
SECONDS = re.compile(r"[0-9]{1,20}", re.ASCII)


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
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment - now
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
