"""Sealing: AES-256-GCM under the key ring; a sealed value opens only in its own row and column."""

import base64
import binascii
import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import models

NONCE_BYTES = 12
UNREADABLE = "?"


class SealedError(ValueError):
    """A sealed value does not open: wrong key, wrong place or altered."""


def seal(data: bytes, *, aad: str) -> bytes:
    key_id, key = next(iter(settings.BATON_KEYS.items()))
    return key_id.encode() + b":" + seal_with(key, data, f"{aad}|{key_id}")


def unseal(sealed: bytes, *, aad: str) -> bytes:
    key_id, _, body = sealed.partition(b":")
    name = key_id.decode(errors="replace")
    try:
        key = settings.BATON_KEYS[name]
    except KeyError:
        raise SealedError(f"The key “{name[:32]}” is not in BATON_KEYS.") from None
    return unseal_with(key, body, f"{aad}|{name}")


def opened(text: str, *, aad: str) -> str:
    """What a column holds, in the open."""
    try:
        sealed = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise SealedError("A sealed value was damaged.") from None
    return unseal(sealed, aad=aad).decode()


def closed(text: str, *, aad: str) -> str:
    """What a column is to hold, under the newest key."""
    return base64.b64encode(seal(text.encode(), aad=aad)).decode()


def newest_key() -> str:
    return next(iter(settings.BATON_KEYS))


def key_of(text: str) -> str:
    """The id of the key that sealed this; UNREADABLE when it was never sealed."""
    try:
        key_id, found, _ = base64.b64decode(text, validate=True).partition(b":")
        return key_id.decode() if found else UNREADABLE
    except (binascii.Error, UnicodeDecodeError):
        return UNREADABLE


def seal_with(key: bytes, data: bytes, aad: str) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, data, aad.encode())


def unseal_with(key: bytes, sealed: bytes, aad: str) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], aad.encode())
    except (InvalidTag, ValueError):  # altered, moved, or too short to be one
        raise SealedError("A sealed value does not open here.") from None


class Ciphertext(str):
    """A value as the database holds it, not yet opened."""

    __slots__ = ()


class _Opens:
    """Opens the value when it is first asked for: only the row knows where it belongs."""

    def __init__(self, field: "SealedField") -> None:
        self.field = field

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        if self.field.attname not in instance.__dict__:  # left out by only() or defer()
            instance.refresh_from_db(fields=[self.field.attname])
        value = instance.__dict__[self.field.attname]
        if isinstance(value, Ciphertext):
            value = self.field.opened(instance, value)
            instance.__dict__[self.field.attname] = value
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class SealedField(models.TextField[str | None, str | None]):
    """Nullable text, sealed in the database and bound to its table, column and row.

    The row's primary key must be set before it is saved, as a UUID key always is.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.update(null=True, blank=True, editable=False)
        super().__init__(*args, **kwargs)

    def contribute_to_class(self, cls: Any, name: str, private_only: bool = False) -> None:  # noqa: FBT001, FBT002 - Django's signature
        super().contribute_to_class(cls, name, private_only)
        setattr(cls, name, _Opens(self))

    def from_db_value(self, value: Any, *_: Any) -> Any:
        return None if value is None else Ciphertext(value)

    def pre_save(self, model_instance: Any, add: bool) -> Any:  # noqa: FBT001 - Django's signature
        held = model_instance.__dict__.get(self.attname)
        if held is None:
            return None
        if isinstance(held, Ciphertext):
            return self._renewed(model_instance, held)
        if model_instance.pk is None:
            raise SealedError("A row needs its primary key before something is sealed in it.")
        return closed(str(held), aad=self.place(model_instance.pk))

    def opened(self, instance: Any, value: str) -> str:
        return opened(value, aad=self.place(instance.pk))

    def _renewed(self, instance: Any, held: Ciphertext) -> str:
        """A row read before the key was changed does not bring the old key back when saved."""
        if key_of(held) == newest_key():
            return held
        try:
            return closed(self.opened(instance, held), aad=self.place(instance.pk))
        except SealedError:
            return held  # what does not open stays as it is

    def place(self, key: Any) -> str:
        """Where a value belongs: this table, this column, the row of this primary key."""
        return f"{self.model._meta.db_table}.{self.column}:{key}"  # noqa: SLF001 - Django's public name
