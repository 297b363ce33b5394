"""`make check`: the same steps, in the same order, everywhere; all run, then failures are named."""

import base64
import os
import subprocess
import time
from dataclasses import dataclass, field

from devtools.environment import PYTHON, ROOT, say

CODE = [
    "accounts", "audit", "config", "destinations", "dev.py", "devtools", "insight", "manage.py",
    "plans", "sandbox", "sharing", "tests",
]  # fmt: skip

PRODUCTION = {
    "BATON_ENV": "production",
    "BATON_SECRETS_FILE": os.devnull,
    "BATON_SECRET_KEY": "only-for-checks-" + "q7Rk2mZx9wLpT4vB8nHs" * 3,
    "BATON_KEYS": "check:" + base64.b64encode(bytes(range(32))).decode(),
    "BATON_PUBLIC_URL": "https://baton.example",
    "BATON_ALLOWED_HOSTS": "baton.example",
    "TRAININGPEAKS_CLIENT_ID": "check",
    "TRAININGPEAKS_CLIENT_SECRET": "check",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "BATON_ERASURES_FILE": "/srv/baton/erasures.jsonl",
    "EMAIL_URL": "smtp://user:password@mail.example:587",
    "DATABASE_URL": "sqlite:///:memory:",
}
TESTS = {"DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": "sqlite:///:memory:"}


@dataclass(frozen=True)
class Check:
    name: str
    command: list[str]
    env: dict[str, str] = field(default_factory=dict)


CHECKS = [
    Check("format", ["-m", "ruff", "format", "--check", "--quiet", *CODE]),
    Check("lint", ["-m", "ruff", "check", "--quiet", *CODE]),
    Check("templates", ["-m", "djlint", "templates", "--lint", "--quiet"]),
    Check("types", ["-m", "mypy", "--no-error-summary", *CODE], TESTS),
    Check("imports", ["-c", "from importlinter.cli import lint_imports_command as c; c()"]),
    Check(
        "deployment",
        ["manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        PRODUCTION,
    ),
    Check("migrations", ["manage.py", "makemigrations", "--check", "--dry-run"], TESTS),
    Check(
        "API description",
        ["manage.py", "spectacular", "--validate", "--fail-on-warn", "--file", os.devnull],
        TESTS,
    ),
    Check("settings table", ["-m", "devtools.settings_table", "--check"], TESTS),
    Check("plan schema", ["-m", "plans.schema", "--check"]),
]


def run() -> int:
    failed = [check.name for check in CHECKS if not _passes(check)]
    if failed:
        say(f"\n{len(failed)} of {len(CHECKS)} checks failed: {', '.join(failed)}.")
        return 1
    say(f"\nAll {len(CHECKS)} checks passed.")
    return 0


def _passes(check: Check) -> bool:
    started = time.monotonic()
    done = subprocess.run(
        [str(PYTHON), *check.command],
        cwd=ROOT,
        env={**os.environ, **check.env},
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.monotonic() - started
    word = "ok" if done.returncode == 0 else "FAILED"
    say(f"{check.name:<16} {word:<7} {took:5.1f} s")
    if done.returncode:
        say((done.stdout + done.stderr).strip()[-8_000:])
    return done.returncode == 0
