"""The virtual environment, the lock, and the secrets of this machine."""

import base64
import hashlib
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
VAR = ROOT / "var"
LOCKS = (ROOT / "requirements.lock", ROOT / "requirements-dev.lock")
SECRETS = VAR / "secrets.env"
STAMP = VENV / ".baton-lock"


class Problem(Exception):  # noqa: N818 - it is shown to a person as a sentence
    """Something a person must know, in one sentence."""


def say(text: str) -> None:
    """Progress is for people: it never mixes with a command's own output."""
    print(text, file=sys.stderr, flush=True)


def prepare() -> None:
    """Everything a command needs before it can run inside `.venv`. Cheap the second time."""
    if sys.version_info < (3, 11):
        raise Problem(f"Baton needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    VAR.mkdir(mode=0o700, exist_ok=True)
    _install()
    _write_secrets()


def _install() -> None:
    stamp = _fingerprint()
    if STAMP.exists() and STAMP.read_text() == stamp and PYTHON.exists():
        return
    started = time.monotonic()
    say("Setting up .venv from the hash-locked requirements …")
    if not PYTHON.exists():
        _make_venv()
    locks = [part for lock in LOCKS for part in ("-r", str(lock))]
    command = [*_pip(), "install", "-qq", "--require-hashes", "--only-binary=:all:", *locks]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Problem(f"pip could not install the requirements:\n{done.stderr.strip()}")
    STAMP.write_text(stamp)
    say(f"… ready in {time.monotonic() - started:.0f} s.")


def _make_venv() -> None:
    """With pip where Debian has ensurepip, else without: then the outer pip serves the new one."""
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False
    )
    if made.returncode == 0:
        return
    bare = [sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV)]
    if subprocess.run(bare, capture_output=True, check=False).returncode:
        raise Problem("Python cannot make a virtual environment: install python3-venv.")


def _pip() -> list[str]:
    if (VENV / "bin" / "pip").exists():
        return [str(PYTHON), "-m", "pip", "--disable-pip-version-check"]
    outer = [sys.executable, "-m", "pip"]
    if subprocess.run([*outer, "--version"], capture_output=True, check=False).returncode:
        raise Problem("There is no pip: install python3-pip (or python3-venv).")
    return [*outer, "--python", str(PYTHON)]


def _fingerprint() -> str:
    digest = hashlib.sha256(sys.version.encode())
    for lock in LOCKS:
        digest.update(lock.read_bytes())
    return digest.hexdigest()


def _write_secrets() -> None:
    """Secrets of this machine, made once, readable by nobody else, never committed."""
    if SECRETS.exists():
        return
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    lines = [
        "# Made by the first run on this machine. Keep it, and keep it to yourself.",
        f"BATON_SECRET_KEY={secrets.token_urlsafe(48)}",
        f"BATON_KEYS={time.strftime('k%Y%m%d')}:{key}",
    ]
    handle = os.open(SECRETS, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write("\n".join(lines) + "\n")


def run(*command: str, env: dict[str, str] | None = None) -> int:
    """Run a command of the virtual environment and return its exit code."""
    merged = {**os.environ, **(env or {})}
    return subprocess.run([str(PYTHON), *command], cwd=ROOT, env=merged, check=False).returncode
