"""Where checkpoints are kept outside the database. So far that is one kind of place: a file.

A line is a note as a JSON string, so that a line without its end is a note that was cut off.
Nothing here is ever taken back: the file may lie where only appending is allowed. No Django here.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from audit import checkpoints
from audit.durable import sync_folder
from audit.keys import NoteError
from audit.notes import MOST_BYTES

LONGEST_LINE = 2 * MOST_BYTES


class AnchorFile:
    """An append-only file; each line is on its disk before anybody is told."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, note: bytes) -> None:
        """See to it that the note is there, once. A line that was cut off is completed first."""
        line = _line(note)
        is_new = not self.path.exists()
        with self.path.open("a+b") as file:
            last, torn = _end(file)
            if torn and not line.startswith(torn):
                file.write(b"\n")  # some other line: it stays as it was left
                torn = b""
            if torn or _newer(line, last) or not _holds(file, line):
                file.write(line[len(torn) :])
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            sync_folder(self.path.parent)

    def lines(self) -> Iterator[bytes]:
        """Each line as it is, without its end. Raises OSError."""
        with self.path.open("rb") as file:
            while line := file.readline(LONGEST_LINE):
                if not line.endswith(b"\n") and len(line) < LONGEST_LINE:
                    return  # cut off: the signer completes it
                yield line.removesuffix(b"\n")


def note_of(line: bytes) -> bytes:
    """The note in a line. Raises NoteError."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, str):
        raise NoteError("It is no note in quotes.")
    try:
        return said.encode()
    except UnicodeEncodeError:
        raise NoteError("A note is UTF-8.") from None


def _line(note: bytes) -> bytes:
    return json.dumps(note.decode(), ensure_ascii=False).encode() + b"\n"


def _end(file: BinaryIO) -> tuple[bytes, bytes]:
    """The last whole line, and what comes after it."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - 2 * LONGEST_LINE))
    *whole, torn = file.read().split(b"\n")
    return (whole[-1] if whole else b""), torn


def _newer(line: bytes, last: bytes) -> bool:
    """Whether the line goes on where the last one ends: then it cannot be there already."""
    if not last:
        return True
    try:
        one, other = (checkpoints.unchecked(note_of(each)) for each in (line, last))
    except NoteError:
        return False
    return one.origin == other.origin and one.size > other.size


def _holds(file: BinaryIO, line: bytes) -> bool:
    file.seek(0)
    return any(each == line for each in file)
