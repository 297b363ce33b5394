"""Checkpoints (C2SP tlog-checkpoint): the log's name, size and root, signed. No Django here.

Each life of the data is a log with a name of its own: `baton.example/audit`, after a restore from
a backup `baton.example/audit/2`. The key is the same and bears that name.
"""

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from audit import notes
from audit.keys import NoteError, PublicKey, SigningKey, exact_base64
from audit.merkle import HASH_BYTES

SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
LARGEST_SIZE = 2**63 - 1
UNTIL = " until "


@dataclass(frozen=True)
class TreeHead:
    """What a checkpoint says."""

    origin: str
    size: int
    root: bytes

    def text(self) -> bytes:
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n".encode()

    @classmethod
    def read(cls, text: bytes) -> Self:
        """Three lines in their one form: we sign no others. Raises NoteError."""
        lines = text.decode().split("\n")
        if len(lines) != 4 or not lines[0]:
            raise NoteError("A checkpoint is a name, a size and a root.")
        origin, size, encoded, _ = lines
        if not SIZE.fullmatch(size) or int(size) > LARGEST_SIZE:
            raise NoteError("The size of a checkpoint is a number without leading zeros.")
        root = exact_base64(encoded)
        if len(root) != HASH_BYTES:
            raise NoteError(f"The root of a checkpoint has {HASH_BYTES} bytes.")
        return cls(origin, int(size), root)


def sign(head: TreeHead, key: SigningKey) -> bytes:
    return notes.sign(head.text(), key.called(head.origin))


def unchecked(note: bytes) -> TreeHead:
    """What a note claims, whoever signed it. Raises NoteError."""
    return TreeHead.read(notes.read(note).text)


def name_in(life: int, name: str) -> str:
    """What the log is called in this life of the data."""
    return name if life == 1 else f"{name}/{life}"


def life_of(origin: str, name: str) -> int | None:
    """Which life of the log of this name it is, or None: another log."""
    if origin == name:
        return 1
    rest = origin.removeprefix(f"{name}/")
    known = rest != origin and SIZE.fullmatch(rest) and int(rest) > 1
    return int(rest) if known else None


@dataclass(frozen=True)
class Opened:
    """A checkpoint that one of the published keys has signed."""

    note: bytes
    head: TreeHead
    life: int


@dataclass(frozen=True)
class Published:
    """A key that everybody knows. A retired one counts no further than its last size."""

    key: PublicKey
    until: int = LARGEST_SIZE

    @classmethod
    def read(cls, line: str) -> Self:
        vkey, word, until = line.partition(UNTIL)
        if word and not SIZE.fullmatch(until):
            raise NoteError("A retired key is written: vkey until size.")
        return cls(PublicKey.read(vkey), int(until) if word else LARGEST_SIZE)


@dataclass(frozen=True)
class KeyRing:
    """The published keys."""

    keys: tuple[Published, ...] = ()

    @classmethod
    def read(cls, lines: Iterable[str]) -> Self:
        """A line for each key; empty ones and those that begin with # say nothing."""
        told = (line.strip() for line in lines)
        return cls(tuple(Published.read(line) for line in told if line and line[0] != "#"))

    @classmethod
    def of_file(cls, path: Path) -> Self:
        """No file, no keys. Raises NoteError or OSError."""
        try:
            return cls.read(path.read_text().splitlines())
        except FileNotFoundError:
            return cls()
        except UnicodeDecodeError:
            raise NoteError("The published keys are no text.") from None

    def __bool__(self) -> bool:
        return bool(self.keys)

    def __contains__(self, key: PublicKey) -> bool:
        return any(each.key == key for each in self.keys)

    def opened(self, note: bytes) -> Opened:
        """What a note says, if one of the keys has signed it. Raises NoteError."""
        taken_apart = notes.read(note)
        head = TreeHead.read(taken_apart.text)
        for published, life in self._of(head.origin):
            if taken_apart.signed_by(published.key.called(head.origin)):
                if head.size > published.until:
                    raise NoteError(f"A key that ends at {published.until} signed {head.size}.")
                return Opened(note, head, life)
        raise NoteError(f"No published key has signed it for “{head.origin[:80]}”.")

    def _of(self, origin: str) -> Iterator[tuple[Published, int]]:
        for published in self.keys:
            if (life := life_of(origin, published.key.name)) is not None:
                yield published, life
