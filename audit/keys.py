"""Keys that sign checkpoints, written as C2SP writes them: `name+id+base64`. No Django here.

`python -m audit.keys NAME KEYFILE VKEYSFILE` makes a pair: the first file is the signer's alone,
the second is for everybody.
"""

import binascii
import os
import re
import sys
from argparse import ArgumentParser
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
KEY_BYTES, ID_BYTES = 32, 4
NAME = re.compile(r"[^\s+\x00-\x1f\x7f]{1,200}")
PRIVATE = "PRIVATE+KEY+"


class NoteError(ValueError):
    """A key, a note or a checkpoint that is not what it should be."""


@dataclass(frozen=True)
class PublicKey:
    """What a signature is checked with; its text is its vkey."""

    name: str
    key: bytes

    @property
    def id(self) -> bytes:
        """The first bytes of a digest: they tell keys of one name apart, and prove nothing."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.key).digest()[:ID_BYTES]

    def __str__(self) -> str:
        return _text(self.name, self.id, self.key)

    @classmethod
    def read(cls, text: str) -> Self:
        name, key_id, key = _parts(text)
        read = cls(name, key)
        if read.id != key_id:
            raise NoteError(f"The key {name} does not have the id it is written with.")
        return read

    def called(self, name: str) -> Self:
        return replace(self, name=name)

    def signed(self, text: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class SigningKey:
    """What only the signer has."""

    name: str
    seed: bytes = field(repr=False)

    @classmethod
    def make(cls, name: str) -> Self:
        return cls(_name(name), os.urandom(KEY_BYTES))

    @classmethod
    def read(cls, text: str) -> Self:
        if not text.startswith(PRIVATE):
            raise NoteError(f"A signing key begins with {PRIVATE}.")
        name, key_id, seed = _parts(text.removeprefix(PRIVATE))
        read = cls(name, seed)
        if read.public.id != key_id:
            raise NoteError(f"The key {name} does not have the id it is written with.")
        return read

    @property
    def public(self) -> PublicKey:
        return PublicKey(self.name, self._key.public_key().public_bytes_raw())

    @property
    def private_text(self) -> str:
        return PRIVATE + _text(self.name, self.public.id, self.seed)

    def called(self, name: str) -> Self:
        return replace(self, name=name)

    def sign(self, text: bytes) -> bytes:
        return self._key.sign(text)

    @property
    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def make_files(name: str, key_file: Path, vkeys_file: Path) -> SigningKey:
    """Make a key, in a file that only its owner can read, and publish its vkey.

    Raises FileExistsError where there is a key already.
    """
    key = SigningKey.make(name)
    handle = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(f"{key.private_text}\n")
    with vkeys_file.open("a") as file:
        file.write(f"{key.public}\n")
    return key


def exact_base64(text: str) -> bytes:
    """The bytes, if this is the one way to write them."""
    try:
        decoded = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError("It is not base64.") from None
    if b64encode(decoded).decode() != text:
        raise NoteError("It is not base64 as it is written.")
    return decoded


def _text(name: str, key_id: bytes, key: bytes) -> str:
    return f"{name}+{key_id.hex()}+{b64encode(ED25519 + key).decode()}"


def _parts(text: str) -> tuple[str, bytes, bytes]:
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    if not re.fullmatch(r"[0-9a-f]{8}", key_id):
        raise NoteError("A key is written name+id+base64.")
    key = exact_base64(encoded)
    if len(key) != KEY_BYTES + 1 or key[:1] != ED25519:
        raise NoteError("The key is not one of Ed25519.")
    return _name(name), bytes.fromhex(key_id), key[1:]


def _name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise NoteError("The name of a key has no space, no + and at most 200 characters.")
    return name


def main(arguments: Sequence[str] | None = None) -> int:
    parser = ArgumentParser(description="Make the key that signs checkpoints.")
    parser.add_argument("name", help="the log's name for good, as baton.example/audit")
    parser.add_argument("key_file", type=Path)
    parser.add_argument("vkeys_file", type=Path)
    chosen = parser.parse_args(arguments)
    try:
        key = make_files(chosen.name, chosen.key_file, chosen.vkeys_file)
    except (OSError, NoteError) as error:
        sys.stderr.write(f"No key was made: {error}\n")
        return 1
    sys.stdout.write(f"{key.public}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
