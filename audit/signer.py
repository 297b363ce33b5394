"""Signing checkpoints: a process apart, with a key and a memory that no other process has.

It signs nothing that does not continue what it signed before. What it has signed is in its own
file before it is stored, and stored before it is kept outside; after a crash the next round
finishes what the last one began.
"""

import logging
import os
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.db import Error, connection
from django.db.models import Max

from audit import checkpoints, merkle, stored
from audit.anchors import AnchorFile, note_of
from audit.checkpoints import KeyRing, Opened, TreeHead
from audit.crashpoint import crashpoint
from audit.durable import sync_folder
from audit.keys import NoteError, SigningKey
from audit.log import now
from audit.models import Checkpoint, Head, SignerState

logger = logging.getLogger(__name__)

LOOK_EVERY = 1.0  # seconds between two looks at the head


class RefusedError(Exception):
    """What the signer will not sign, as a code and in words: a person must look."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


@dataclass
class Signer:
    """`run` until somebody says stop."""

    key: SigningKey
    ring: KeyRing
    life: int
    memory: Path
    anchor: AnchorFile
    every: timedelta
    entries: int

    def __post_init__(self) -> None:
        self.origin = checkpoints.name_in(self.life, self.key.name)
        self.peaks: merkle.Peaks | None = None  # of what was signed last; None: not begun yet
        self.least = 0  # what is stored has this size: the next one is larger
        self.unstored: Opened | None = None
        self.signed_at = float("-inf")

    def run(self, stop: threading.Event) -> None:
        """Sign until told to stop, then once more. Raises RefusedError."""
        last = False
        while not last:
            last = stop.wait(min(LOOK_EVERY, self.every.total_seconds()))
            try:
                self.round(at_once=last)
            except (Error, OSError) as trouble:
                logger.warning("No checkpoint could be kept: %s", trouble)
                connection.close()

    def round(self, *, at_once: bool = False) -> None:
        """Finish what was begun, then sign if it is time, or at once. Raises RefusedError."""
        try:
            self._round(at_once=at_once)
        except RefusedError as refusal:
            _note_refusal(refusal.code)
            raise

    def _round(self, *, at_once: bool) -> None:
        peaks = self._begin() if self.peaks is None else self.peaks
        head = _head()
        if self._due(head.size, peaks.size, at_once=at_once):
            self._sign(head, peaks)
        if self.unstored:
            self._store(self.unstored)
            self.unstored = None
        self._anchor_all()

    # --- beginning -------------------------------------------------------------------------

    def _begin(self) -> merkle.Peaks:
        """Hold what it knows to have signed against the log, all of it in one pass."""
        signed = sorted(self._signed(), key=lambda opened: opened.head.size)
        known = [opened for opened in signed if opened.life == self.life]
        size = known[-1].head.size if known else 0
        _not_smaller(_head().size, size)
        peaks = _checked(known, size)
        for opened in known:
            self._store(opened)
        self._anchor_all()
        for opened in known[-1:] or signed[-1:]:
            self.anchor.keep(opened.note)  # it may be a new place, or cut off in an earlier life
        self.least = Checkpoint.objects.aggregate(newest=Max("size"))["newest"] or 0
        _note_refusal("")
        self.peaks = peaks
        return peaks

    def _signed(self) -> list[Opened]:
        """The newest that it remembers, that is outside and that is stored."""
        remembered = self.memory.read_bytes() if self.memory.exists() else None
        stored_last = Checkpoint.objects.order_by("-size").values_list("note", flat=True).first()
        try:
            notes = [remembered, self._outside(), stored_last]
            return [self.ring.opened(bytes(note)) for note in notes if note is not None]
        except NoteError as error:
            raise RefusedError("unreadable", f"What was signed cannot be read: {error}") from None

    def _outside(self) -> bytes | None:
        """The newest note of this life outside. Two that contradict each other are refused."""
        newest, kept = TreeHead(self.origin, 0, merkle.EMPTY), None
        try:
            for note in map(note_of, self.anchor.lines()):
                head = checkpoints.unchecked(note)
                if head.origin != self.origin or head.size < newest.size:
                    continue
                if head.size == newest.size and head.root != newest.root:
                    raise RefusedError("forked", f"Outside, {head.size} entries have two roots.")
                newest, kept = head, note
        except FileNotFoundError:
            return None
        return kept

    # --- signing ---------------------------------------------------------------------------

    def _due(self, size: int, signed: int, *, at_once: bool) -> bool:
        _not_smaller(size, signed)
        grown = size - max(signed, self.least)
        waited = time.monotonic() - self.signed_at >= self.every.total_seconds()
        return grown > 0 and (at_once or waited or grown >= self.entries)

    def _sign(self, head: Head, signed: merkle.Peaks) -> None:
        """Continue the tree that was signed last by what the entries say: it leads to the head."""
        peaks = merkle.Peaks(signed.size, signed.hashes)
        for (body,) in stored.rows(("body",), since=peaks.size, until=head.size):
            peaks.append(merkle.leaf_hash(bytes(body)))
        if (peaks.size, peaks.to_bytes()) != (head.size, bytes(head.peaks)):
            words = "The entries do not lead from what was signed to what the head holds."
            raise RefusedError("inconsistent", words)
        said = TreeHead(self.origin, peaks.size, peaks.root())
        self.unstored = Opened(checkpoints.sign(said, self.key), said, self.life)
        _remember(self.memory, self.unstored.note)
        self.peaks, self.signed_at = peaks, time.monotonic()
        crashpoint("P22")

    def _store(self, opened: Opened) -> None:
        row, created = Checkpoint.objects.get_or_create(
            size=opened.head.size,
            defaults={"root": opened.head.root, "note": opened.note, "signed_at": now()},
        )
        if bytes(row.note) != opened.note:
            words = f"Another checkpoint of {opened.head.size} entries is stored."
            raise RefusedError("forked", words)
        if created:
            crashpoint("P23")

    def _anchor_all(self) -> None:
        """Whatever is stored and not known to be outside: usually one."""
        for row in Checkpoint.objects.filter(anchored_at=None).order_by("size"):
            self.anchor.keep(bytes(row.note))
            Checkpoint.objects.filter(pk=row.pk, anchored_at=None).update(anchored_at=now())


def _head() -> Head:
    head = Head.objects.filter(pk=1).first()
    if head is None:
        raise RefusedError("smaller", "The log's head is gone.")
    return head


def _not_smaller(size: int, signed: int) -> None:
    if size < signed:
        words = f"The log has {size} entries, and {signed} were signed already."
        raise RefusedError("smaller", f"{words} Was a backup put back?")


def _checked(known: list[Opened], size: int) -> merkle.Peaks:
    """The peaks of the log at this size, if every known checkpoint fits on the way there."""
    peaks, wanted = merkle.Peaks(), {opened.head.size for opened in known}
    roots = {0: peaks.root()}
    for leaf in stored.leaves(range(size)):
        peaks.append(leaf)
        if peaks.size in wanted:
            roots[peaks.size] = peaks.root()
    for opened in known:
        if roots.get(opened.head.size) != opened.head.root:
            words = f"The first {opened.head.size} entries are not those that were signed."
            raise RefusedError("inconsistent", words)
    return peaks


def _remember(memory: Path, note: bytes) -> None:
    """In place of the one before, whole or not at all."""
    unfinished = memory.with_name(f"{memory.name}.new")
    with unfinished.open("wb") as file:
        file.write(note)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(memory)
    sync_folder(memory.parent)


def _note_refusal(code: str) -> None:
    """The watchdog reads it; it is written when it changes."""
    state = SignerState.objects.filter(pk=1).first()
    if (state.refusal if state else "") != code:
        SignerState.objects.update_or_create(pk=1, defaults={"refusal": code, "since": now()})
