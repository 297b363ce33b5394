"""`python -m tests.faults.servers.wrong_clock SECONDS run_pump`: `manage.py` by a wrong clock.

Everything in the process goes by it, from its first to its last moment; the database does not.
"""

import os
import sys
from datetime import UTC, datetime, timedelta

import time_machine
from django.core.management import execute_from_command_line


def main(seconds: str, *arguments: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    wrong = datetime.now(UTC) + timedelta(seconds=float(seconds))
    with time_machine.travel(wrong):
        execute_from_command_line(["manage.py", *arguments])


if __name__ == "__main__":
    main(*sys.argv[1:])
