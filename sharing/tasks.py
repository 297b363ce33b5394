"""Celery's part: wake up and do what is due. What that is stands in the database."""

import os
import socket
import threading
from typing import Any

from celery import shared_task
from celery.signals import worker_process_init, worker_process_shutdown
from django.db import close_old_connections

from sharing import hearing, pump

BUDGET = 20.0  # seconds a task may go on draining

_pumps: list[pump.Pump] = []
_at_work = threading.Event()  # on what a call has brought this process


@shared_task(acks_late=True, ignore_result=True)
def drain() -> None:
    """Deliver and run jobs. Calendars are the pump's to read: they are never due at once."""
    close_old_connections()
    hearing.heard()
    _at_work.set()
    try:
        pump.drain(worker=f"{_here()}.task", budget=BUDGET, duties=pump.OURS)
    finally:
        _at_work.clear()


def _here() -> str:
    return f"{socket.gethostname()[:32]}:{os.getpid()}"


def publish() -> None:
    """A call that says only: look. Whoever does not take it within half a minute need not."""
    drain.apply_async(retry=False, ignore_result=True, expires=30)


def _listen() -> None:
    """Ask for a call. Who is still at work on one takes no other meanwhile: that is no silence."""
    if _at_work.is_set():
        hearing.heard()
    hearing.ask()


def start_pump(**_: Any) -> None:
    """Every worker process polls by itself: a worker that the broker forgot still delivers."""
    started = pump.Pump(_here(), beside=_listen)
    started.start()
    _pumps.append(started)


def stop_pump(**_: Any) -> None:
    while _pumps:
        _pumps.pop().stop()


worker_process_init.connect(start_pump)
worker_process_shutdown.connect(stop_pump)
