"""The virtual environment, the lock, and the secrets of this machine."""

import base64
import hashlib
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

from devtools.processes import dying_with_parent, held

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
    VAR.mkdir(mode=0o700, exist_ok=True)
    with held(VAR / "setup.lock", patiently=True):  # two commands never install at once
        _install()
        _write_secrets()


def _install() -> None:
    stamp = _fingerprint()
    if STAMP.exists() and STAMP.read_text() == stamp and PYTHON.exists():
        return
    started = time.monotonic()
    say("Setting up .venv from the hash-locked requirements …")
    if not _usable():
        _make_venv()
    locks = [part for lock in LOCKS for part in ("-r", str(lock))]
    command = [*_pip(), "install", "-qq", "--require-hashes", "--only-binary=:all:", *locks]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Problem(f"pip could not install the requirements:\n{done.stderr.strip()}")
    STAMP.write_text(stamp)
    say(f"… ready in {time.monotonic() - started:.0f} s.")


def _usable() -> bool:
    """A whole environment of this Python: not half made, not of another version."""
    if not PYTHON.exists() or not (STAMP.exists() or _has_pip()):
        return False
    look = [str(PYTHON), "-c", "import sys; print(sys.version_info[:2])"]
    done = subprocess.run(look, capture_output=True, text=True, check=False)
    return done.stdout.strip() == str(sys.version_info[:2])


def _has_pip() -> bool:
    return (VENV / "bin" / "pip").exists()


def _make_venv() -> None:
    """With pip where Debian has ensurepip, else without: then the outer pip serves the new one."""
    make = [sys.executable, "-m", "venv", "--clear"]
    if subprocess.run([*make, str(VENV)], capture_output=True, check=False).returncode == 0:
        return
    bare = [*make, "--without-pip", str(VENV)]
    if subprocess.run(bare, capture_output=True, check=False).returncode:
        raise Problem("Python cannot make a virtual environment: install python3-venv.")


def _pip() -> list[str]:
    if _has_pip():
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
    unfinished = SECRETS.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write("\n".join(lines) + "\n")
    unfinished.rename(SECRETS)


def run(*command: str, env: dict[str, str] | None = None) -> int:
    """Run a command of the virtual environment and return its exit code."""
    merged = {**os.environ, **(env or {})}
    return subprocess.run(
        [str(PYTHON), *command],
        cwd=ROOT,
        env=merged,
        check=False,
        preexec_fn=dying_with_parent(),
    ).returncode
