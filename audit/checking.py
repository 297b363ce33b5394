"""Checking a log entry by entry, in one pass. No Django: an export is checked alike."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from audit import entry, merkle

MOST_FINDINGS = 50


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was written, and where."""

    seq: int | None
    words: str


@dataclass
class Report:
    """What a check found. `size` entries were read; `root` is the tree head they give."""

    size: int = 0
    root: str = ""
    findings: list[Finding] = field(default_factory=list)
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

    def note(self, seq: int | None, words: str) -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(seq, words))


def check(bodies: Iterable[bytes], *, size: int, root: bytes) -> Report:
    """Check entries against the tree head that was noted when the last one was written."""
    report = Report()
    peaks = merkle.Peaks()
    for _ in _each(bodies, report, peaks):
        pass
    report.size, report.root = peaks.size, peaks.root().hex()
    if peaks.size != size:
        report.note(None, f"The head counts {size} entries; there are {peaks.size}.")
    elif peaks.root() != root:
        report.note(None, "The entries do not give the root that the head holds.")
    return report


def _each(bodies: Iterable[bytes], report: Report, peaks: merkle.Peaks) -> Iterator[None]:
    """Numbers without gaps, times that never go back, identities used once."""
    last_time = ""
    seen: set[str] = set()
    for position, body in enumerate(bodies):
        peaks.append(merkle.leaf_hash(body))
        try:
            line = entry.decode(body)
        except ValueError:
            report.note(position, f"Entry {position} cannot be read.")
            continue
        if line["seq"] != position:
            report.note(position, f"Entry {line['seq']} stands where {position} belongs.")
        if str(line.get("time", "")) < last_time:
            report.note(position, f"Entry {position} is dated before the one it follows.")
        if line.get("id") in seen:
            report.note(position, f"Entry {position} repeats another one.")
        seen.add(str(line.get("id")))
        last_time = max(last_time, str(line.get("time", "")))
        yield
