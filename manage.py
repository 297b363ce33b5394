#!/usr/bin/env python
"""Django's command line for Baton; `manage.py sandbox` starts the simulators by themselves."""

import os
import sys


def main() -> None:
    if sys.argv[1:2] == ["sandbox"]:
        os.execv(sys.executable, [sys.executable, "-m", "sandbox", *sys.argv[2:]])  # noqa: S606 - our own interpreter and module, no shell
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - settings first

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
