"""A PostgreSQL of the test's own, which may be crashed."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import psycopg

from tests.faults.servers.ports import HERE
from tests.faults.servers.process import Process
from tests.sandbox_process import free_port

SERVER_USER = "postgres"  # the server refuses to run as root
SETTINGS = {
    "listen_addresses": HERE,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "log_min_messages": "warning",
    "logging_collector": "off",
}


def available() -> bool:
    return _binaries() is not None and (os.geteuid() != 0 or _known(SERVER_USER))


class PrivatePostgres:
    """`with PrivatePostgres(folder) as postgres:`; trust on loopback, superuser `postgres`."""

    available = staticmethod(available)

    def __init__(self, folder: Path, *, fsync: bool = True) -> None:
        self.port = free_port()
        self.data = folder / "postgres"
        self.fsync = fsync
        self._binaries = _binaries() or Path()
        self._home = folder
        self._server = Process(
            "postgres", self._command(), _environment(), folder / "postgres.log",
            ready=lambda _: self.answers(), user=SERVER_USER,
        )  # fmt: skip

    def __enter__(self) -> Self:
        self._initialise()
        return self.start()

    def __exit__(self, *_: object) -> None:
        self._server.kill()
        shutil.rmtree(self.data, ignore_errors=True)

    # --- its databases -----------------------------------------------------------------------

    def url(self, database: str = "postgres", port: int | None = None) -> str:
        """Where a database is; through a proxy when its port is given."""
        return f"postgres://postgres@{HERE}:{port or self.port}/{database}"

    def create(
        self, database: str, template: str = "template1", tablespace: str = "pg_default"
    ) -> str:
        """Make a database and return its address."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(
                f'CREATE DATABASE "{database}" TEMPLATE "{template}" TABLESPACE "{tablespace}"'
            )
        return self.url(database)

    @contextlib.contextmanager
    def tablespace(self, name: str, folder: Path) -> Iterator[str]:
        """A place for databases in an empty folder. Whatever is in it afterwards is dropped."""
        _let_own(folder)
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE \"{name}\" LOCATION '{folder}'")
        try:
            yield name
        finally:
            self._drop_tablespace(name)

    def _drop_tablespace(self, name: str) -> None:
        held = "SELECT datname FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            for (database,) in connection.execute(f"{held} WHERE spcname = %s", [name]).fetchall():
                connection.execute(f'DROP DATABASE "{database}" WITH (FORCE)')
            connection.execute(f'DROP TABLESPACE "{name}"')

    def dump(self, database: str, path: Path) -> Path:
        """A backup of one database, as an operator makes it."""
        self._tool("pg_dump", "--format=custom", f"--file={path}", self.url(database))
        return path

    def script(self, database: str, path: Path) -> Path:
        """Everything in a database as SQL that one can read and search."""
        self._tool("pg_dump", "--inserts", f"--file={path}", self.url(database))
        return path

    def put_back(self, database: str, backup: Path) -> None:
        """The database as the backup knew it; whoever was connected is thrown out."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{database}" WITH (FORCE)')
        self.create(database, "template0")
        self._tool("pg_restore", f"--dbname={self.url(database)}", str(backup))

    def _tool(self, name: str, *arguments: str) -> None:
        command = [str(self._binaries / name), *arguments]
        subprocess.run(command, check=True, capture_output=True, env=_environment())

    def answers(self) -> bool:
        try:
            with psycopg.connect(self.url(), connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    # --- its life ----------------------------------------------------------------------------

    def start(self) -> Self:
        self._server.start().await_ready()
        return self

    def stop(self) -> None:
        """In order: connections are ended, everything is written."""
        self._server.stop(signal.SIGINT)

    def crash(self) -> None:
        """SIGKILL for the postmaster and every backend: only the log on disk is left."""
        self._server.kill()
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def restart_immediately(self) -> Self:
        """As `pg_ctl -m immediate restart`: backends quit where they are, then recovery."""
        self._server.stop(signal.SIGQUIT)
        return self.start()

    def freeze(self) -> None:
        self._server.freeze()

    def thaw(self) -> None:
        self._server.thaw()

    # --- making it ---------------------------------------------------------------------------

    def _command(self) -> list[str]:
        told = {**SETTINGS, "port": str(self.port), "fsync": "on" if self.fsync else "off"}
        settings = [part for name, value in told.items() for part in ("-c", f"{name}={value}")]
        return [str(self._binaries / "postgres"), "-D", str(self.data), *settings]

    def _initialise(self) -> None:
        self.data.mkdir(mode=0o700, parents=True)
        made = [
            str(self._binaries / "initdb"), "-D", str(self.data), "-U", "postgres", "-A", "trust",
            "-E", "UTF8", "--locale", "C", "--no-instructions", "--no-sync",
        ]  # fmt: skip
        _let_own(self.data)
        if os.geteuid() == 0:
            made = ["setpriv", *_setpriv(), *made]
        subprocess.run(made, check=True, capture_output=True, env=_environment())


def _let_own(folder: Path) -> None:
    """The server's own user owns the folder and may walk down to it, and nothing else."""
    if os.geteuid() != 0:
        return
    owner = pwd.getpwnam(SERVER_USER)
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    for above in folder.parents:
        if above.stat().st_uid == os.geteuid() and not above.stat().st_mode & 0o001:
            above.chmod(above.stat().st_mode | 0o011)


def _setpriv() -> list[str]:
    owner = pwd.getpwnam(SERVER_USER)
    return [f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups", "--"]


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}


def _binaries() -> Path | None:
    """The newest server that Debian's packages hold, else the one on the PATH."""
    homes = Path("/usr/lib/postgresql").glob("*/bin")
    held = sorted((h for h in homes if (h / "postgres").exists()), key=lambda h: int(h.parent.name))
    if held:
        return held[-1]
    found = shutil.which("postgres")
    return Path(found).resolve().parent if found else None


def _known(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return shutil.which("setpriv") is not None
