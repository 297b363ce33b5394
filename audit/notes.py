"""Signed notes (C2SP signed-note): a text, an empty line, signatures. No Django here.

What is not exactly a note is refused with NoteError, soon, whatever it is.
"""

import re
from base64 import b64encode
from dataclasses import dataclass

from audit.keys import ID_BYTES, NoteError, PublicKey, SigningKey, exact_base64

MOST_BYTES = 128 * 1024  # room for sixteen signatures of kinds that are longer than ours
MOST_SIGNATURES = 16
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
SIGNATURE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+=*)")


@dataclass(frozen=True)
class Signature:
    name: str
    key_id: bytes
    value: bytes


@dataclass(frozen=True)
class Note:
    """A note that was read; nobody has checked who signed it yet."""

    text: bytes
    signatures: tuple[Signature, ...]

    def signed_by(self, key: PublicKey) -> bool:
        """Whether this key signed it. Raises NoteError for a signature in its name that is not."""
        found = [each for each in self.signatures if (each.name, each.key_id) == (key.name, key.id)]
        if not all(key.signed(self.text, each.value) for each in found):
            raise NoteError(f"A signature in the name of {key.name} is not by its key.")
        return bool(found)


def sign(text: bytes, key: SigningKey) -> bytes:
    signature = b64encode(key.public.id + key.sign(text)).decode()
    return text + f"\n— {key.name} {signature}\n".encode()


def read(note: bytes) -> Note:
    """Take a note apart. Raises NoteError."""
    if len(note) > MOST_BYTES:
        raise NoteError(f"A note has at most {MOST_BYTES} bytes.")
    try:
        whole = note.decode()
    except UnicodeDecodeError:
        raise NoteError("A note is UTF-8.") from None
    if CONTROL.search(whole):
        raise NoteError("A note has no control characters.")
    text, empty, signed = whole.rpartition("\n\n")
    if not text or not empty or not signed.endswith("\n"):
        raise NoteError("A note is a text, an empty line and signatures.")
    lines = signed.removesuffix("\n").split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise NoteError(f"A note has at most {MOST_SIGNATURES} signatures.")
    return Note(f"{text}\n".encode(), tuple(map(_signature, lines)))


def _signature(line: str) -> Signature:
    match = SIGNATURE.fullmatch(line)
    if match is None:
        raise NoteError("A signature is written — name base64.")
    value = exact_base64(match[2])
    if len(value) <= ID_BYTES:
        raise NoteError("A signature is cut off.")
    return Signature(match[1], value[:ID_BYTES], value[ID_BYTES:])
