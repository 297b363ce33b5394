"""A Celery application whose workers deliver when they are called, and at no other time.

The product's workers have pumps of their own, which would do it without any call. Here these read
calendars and run jobs, and leave deliveries alone.
"""

from collections.abc import Collection
from typing import Any

from celery.signals import worker_process_init

from config.celery import app

__all__ = ["app"]


def leave_deliveries_alone(**_: Any) -> None:
    from sharing import pump

    others = [duty for duty in pump.EVERYTHING if duty != pump.DELIVER]

    def duties(number: int, threads: int) -> Collection[str]:
        return others

    pump._duties = duties


# Before the product's own: this module is imported first, and who connects first is called first.
worker_process_init.connect(leave_deliveries_alone)
