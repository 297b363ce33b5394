"""A studio that is made once and copied for each test: database and sandbox, on fixed ports."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.faults.servers.postgres import PrivatePostgres
from tests.faults.servers.processes import Processes
from tests.sandbox_process import SandboxProcess, free_port

ATHLETES = 6
NOWHERE = "redis://127.0.0.1:1/0"  # nobody listens there


@dataclass(frozen=True)
class Template:
    """The addresses are kept, because the studio's rows name them: one copy runs at a time."""

    folder: Path
    postgres: PrivatePostgres | None  # else SQLite
    sandbox_port: int
    web_port: int

    def copied_database(self, folder: Path) -> str:
        """A database of its own, its address."""
        if self.postgres is None:
            copied(self.folder / "baton.sqlite3", folder / "baton.sqlite3")
            return f"sqlite:///{folder / 'baton.sqlite3'}"
        name = f"copy_{folder.name}".lower()
        return self.postgres.create(name, template="studio")

    def copied_sandbox(self, folder: Path) -> SandboxProcess:
        sandbox = SandboxProcess(database=folder / "sandbox.sqlite3")
        sandbox.port = self.sandbox_port
        shutil.copy(self.folder / "sandbox.sqlite3", sandbox.database)
        return sandbox


@dataclass(frozen=True)
class OnDisk(Template):
    """Copies lie in this folder of a disk apart; of a server's, its tables and not its log."""

    place: Path

    def copied_database(self, folder: Path) -> str:
        if self.postgres is None:
            return super().copied_database(self.place)
        return self.postgres.create(f"copy_{folder.name}".lower(), "studio", self.place.name)


@contextmanager
def on_disk(template: Template, disk: Path) -> Iterator[OnDisk]:
    """The same studio; what is copied from it has to fit on this disk."""
    place = disk / f"tables_{uuid4().hex[:8]}"
    place.mkdir()
    here = (template.folder, template.postgres, template.sandbox_port, template.web_port, place)
    if template.postgres is None:
        yield OnDisk(*here)
    else:
        with template.postgres.tablespace(place.name, place):
            yield OnDisk(*here)


def copied(there: Path, here: Path) -> None:
    """A database file with whatever its journal still holds."""
    with closing(sqlite3.connect(there)) as old, closing(sqlite3.connect(here)) as new:
        old.backup(new)


def make(folder: Path, postgres: PrivatePostgres | None) -> Template:
    """Migrate, then set the studio up and deliver its first versions."""
    made = Template(folder, postgres, free_port(), free_port())
    sandbox = SandboxProcess(database=folder / "sandbox.new")
    sandbox.port = made.sandbox_port
    url = postgres.create("studio") if postgres else f"sqlite:///{folder / 'baton.sqlite3'}"
    processes = Processes(
        folder, database_url=url, redis_url=NOWHERE, sandbox_url=sandbox.url, web_port=made.web_port
    )
    with sandbox, processes:
        processes.manage("migrate", "--verbosity", "0")
        processes.python("-m", "tests.faults.servers.studio", sandbox.url, str(ATHLETES))
    copied(folder / "sandbox.new", folder / "sandbox.sqlite3")
    return made
