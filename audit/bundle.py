"""An export of the log: a line with the tree head and the newest checkpoint, then every entry as
its exact bytes.

No Django here: whoever holds an export checks it with `python -m audit.bundle FILE --key VKEY`.
"""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from audit import checking, checkpoints
from audit.checking import Claim, Report
from audit.checkpoints import KeyRing
from audit.entry import MOST_BYTES

FORMAT = "baton-audit-1"
CARRIED = "in the export"


def header(size: int, root: bytes, checkpoint: bytes = b"") -> bytes:
    said = {"format": FORMAT, "root": root.hex(), "size": size}
    carried = {"checkpoint": checkpoint.decode()} if checkpoint else {}
    return json.dumps(said | carried, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def check(path: Path, ring: KeyRing | None = None) -> Report:
    """Check an export on its own: it must give the root that its first line claims, and those
    that its checkpoint was signed for.
    """
    report = Report()
    try:
        with path.open("rb") as file:
            size, root, note = _claim(file.readline(MOST_BYTES))
            claims = _signed(note, ring or KeyRing(), report)
            bodies = _lines(file, report)
            checking.check(bodies, size=size, root=root, report=report, claims=claims)
    except (OSError, ValueError) as error:
        report.cannot_tell(f"The export cannot be read ({error}).")
    return report


def _claim(line: bytes) -> tuple[int, bytes, bytes]:
    """The size, the root and the checkpoint that the export claims, or ValueError: it has one
    form only.
    """
    try:
        said = json.loads(line)
        size, root = int(said["size"]), bytes.fromhex(said["root"])
        note = said.get("checkpoint", "").encode()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        size, root, note = -1, b"", b""
    if header(size, root, note) != line:
        raise ValueError("it does not begin as an audit export does")
    return size, root, note


def _signed(note: bytes, ring: KeyRing, report: Report) -> list[Claim]:
    """The checkpoint that it carries. Raises NoteError, a ValueError, for what is none."""
    if not note:
        if ring:
            report.cannot_tell("The export carries no checkpoint, so nobody has signed it.")
        return []
    head = checkpoints.unchecked(note)
    if not ring:
        report.cannot_tell("The export carries a checkpoint: name its key with --key.")
    else:
        try:
            ring.opened(note)
        except ValueError as error:
            report.note(None, "signature", f"The checkpoint in the export does not count: {error}")
    return [Claim(head.size, head.root, CARRIED)]


def _lines(file: BinaryIO, report: Report) -> Iterator[bytes]:
    while line := file.readline(MOST_BYTES + 1):
        if not line.endswith(b"\n"):
            report.note(None, "cut", "A line of the export is cut off, or longer than any entry.")
        yield line.removesuffix(b"\n")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = ArgumentParser(description="Check an export of the audit log. Exits 0, 1 or 2.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", action="append", default=[], help="A vkey that may have signed.")
    parser.add_argument("--json", action="store_true", help="Say it for a program.")
    chosen = parser.parse_args(arguments)
    try:
        report = check(chosen.file, KeyRing.read(chosen.key))
    except ValueError as error:
        report = Report(unreadable=f"--key: {error}")
    sys.stdout.write((report.as_json() if chosen.json else report.as_text()) + "\n")
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
