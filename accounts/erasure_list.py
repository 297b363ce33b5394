"""The list of erasures outside the database: what no backup may bring back.

One JSON object a line, only ever added, on disk before the database says so. It names nobody:
an id, a pseudonym, a keyed hash, a time.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from io import FileIO
from pathlib import Path
from uuid import UUID

from django.conf import settings

from audit.durable import sync_folder

ASKED, DONE = "asked", "done"


class ErasureListError(Exception):
    """The list cannot be read or written, in words that say what to do."""


@dataclass(frozen=True, kw_only=True)
class Line:
    athlete: UUID
    pseudonym: UUID
    person: str
    what: str
    at: datetime

    @property
    def done(self) -> bool:
        return self.what == DONE


def path() -> Path:
    return Path(settings.BATON_ERASURES_FILE)


def add(line: Line) -> None:
    """Add the line, once, and have it on disk on return."""
    words = json.dumps(asdict(line), default=str, sort_keys=True) + "\n"
    try:
        with _held() as file:
            known = _lines(_whole(file))
            if any((one.athlete, one.what) == (line.athlete, line.what) for one in known):
                return
            file.write(words.encode())
            os.fsync(file.fileno())
    except OSError as error:
        raise ErasureListError(
            f"The list of erasures cannot be written ({error.strerror}): {path()}. Let Baton write "
            "there, or name another file in BATON_ERASURES_FILE. Nothing was erased."
        ) from error


def read() -> dict[UUID, Line]:
    """What the list says last of each athlete. Empty when there is no list."""
    try:
        content = path().read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ErasureListError(
            f"The list of erasures cannot be read ({error.strerror}): {path()}."
        ) from error
    found: dict[UUID, Line] = {}
    for line in _lines(content):
        if not (line.athlete in found and found[line.athlete].done):
            found[line.athlete] = line
    return found


@contextmanager
def _held() -> Iterator[FileIO]:
    """The list, held by this process alone; its name is on disk as well."""
    path().parent.mkdir(parents=True, exist_ok=True)
    made = not path().exists()
    with FileIO(os.open(path(), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if made:
            sync_folder(path().parent)
        yield file


def _whole(file: FileIO) -> bytes:
    """What it holds; a line that somebody died over never counted, and goes."""
    file.seek(0)
    content = file.readall()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        file.truncate(len(whole))
    return whole


def _lines(content: bytes) -> list[Line]:
    whole, _, _ = content.rpartition(b"\n")
    return [_line(number, words) for number, words in enumerate(whole.splitlines(), 1)]


def _line(number: int, words: bytes) -> Line:
    try:
        said = json.loads(words)
        return Line(
            athlete=UUID(said["athlete"]),
            pseudonym=UUID(said["pseudonym"]),
            person=str(said["person"]),
            what=str(said["what"]),
            at=datetime.fromisoformat(said["at"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ErasureListError(
            f"Line {number} of the list of erasures cannot be read: {path()}. Put the list back "
            "from its own backup."
        ) from error
