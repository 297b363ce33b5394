"""Reading a long log: page by page, so that no cursor and no transaction stays open."""

from collections.abc import Iterator, Sequence
from typing import Any

from audit import entry
from audit.models import Entry

PAGE = 2_000
BEFORE_ALL = -(2**63)


def rows(
    columns: Sequence[Any], *, since: int = BEFORE_ALL, until: int | None = None, action: str = ""
) -> Iterator[tuple[Any, ...]]:
    """These columns or expressions of the entries from `since` up to before `until`, in order."""
    found = Entry.objects.filter(seq__gte=since).order_by("seq")
    if until is not None:
        found = found.filter(seq__lt=until)
    if action:
        found = found.filter(action=action)
    page = list(found.values_list("seq", *columns)[:PAGE])
    while page:
        yield from (row[1:] for row in page)
        page = list(found.filter(seq__gt=page[-1][0]).values_list("seq", *columns)[:PAGE])


def bodies(*, until: int | None = None, action: str = "") -> Iterator[bytes]:
    return (bytes(body) for (body,) in rows(("body",), until=until, action=action))


def lines(*, action: str = "") -> Iterator[dict[str, Any]]:
    """What the entries say. Those that cannot be read are named where the log is verified."""
    for body in bodies(action=action):
        try:
            yield entry.decode(body)
        except ValueError:
            continue


def leaves(part: range) -> Iterator[bytes]:
    return (bytes(leaf) for (leaf,) in rows(("leaf_hash",), since=part.start, until=part.stop))
