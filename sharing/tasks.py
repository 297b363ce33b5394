"""Celery's part: wake up and do what is due. What that is stands in the database."""

import os
import socket
from typing import Any

from celery import shared_task
from celery.signals import worker_process_init, worker_process_shutdown
from django.db import close_old_connections

from sharing import pump, wake

BUDGET = 20.0  # seconds a task may go on draining

_pumps: list[pump.Pump] = []


@shared_task(acks_late=True, ignore_result=True)
def drain() -> None:
    """Deliver and run jobs. Calendars are the pump's to read: they are never due at once."""
    close_old_connections()
    pump.drain(worker=f"{_here()}.task", budget=BUDGET, duties=pump.OURS)


def _here() -> str:
    return f"{socket.gethostname()[:32]}:{os.getpid()}"


def _publish() -> None:
    drain.apply_async(retry=False, ignore_result=True, expires=30)


def start_pump(**_: Any) -> None:
    """Every worker process polls by itself: a worker that the broker forgot still delivers."""
    started = pump.Pump(_here())
    started.start()
    _pumps.append(started)


def stop_pump(**_: Any) -> None:
    while _pumps:
        _pumps.pop().stop()


wake.publish_with(_publish)
worker_process_init.connect(start_pump)
worker_process_shutdown.connect(stop_pump)
