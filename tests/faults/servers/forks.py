"""Processes that come to life at once, because they are copies of one that has Django ready.

The original is made on first use and ends with the test's own process. It has no connection to
the database: each copy makes its own, and is killed or stopped as any other process.
"""

import importlib
import multiprocessing
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.faults.servers import reaper
from tests.faults.servers.process import state_of
from tests.faults.servers.waiting import until

READY = "tests.faults.servers.ready"  # what the original has done before anybody asks
ENDS_WITHIN = 30.0  # seconds

_originals = multiprocessing.get_context("forkserver")
_originals.set_forkserver_preload([READY])


class Fork:
    """`Fork("a.module:function", …, database=url, log=path)` runs it in a process of its own.

    `at` is a crash point as the environment has it: P14, P17:2, P14:1:stop. Whatever else is
    named is one of Django's settings, for this process alone.
    """

    def __init__(
        self, what: str, *arguments: Any, database: str, log: Path, at: str = "", **settings: Any
    ) -> None:
        self.log = log
        told = (database, what, arguments, str(log), at, settings)
        self._copy = _originals.Process(target=_live, args=told)
        with pytest.MonkeyPatch.context() as patch:  # the first start makes the original
            patch.setenv("DATABASE_URL", database)
            patch.setenv("DJANGO_SETTINGS_MODULE", "tests.settings")
            self._copy.start()
        reaper.began(self.pid)

    def await_death(self) -> None:
        """It was killed where it was told to die."""
        assert self.ended() == -signal.SIGKILL, self.said()

    def await_end(self) -> None:
        """It came to the end of what it was to do."""
        assert self.ended() == 0, self.said()

    def await_stop(self) -> None:
        """It stands where it was told to stop."""
        until(lambda: self.frozen or not self.alive, seconds=ENDS_WITHIN)
        assert self.frozen, self.said()

    def ended(self) -> int | None:
        """Its exit status; minus the number of the signal that ended it."""
        self._copy.join(ENDS_WITHIN)
        assert not self.alive, f"It does not end: {self.said()}"
        reaper.ended(self.pid)
        return self._copy.exitcode

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, if it still lives."""
        if self.alive:
            self._copy.kill()
            self.ended()

    @property
    def pid(self) -> int:
        assert self._copy.pid is not None
        return self._copy.pid

    @property
    def alive(self) -> bool:
        return self._copy.is_alive()

    @property
    def frozen(self) -> bool:
        """Whether a signal has stopped it, for instance at an armed crash point."""
        return self.alive and state_of(self.pid) in {"T", "t"}

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def database_url() -> str:
    """Where the database of the test that runs now is."""
    where = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{where['NAME']}"
    return f"postgres://{where['USER']}:{where['PASSWORD']}@{where['HOST']}:{where['PORT']}/{where['NAME']}"


def _live(
    database: str,
    what: str,
    arguments: tuple[Any, ...],
    log: str,
    at: str,
    settings: Mapping[str, Any],
) -> None:
    """The life of a copy; whatever it says goes into a file of its own."""
    os.setsid()
    with Path(log).open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    assert os.environ["DATABASE_URL"] == database, "The original knows another database."
    importlib.import_module(READY)  # no news for a copy
    _arm(at)
    _settle(settings)
    module, _, name = what.partition(":")
    getattr(importlib.import_module(module), name)(*arguments)


def _arm(at: str) -> None:
    from audit import crashpoint

    crashpoint._armed = at  # the original has read its environment already


def _settle(settings: Mapping[str, Any]) -> None:
    from django.conf import settings as django

    for name, value in settings.items():
        setattr(django, name, value)
