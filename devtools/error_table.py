"""`python -m devtools.error_table [--check]`: the errors and reasons in docs/errors.md."""

import sys
from pathlib import Path

from destinations.errors import CATALOGUE, ErrorKind
from sharing.reasons import OWN
from sharing.source.errors import CATALOGUE as SOURCE

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "errors.md"
BEGIN, END = "<!-- errors: begin -->", "<!-- errors: end -->"


def document() -> str:
    """The document as it should be: what stands between the marks comes from the code."""
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    errors = _table("Errors", CATALOGUE)
    reasons = _table("Why a delivery stands where it stands", OWN)
    source = _table("Why a calendar is not read", SOURCE)
    return "\n".join([before + BEGIN, *errors, "", *reasons, "", *source, END + after])


def _table(title: str, kinds: dict[str, ErrorKind]) -> list[str]:
    rows = [
        f"| `{code}` | {kind.owner} | {kind.coach_words} | {kind.admin_words} | {kind.action} |"
        for code, kind in kinds.items()
    ]
    head = "| code | who can change it | for the coach | for the admin | what to do |"
    return [f"## {title}", "", head, "|---|---|---|---|---|", *rows]


def main() -> int:
    if "--check" in sys.argv:
        return 0 if DOCUMENT.read_text() == document() else 1
    DOCUMENT.write_text(document())
    return 0


if __name__ == "__main__":
    sys.exit(main())
