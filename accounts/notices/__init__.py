"""What an athlete is told before deciding. A published text is never edited: a new one is added."""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

FOLDER = Path(__file__).parent
NEWEST = "en-1"


@dataclass(frozen=True)
class Notice:
    """A text, its version (language and number) and the hash that a decision keeps of it."""

    version: str
    text: str

    @property
    def language(self) -> str:
        return self.version.partition("-")[0]

    @property
    def hash(self) -> str:
        return sha256(self.text.encode()).hexdigest()


def newest() -> Notice:
    return read(NEWEST)


@cache
def read(version: str) -> Notice:
    """The text of this version. Raises FileNotFoundError when there never was one."""
    return Notice(version, (FOLDER / f"{version}.txt").read_text(encoding="utf-8"))
