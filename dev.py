#!/usr/bin/env python3
"""Baton's own commands: `python3 dev.py` with up, demo, demo-once, test, faults,
faults-controls, check, setup, lock, clean or manage.

Needs nothing but Python 3.11 or 3.12 with venv and pip. The first command makes `.venv` from the
hash-locked requirements; every command then runs inside it.
"""

import sys
from pathlib import Path

if not (3, 11) <= sys.version_info[:2] <= (3, 12):  # before anything older cannot read
    sys.exit(f"Baton needs Python 3.11 or 3.12; this is {sys.version.split()[0]}.")

sys.path.insert(0, str(Path(__file__).resolve().parent))

from devtools import commands

if __name__ == "__main__":
    sys.exit(commands.main(sys.argv[1:]))
