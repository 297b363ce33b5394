"""Pauses that a destination asked for: `Retry-After: 1` means a second, also for whoever asks next
about the same record. Not for every record: who was told may die before it has told the others.
"""

from collections.abc import Iterator
from http import HTTPStatus

from tests.faults.harness.journal import Line

PAUSE = 0.95  # seconds that were asked for, less what two clocks may differ


def after_pauses(calls: list[Line]) -> Iterator[tuple[Line, bool]]:
    """Each call that was the first of its record after a pause was asked for; was it over?"""
    until: dict[tuple[str, str], float] = {}
    for call in calls:
        record = (call["name"], call["body"]["plan"])
        if record in until:
            yield call, call["at"] >= until.pop(record)
        if call["status"] == HTTPStatus.TOO_MANY_REQUESTS:
            until[record] = call["ended"] + PAUSE
