"""The mark: how far the log had come, in a small file outside the database.

A backup that is put back lacks the entry that the file names. The file is about one log, in one
life: what is missing, cannot be read or belongs to another installation says nothing.
"""

import json
import logging
import os
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock

from django.conf import settings

from audit.models import Entry

logger = logging.getLogger(__name__)

EVERY = 60.0  # seconds between two looks of one process, and between two marks

_lock = Lock()
_looked: dict[int, tuple[float, bool]] = {}  # life → when, monotonic, and what was seen
_kept_at: list[float] = []


@dataclass(frozen=True)
class Mark:
    log: str  # the id of its first entry, which no other installation has
    seq: int
    entry: str
    life: int


def lacking(life: int) -> bool:
    """Whether the database lacks what its log had in this life or a later one. Looks once a minute
    at most.
    """
    if not settings.BATON_MARK_FILE:
        return False
    with _lock:
        at, seen = _looked.get(life, (0.0, False))
        if life not in _looked or time.monotonic() - at > EVERY:
            seen = _lacks(read(), life)
            _looked[life] = (time.monotonic(), seen)
        return seen


def keep(life: int) -> None:
    """Write down how far the log is now, once a minute at most; never less than is there."""
    if not settings.BATON_MARK_FILE:
        return
    with _lock:
        if _kept_at and time.monotonic() - _kept_at[-1] < EVERY:
            return
        _kept_at[:] = [time.monotonic()]
    before, now = read(), _now(life)
    if now is not None and now != before and not _lacks(before, life):
        _write(now)


def forget() -> None:
    """Look again at once, and write again at once."""
    with _lock:
        _looked.clear()
        _kept_at.clear()


def read() -> Mark | None:
    """What the file says; None when it says nothing that can be understood."""
    try:
        found = json.loads(Path(settings.BATON_MARK_FILE).read_bytes())
        return Mark(str(found["log"]), int(found["seq"]), str(found["entry"]), int(found["life"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("BATON_MARK_FILE cannot be read (%s): it says nothing.", error)
        return None


def life() -> int:
    """The latest life that the file knows of this log."""
    mark = read() if settings.BATON_MARK_FILE else None
    return mark.life if mark is not None and mark.log == _first() else 1


def _lacks(mark: Mark | None, life: int) -> bool:
    if mark is None or mark.life < life or mark.log != _first():
        return False
    there = Entry.objects.filter(seq=mark.seq).values_list("id", flat=True).first()
    return str(there) != mark.entry


def _now(life: int) -> Mark | None:
    last = Entry.objects.order_by("-seq").values_list("seq", "id").first()
    return Mark(_first(), last[0], str(last[1]), life) if last else None


def _first() -> str:
    return str(Entry.objects.order_by("seq").values_list("id", flat=True).first())


def _write(mark: Mark) -> None:
    """Whole or not at all, whenever the machine stops."""
    place = Path(settings.BATON_MARK_FILE)
    try:
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".mark-") as made:
            new = Path(made, place.name)
            with new.open("wb") as file:
                file.write(json.dumps(asdict(mark)).encode())
                file.flush()
                os.fsync(file.fileno())
            new.replace(place)
    except OSError as error:
        logger.warning("BATON_MARK_FILE cannot be written (%s): a restore may go unseen.", error)
