"""`manage.py run_pump`: the pump alone, without Celery or a broker."""

import os
import signal
import socket
import threading
from typing import Any

from django.core.management.base import BaseCommand

from sharing.pump import Pump


class Command(BaseCommand):
    help = "Do what is due, asking the database only. Stops cleanly on SIGTERM or Ctrl-C."
    requires_system_checks = ()  # a release is checked when it migrates, not at each start

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        pump = Pump(f"{socket.gethostname()[:32]}:{os.getpid()}.pump")
        pump.start()
        self.stdout.write("The pump is running.")
        stop.wait()
        pump.stop()
