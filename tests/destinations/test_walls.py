"""What adapters cannot do, whoever writes them: reach the database or the network."""

import ast
from pathlib import Path

import pytest

ROOM = Path(__file__).parents[2] / "destinations"
BELOW_THE_ROWS = [
    *ROOM.glob("adapters/**/*.py"),
    *ROOM.glob("http/*.py"),
    *(ROOM / name for name in ("port.py", "errors.py", "contract.py", "configuration.py")),
]
NO_DATABASE = ("django.db", "destinations.models", "accounts", "audit", "sharing", "insight")
# The named points at which tests kill a process: it imports nothing but the standard library.
KILLS_AND_NO_MORE = ("audit.crashpoint",)
NETWORK = ("requests", "urllib3", "http.client", "urllib.request", "socket", "ssl", "httpx")


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name, packages):
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize(
    "path", sorted(BELOW_THE_ROWS), ids=lambda path: str(path.relative_to(ROOM))
)
def test_what_lies_below_the_rows_cannot_reach_the_database(path):
    names = [name for name in imported(path) if not within(name, KILLS_AND_NO_MORE)]
    assert [name for name in names if within(name, NO_DATABASE) and name != "audit"] == []


@pytest.mark.parametrize(
    "path", sorted(ROOM.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOM))
)
def test_only_the_outgoing_client_speaks_to_the_network(path):
    if path.parent != ROOM / "http":
        assert [name for name in imported(path) if within(name, NETWORK)] == []


def test_adapters_do_not_know_each_other():
    kinds = [path for path in (ROOM / "adapters").iterdir() if (path / "adapter.py").exists()]
    for kind in kinds:
        others = tuple(f"destinations.adapters.{other.name}" for other in kinds if other != kind)
        for path in kind.glob("*.py"):
            assert [name for name in imported(path) if within(name, others)] == []
