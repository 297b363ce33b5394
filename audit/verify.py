"""Verifying the log in the database: entries, head, columns, checkpoints, triggers, sealed changes.

The log goes on growing meanwhile: what is checked is what the head counted at the beginning.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Max, TextField
from django.db.models.functions import Cast

from audit import checking, entry, merkle, sealing, signed, stored, triggers
from audit.checking import Report
from audit.checkpoints import KeyRing
from audit.keys import NoteError
from audit.models import Entry, Head

PLAIN = ("seq", "action", "at")
IDENTITIES = ("id", *entry.LOOKUPS)
AS_TEXT = [Cast(name, TextField()) for name in IDENTITIES]  # a million UUIDs are slow to make


def verify(anchors: Path | None = None, vkeys: Sequence[str] = ()) -> Report:
    """Check everything. The findings name the entry that is not as it was written.

    Without a file of anchors or public keys, those of the settings are taken; the anchors only if
    they can be read.
    """
    report = Report()
    try:
        _verify(report, anchors, vkeys)
    except DatabaseError as error:
        report.cannot_tell(f"The log cannot be read ({type(error).__name__}).")
    return report


def _verify(report: Report, anchors: Path | None, vkeys: Sequence[str]) -> None:
    head = Head.objects.filter(pk=1).first()
    if head is None:
        report.note(None, "head", "The log's head is gone.")
        return
    known = signed.Signed(report, head.size, anchors, _published(vkeys, report))
    bodies, root = _bodies(head.size, report), _root(head, report)
    checking.check(bodies, size=head.size, root=root, report=report, claims=known.claims())
    known.finish()
    _beyond(report)
    _repeated(report)
    for name in triggers.missing():
        report.note(None, "trigger", f"The trigger {name} is gone or was changed.")
    for seq, words in sealing.altered():
        report.note(seq, "model", words)


def _published(vkeys: Sequence[str], report: Report) -> KeyRing:
    try:
        return KeyRing.read(vkeys) or KeyRing.of_file(settings.BATON_CHECKPOINT_VKEYS_FILE)
    except (OSError, NoteError) as error:
        report.cannot_tell(f"The public keys cannot be read ({error}).")
        return KeyRing()


def _root(head: Head, report: Report) -> bytes:
    try:
        return merkle.Peaks.from_bytes(head.size, bytes(head.peaks)).root()
    except ValueError as error:
        report.note(None, "head", f"The head is damaged: {error}")
        return b""


def _bodies(size: int, report: Report) -> Iterator[bytes]:
    """The entries in order; on the way each row's columns are compared with its own bytes."""
    for body, leaf, *columns in stored.rows(("body", "leaf_hash", *PLAIN, *AS_TEXT), until=size):
        _compare(bytes(body), bytes(leaf), columns, report)
        yield bytes(body)


def _compare(body: bytes, leaf: bytes, columns: list[Any], report: Report) -> None:
    seq, action, at, *identities = columns
    if merkle.leaf_hash(body) != leaf:
        words = f"Entry {seq} does not have the hash that was stored with it."
        report.note(seq, "leaf", words)
    try:
        line = entry.decode(body)
    except ValueError:
        return  # the check of the bodies says so
    held = [seq, action, entry.time_text(at), *map(_bare, identities)]
    said = [line["seq"], line.get("action"), line.get("time")]
    said += [_bare(line.get(name)) for name in IDENTITIES]
    if held == said:
        return
    for column, one, other in zip((*PLAIN, *IDENTITIES), held, said, strict=True):
        if one != other:
            report.note(seq, "column", f"Entry {seq}: the column {column} differs from its bytes.")


def _bare(identity: Any) -> Any:
    """SQLite keeps identities without their dashes."""
    return identity.replace("-", "") if isinstance(identity, str) else identity


def _beyond(report: Report) -> None:
    """Rows that the head does not count. The head is read after them, and only ever grows."""
    newest = Entry.objects.aggregate(newest=Max("seq"))["newest"]
    head = Head.objects.filter(pk=1).first()
    if newest is not None and head is not None and newest >= head.size:
        report.note(newest, "beyond", f"Entry {newest} is beyond the {head.size} that count.")


def _repeated(report: Report) -> None:
    """Identities are unique, unless somebody took the constraint off."""
    times = Entry.objects.order_by().values("id").annotate(times=Count("id"))
    again = times.filter(times__gt=1).values_list("id", flat=True)[: checking.MOST_FINDINGS]
    for identity in again:
        seqs = list(Entry.objects.filter(id=identity).values_list("seq", flat=True))
        words = f"Entries {' and '.join(map(str, seqs))} have the same identity."
        report.note(seqs[-1], "repeated", words)
