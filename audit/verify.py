"""Verifying the log in the database: entries, head, columns, triggers, sealed changes."""

from collections.abc import Iterator

from audit import checking, entry, merkle, sealing, triggers
from audit.checking import Report
from audit.models import Entry, Head

BATCH = 2_000
LOOKUPS = ("organisation", "subject", "plan", "destination", "delivery")


def verify() -> Report:
    """Check everything. The findings name the entry that is not as it was written."""
    head = Head.objects.filter(pk=1).first()
    if head is None:
        return Report(unreadable="The log has no head.")
    report = Report()
    try:
        root = merkle.Peaks.from_bytes(head.size, bytes(head.peaks)).root()
    except ValueError as error:
        report.note(None, f"The head is damaged: {error}")
        root = b""
    checked = checking.check(_bodies(report), size=head.size, root=root)
    checked.findings = [*report.findings, *checked.findings]
    for name in triggers.missing():
        checked.note(None, f"The trigger {name} is gone.")
    for seq, words in sealing.altered():
        checked.note(seq, words)
    return checked


def _bodies(report: Report) -> Iterator[bytes]:
    """The entries in order; on the way each row's columns are compared with its own bytes."""
    for row in Entry.objects.order_by("seq").iterator(chunk_size=BATCH):
        body = bytes(row.body)
        _compare(row, body, report)
        yield body


def _compare(row: Entry, body: bytes, report: Report) -> None:
    if merkle.leaf_hash(body) != bytes(row.leaf_hash):
        report.note(row.seq, f"Entry {row.seq} does not have the hash that was stored with it.")
    try:
        line = entry.decode(body)
    except ValueError:
        return  # the check of the bodies says so
    said = {name: line.get(name) for name in LOOKUPS} | {"id": line.get("id")}
    for name, value in said.items():
        held = getattr(row, name)
        if (str(held) if held else None) != value:
            report.note(row.seq, f"Entry {row.seq}: the column {name} differs from its bytes.")
    if (row.seq, row.action) != (line["seq"], line.get("action")):
        report.note(row.seq, f"Entry {row.seq}: its number or action differs from its bytes.")
