"""`python -m devtools.settings_table [--check]`: the settings in docs/operating.md."""

import os
import sys
from pathlib import Path

from devtools.settings_words import WORDS

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "operating.md"
BEGIN, END = "<!-- settings: begin -->", "<!-- settings: end -->"


def table() -> str:
    os.environ["BATON_SECRETS_FILE"] = os.devnull
    from config.env import BASE_DIR, Env  # noqa: PLC0415 - after the environment is set

    rows = ["| setting | default | what it is |", "|---|---|---|"]
    for name, info in Env.model_fields.items():
        made = info.default_factory() if info.default_factory else info.default  # type: ignore[call-arg] # ours take nothing
        shown = str(made).replace(str(BASE_DIR), ".") if made not in ("", {}, None) else "–"
        rows.append(f"| `{name.upper()}` | `{shown}` | {WORDS[name]} |")
    return "\n".join(rows)


def main() -> int:
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    wanted = f"{before}{BEGIN}\n{table()}\n{END}{after}"
    if "--check" in sys.argv:
        return 0 if text == wanted else 1
    DOCUMENT.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
