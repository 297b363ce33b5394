"""An export: a line with the tree head, then every entry as its exact bytes."""

import json
from collections.abc import Iterator
from pathlib import Path

from audit import checking, merkle
from audit.checking import Report

FORMAT = "baton-audit-1"


def export(path: Path) -> int:
    """Write the whole log to a file and return how many entries it has."""
    from django.db import transaction  # noqa: PLC0415 - checking an export needs no Django

    from audit.models import Entry, Head  # noqa: PLC0415 - checking an export needs no Django

    with transaction.atomic(), path.open("wb") as file:
        head = Head.objects.select_for_update(no_key=True).get(pk=1)
        root = merkle.Peaks.from_bytes(head.size, bytes(head.peaks)).root()
        first = {"format": FORMAT, "size": head.size, "root": root.hex()}
        file.write(json.dumps(first).encode() + b"\n")
        bodies = Entry.objects.order_by("seq").values_list("body", flat=True)
        for body in bodies.iterator(chunk_size=2_000):
            file.write(bytes(body) + b"\n")
    return int(head.size)


def check(path: Path) -> Report:
    """Check an export on its own: it must give the root that its first line claims."""
    try:
        with path.open("rb") as file:
            head = json.loads(file.readline())
            if head["format"] != FORMAT:
                return Report(unreadable="This is not an audit export.")
            size, root = int(head["size"]), bytes.fromhex(head["root"])
            return checking.check(_lines(file), size=size, root=root)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Report(unreadable=f"The export cannot be read ({type(error).__name__}).")


def _lines(file: Iterator[bytes]) -> Iterator[bytes]:
    for line in file:
        yield line.removesuffix(b"\n")
