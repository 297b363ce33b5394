"""What was signed, stored or kept outside, as claims about the log that a single pass checks."""

from collections.abc import Iterator
from heapq import merge
from pathlib import Path

from django.conf import settings

from audit import checkpoints
from audit.anchors import AnchorFile, note_of
from audit.checking import Claim, Report
from audit.checkpoints import KeyRing, TreeHead
from audit.keys import NoteError
from audit.models import Checkpoint, Head

PAGE = 500
STORED, OUTSIDE = "in the database", "outside"


class Signed:
    """The checkpoints of a log of this size. What is signed meanwhile is compared at the end."""

    def __init__(self, report: Report, size: int, anchors: Path | None, ring: KeyRing) -> None:
        self.report = report
        self.size = size
        self.anchors = AnchorFile(anchors or settings.BATON_ANCHOR_FILE)
        self.insists = anchors is not None
        self.ring = ring
        self.beyond: dict[str, int] = {}

    def claims(self) -> Iterator[Claim]:
        """The smallest first."""
        for claim in merge(self._stored(), self._outside(), key=lambda claim: claim.size):
            if claim.size <= self.size:
                yield claim
            else:
                self.beyond[claim.where] = max(claim.size, self.beyond.get(claim.where, 0))

    def finish(self) -> None:
        """A checkpoint of more entries than there are by now: the end of the log was cut."""
        head = Head.objects.filter(pk=1).first()
        for where, size in self.beyond.items():
            if head is not None and size > head.size:
                words = f"A checkpoint {where} counts {size} entries; the log has {head.size}."
                self.report.note(None, "cut", words)

    def _stored(self) -> Iterator[Claim]:
        """Of every life: what was put back from a backup is still what was signed then."""
        last = -1
        columns = ("size", "root", "note")
        ordered = Checkpoint.objects.order_by("size").values_list(*columns)
        while page := list(ordered.filter(size__gt=last)[:PAGE]):
            for size, root, note in page:
                last = size
                head = self._read(bytes(note), STORED)
                if head is not None and (head.size, head.root) != (size, bytes(root)):
                    words = f"Checkpoint {size}: the columns differ from its note."
                    self.report.note(None, "column", words)
                yield Claim(size, bytes(root), STORED)

    def _outside(self) -> Iterator[Claim]:
        """Of this life: what an earlier one signed after the backup is lost, and rightly so."""
        last = 0
        for head in self._heads_outside():
            life = self._life(head)
            if life is None or life < settings.BATON_INCARNATION:
                continue
            if head.size < last:
                words = f"Outside, a checkpoint of {head.size} entries follows one of {last}."
                self.report.cannot_tell(f"{words} Put them in their order.")
                continue
            last = self.report.outside = head.size
            yield Claim(head.size, head.root, OUTSIDE)

    def _heads_outside(self) -> Iterator[TreeHead]:
        try:
            for line in self.anchors.lines():
                try:
                    head = self._read(note_of(line), OUTSIDE)
                except NoteError as error:
                    self.report.cannot_tell(f"A line of the anchors cannot be read: {error}")
                    continue
                if head is not None:
                    yield head
        except OSError as error:
            if self.insists:
                self.report.cannot_tell(f"The anchors cannot be read ({error}).")

    def _read(self, note: bytes, where: str) -> TreeHead | None:
        """What it says; that it was not signed by us is a finding."""
        try:
            if not self.ring:
                self.report.cannot_tell("No key is published here: nobody knows who signed.")
                return checkpoints.unchecked(note)
            return self.ring.opened(note).head
        except NoteError as error:
            words = f"A checkpoint {where} does not count: {error}"
            self.report.note(None, "signature", words)
            return None

    def _life(self, head: TreeHead) -> int | None:
        names = [published.key.name for published in self.ring.keys]
        lives = (checkpoints.life_of(head.origin, name) for name in names)
        return next((life for life in lives if life is not None), None if self.ring else 1)
