"""An export of the log: a line with the tree head, then every entry as its exact bytes.

No Django here: whoever holds an export checks it with `python -m audit.bundle FILE`.
"""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from audit import checking
from audit.checking import Report
from audit.entry import MOST_BYTES

FORMAT = "baton-audit-1"


def header(size: int, root: bytes) -> bytes:
    said = {"format": FORMAT, "root": root.hex(), "size": size}
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def check(path: Path) -> Report:
    """Check an export on its own: it must give the root that its first line claims."""
    try:
        with path.open("rb") as file:
            size, root = _claim(file.readline(MOST_BYTES))
            report = Report()
            return checking.check(_lines(file, report), size=size, root=root, report=report)
    except (OSError, ValueError) as error:
        return Report(unreadable=f"The export cannot be read ({error}).")


def _claim(line: bytes) -> tuple[int, bytes]:
    """The size and the root that the export claims, or ValueError: it has one form only."""
    try:
        said = json.loads(line)
        size, root = int(said["size"]), bytes.fromhex(said["root"])
    except (ValueError, KeyError, TypeError, RecursionError):
        size, root = -1, b""
    if header(size, root) != line:
        raise ValueError("it does not begin as an audit export does")
    return size, root


def _lines(file: BinaryIO, report: Report) -> Iterator[bytes]:
    while line := file.readline(MOST_BYTES + 1):
        if not line.endswith(b"\n"):
            report.note(None, "cut", "A line of the export is cut off, or longer than any entry.")
        yield line.removesuffix(b"\n")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = ArgumentParser(description="Check an export of the audit log. Exits 0, 1 or 2.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--json", action="store_true", help="Say it for a program.")
    chosen = parser.parse_args(arguments)
    report = check(chosen.file)
    sys.stdout.write((report.as_json() if chosen.json else report.as_text()) + "\n")
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
