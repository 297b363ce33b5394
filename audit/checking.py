"""Checking a log entry by entry, in one pass, remembering one entry. No Django: an export is
checked alike.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from audit import entry, merkle

MOST_FINDINGS = 50
LIMITS = (
    "This shows that the log is as it was written, not that what was recorded is true. Entries "
    "newer than the last checkpoint outside could be cut unseen, and whoever holds the signing key "
    "and every checkpoint outside could write all of it anew."
)


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was written: which entry, a code for it, and words."""

    seq: int | None
    code: str
    words: str


@dataclass(frozen=True)
class Claim:
    """A checkpoint, whose signature somebody else looks at: the root of so many entries."""

    size: int
    root: bytes
    where: str


@dataclass
class Report:
    """What a check found. `size` entries were read; `root` is the tree head they give;
    `checkpoints` were compared with it, and `outside` is how many entries the newest one covers
    that is kept elsewhere.
    """

    size: int = 0
    root: str = ""
    checkpoints: int = 0
    outside: int | None = None
    findings: list[Finding] = field(default_factory=list)
    more: int = 0  # findings beyond those that are kept
    unreadable: str = ""

    @property
    def good(self) -> bool:
        return not self.findings and not self.unreadable

    @property
    def exit_code(self) -> int:
        """0 good, 1 tampering, 2 cannot tell."""
        if self.findings:
            return 1
        return 2 if self.unreadable else 0

    def cannot_tell(self, words: str) -> None:
        self.unreadable = self.unreadable or words

    def note(self, seq: int | None, code: str, words: str) -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(seq, code, words))
        else:
            self.more += 1

    def as_json(self) -> str:
        return json.dumps({"good": self.good, "exit": self.exit_code, **asdict(self)})

    def as_text(self) -> str:
        lines = [finding.words for finding in self.findings]
        if self.more:
            lines.append(f"And {self.more} more.")
        if self.unreadable:
            lines.append(self.unreadable)
        verdict = {0: "good", 1: "NOT as it was written", 2: "cannot tell"}[self.exit_code]
        root = f", root {self.root[:16]}…" if self.root else ""
        lines.append(f"{self.size} entries{root}: {verdict}.")
        return "\n".join([*lines, self._compared(), LIMITS])

    def _compared(self) -> str:
        outside = "none outside" if self.outside is None else f"outside up to {self.outside}"
        return f"Compared with checkpoints: {self.checkpoints}, {outside}."


def check(
    bodies: Iterable[bytes],
    *,
    size: int,
    root: bytes,
    report: Report,
    claims: Iterable[Claim] = (),
) -> None:
    """Check entries against the tree head that was noted when the last one was written, and
    against checkpoints, the smallest first.
    """
    peaks, line, signed = merkle.Peaks(), _Line(report), _Claims(claims, report)
    signed.compare(peaks)
    for body in bodies:
        peaks.append(merkle.leaf_hash(body))
        line.follow(body)
        signed.compare(peaks)
    signed.finish(peaks.size)
    report.size, report.root = peaks.size, peaks.root().hex()
    if peaks.size != size:
        report.note(None, "size", f"The head counts {size} entries; there are {peaks.size}.")
    elif peaks.root() != root:
        report.note(None, "root", "The entries do not give the root that the head holds.")


class _Claims:
    """Checkpoints, each compared when so many entries were read. It remembers one of them."""

    def __init__(self, claims: Iterable[Claim], report: Report) -> None:
        self.rest = iter(claims)
        self.report = report
        self.last: Claim | None = None
        self.next = next(self.rest, None)

    def compare(self, peaks: merkle.Peaks) -> None:
        while self.next is not None and self.next.size == peaks.size:
            claim = self._take()
            if claim.root != peaks.root():
                words = f"A checkpoint {claim.where} gives {claim.size} entries another root."
                self.report.note(None, "checkpoint", words)

    def finish(self, size: int) -> None:
        while self.next is not None:
            claim = self._take()
            words = f"A checkpoint {claim.where} counts {claim.size} entries; there are {size}."
            self.report.note(None, "cut", words)

    def _take(self) -> Claim:
        assert self.next is not None  # noqa: S101 - both callers have looked
        claim, last = self.next, self.last
        if last is not None and last.size == claim.size and last.root != claim.root:
            words = f"Two checkpoints of {claim.size} entries have different roots: a fork."
            self.report.note(None, "fork", words)
        self.last, self.next = claim, next(self.rest, None)
        self.report.checkpoints += 1
        return claim


class _Line:
    """One entry after the other: numbers without a gap, times that never go back."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.last = -1
        self.last_time = ""

    def follow(self, body: bytes) -> None:
        try:
            said = entry.decode(body)
        except ValueError:
            self.last += 1
            self.report.note(self.last, "unreadable", f"Entry {self.last} cannot be read.")
            return
        self._number(said["seq"])
        self._time(str(said.get("time", "")))

    def _number(self, seq: int) -> None:
        expected, self.last = self.last + 1, seq
        if seq == expected:
            return
        if 0 <= seq == expected - 1:
            self.report.note(seq, "repeated", f"Entry {seq} comes twice.")
        elif seq > expected:
            gap = f"{expected}" if seq == expected + 1 else f"{expected} to {seq - 1}"
            self.report.note(seq, "gap", f"Before entry {seq}, {gap} should have come.")
        else:
            words = f"Entry {seq} is not where it belongs: {expected} should have come."
            self.report.note(seq, "order", words)

    def _time(self, time: str) -> None:
        if time < self.last_time:
            words = f"Entry {self.last} is dated before the one it follows."
            self.report.note(self.last, "time", words)
        self.last_time = max(self.last_time, time)
