"""The log's rows: entries as the exact bytes that are hashed, the one head they hang from, and the
checkpoints that were signed over them.
"""

from typing import Any, NoReturn

from django.db import models

from audit.append_only import AppendOnlyError, AppendOnlyManager, AppendOnlyModel


class Entry(AppendOnlyModel):
    """One line of the log. Only `audit.log` adds rows; the columns repeat what the body says."""

    seq = models.BigIntegerField(primary_key=True)
    id = models.UUIDField(unique=True)
    body = models.BinaryField()
    leaf_hash = models.BinaryField(max_length=32)
    action = models.CharField(max_length=64, db_index=True)
    at = models.DateTimeField(db_index=True)
    organisation = models.UUIDField(null=True, db_index=True)
    subject = models.UUIDField(null=True, db_index=True)
    plan = models.UUIDField(null=True, db_index=True)
    destination = models.UUIDField(null=True, db_index=True)
    delivery = models.UUIDField(null=True, db_index=True)

    objects = AppendOnlyManager["Entry"]()

    class Meta:
        ordering = ["seq"]

    def __str__(self) -> str:
        return f"{self.seq} {self.action}"

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError("Audit entries are added by recording them, and never change.")


class Head(models.Model):
    """The log's one head: its size, the peaks of its tree, and the time of the last entry."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    size = models.BigIntegerField(default=0)
    peaks = models.BinaryField(default=bytes)
    last_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"head of {self.size}"


class Checkpoint(models.Model):
    """A signed tree head. Its size is its number: no size has two. `anchored_at` is when it was
    outside for certain, and is set once.
    """

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField(max_length=32)
    note = models.BinaryField()
    signed_at = models.DateTimeField()
    anchored_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["size"]

    def __str__(self) -> str:
        return f"checkpoint of {self.size}"


class SignerState(models.Model):
    """Why the signer refuses to sign, as a code; empty while it signs. One row."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    refusal = models.CharField(max_length=32, blank=True, default="")
    since = models.DateTimeField()

    def __str__(self) -> str:
        return self.refusal or "signs"
