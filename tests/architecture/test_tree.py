"""The tree stays honest: who speaks HTTP, what a silenced rule owes, what is never committed."""

import ast
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ["accounts", "audit", "config", "destinations", "insight", "plans", "sharing"]
HTTP_LIBRARIES = {"requests", "urllib3", "httpx", "aiohttp", "http.client", "urllib.request"}
MAY_SPEAK_HTTP = {
    "destinations/http": "the one outgoing client",
    "sharing/source": "the source's client",
    "accounts/provider.py": "OAuth",
    "insight/demo/sandbox.py": "the demo's hands on the sandbox; the product never imports it",
}
MAY_KNOW_CELERY = {"config/celery.py", "sharing/tasks.py"}
DRAWERS = {"utils", "util", "common", "misc", "helpers"}
LONGEST_FUNCTION = 45  # lines
CATCHES_ALL = {
    "destinations/http/exchange.py:dial": "closes the socket and lets everything through",
    "insight/watchdogs/__init__.py:look": "one watchdog's fault keeps no other from looking",
    "sharing/deliveries.py:_honoured": "a fault of an adapter is a payload that cannot be rendered",
    "sharing/deliveries.py:_made": "a fault of an adapter is an outcome that nobody knows",
    "sharing/drift/reading.py:_ask": "a fault of an adapter says nothing about what is there",
    "sharing/latency.py:_go_on": "the thread never dies of a fault",
    "sharing/periodic.py:_run": "the job's row says that it failed, and it comes round again",
    "sharing/polling.py:_had_its_turn": "one athlete's fault costs nobody else their turn",
    "sharing/pump.py:_beat_beside": "the thread never dies of a fault",
    "sharing/pump.py:_turn": "the thread never dies of a fault",
    "sharing/reading.py:read_due": "a fault of our own is tried again later, as the source says",
    "sharing/upkeep.py:_each": "one connection's fault costs nobody else their turn",
    "sharing/wake.py:_publish": "whatever the broker does, the request goes on",
}
EVERYTHING = {"Exception", "BaseException"}


def files(*roots, suffix=".py"):
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *roots],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in done.stdout.splitlines() if line.endswith(suffix)]


def imported(path):
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def relative(path):
    return path.relative_to(ROOT).as_posix()


def test_only_the_named_places_speak_http():
    strays = [
        f"{relative(path)} imports {name}"
        for path in files(*PRODUCT)
        for name in imported(path)
        if any(name == library or name.startswith(f"{library}.") for library in HTTP_LIBRARIES)
        and not relative(path).startswith(tuple(MAY_SPEAK_HTTP))
    ]
    assert strays == []


def test_only_tasks_and_configuration_know_celery():
    strays = [
        relative(path)
        for path in files(*PRODUCT)
        if "celery" in {name.partition(".")[0] for name in imported(path)}
        and relative(path) not in MAY_KNOW_CELERY
    ]
    assert strays == []


def test_adapters_cannot_reach_the_database():
    strays = [
        f"{relative(path)} imports {name}"
        for path in files("destinations/adapters")
        for name in imported(path)
        if name.startswith(("django.db", "destinations.models", "destinations.services"))
    ]
    assert strays == []


def test_adapters_are_independent_of_each_other():
    for path in files("destinations/adapters"):
        own = path.relative_to(ROOT / "destinations/adapters").parts[0]
        others = [
            name
            for name in imported(path)
            if name.startswith("destinations.adapters.")
            and name.split(".")[2] not in {own, "shared"}
        ]
        assert others == [], relative(path)


def test_nothing_imports_the_sandbox_and_it_imports_nothing_of_ours():
    assert [relative(p) for p in files(*PRODUCT) if "sandbox" in set(imported(p))] == []
    ours = {*PRODUCT}
    strays = [
        f"{relative(path)} imports {name}"
        for path in files("sandbox")
        for name in imported(path)
        if name.partition(".")[0] in ours
    ]
    assert strays == []


@pytest.mark.parametrize("mark", ["noqa", "type: ignore"])
def test_a_silenced_rule_names_its_code_and_its_reason(mark):
    wanted = {
        "noqa": re.compile(r"#\s*noqa:\s*[A-Z]+[0-9]+(,\s*[A-Z]+[0-9]+)*\s+[-–#]\s*\S+"),
        "type: ignore": re.compile(r"#\s*type: ignore\[[a-z-]+(, ?[a-z-]+)*\]\s*#\s*\S+"),
    }[mark]
    silent = [
        f"{relative(path)}:{number}"
        for path in files(*PRODUCT, "sandbox", "devtools", "dev.py", "manage.py")
        if "/migrations/" not in relative(path)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if f"# {mark}" in line and not wanted.search(line)
    ]
    assert silent == []


def test_there_are_no_drawers():
    strays = [relative(p) for p in files(*PRODUCT, "sandbox") if p.stem in DRAWERS]
    assert strays == []


def test_functions_fit_a_readers_head():
    long = [
        f"{relative(path)}: {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for path in files(*PRODUCT, "sandbox", "devtools")
        if "/migrations/" not in relative(path)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
        and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []


def test_lock_files_name_no_address():
    for lock in (ROOT / "requirements.lock", ROOT / "requirements-dev.lock"):
        text = lock.read_text()
        assert "://" not in text
        assert "file:" not in text


SECRET_SHAPES = [
    re.compile(r"-----BEGIN (RSA |EC |OPENSSH )?PRIVATE KEY-----"),
    re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    re.compile(r"\bghp_[A-Za-z0-9]{36}\b"),
    re.compile(r"hooks\.slack\.com/services/T[A-Z0-9]{8,}/"),
]


def test_no_secret_is_committed():
    found = [
        relative(path)
        for path in files(suffix="")
        if path.is_file() and path.stat().st_size < 1_000_000
        for shape in SECRET_SHAPES
        if "tests/" not in relative(path) and shape.search(path.read_text(errors="ignore"))
    ]
    assert found == []


def test_no_send_path_exists_outside_the_engine():
    """Only the engine writes to a destination: one road, one gate."""
    strays = [
        relative(path)
        for path in files(*PRODUCT)
        if re.search(r"\badapter\.write(_batch)?\(", path.read_text())
        and relative(path) != "sharing/deliveries.py"
    ]
    assert strays == []


def catch_alls(node, function="the module"):
    """The innermost function around each handler that takes every error."""
    for child in ast.iter_child_nodes(node):
        inside = child.name if isinstance(child, ast.FunctionDef) else function
        if isinstance(child, ast.ExceptHandler) and takes_all(child.type):
            yield inside
        yield from catch_alls(child, inside)


def takes_all(caught):
    """A bare `except:` names nothing."""
    kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(kind is None or ast.unparse(kind) in EVERYTHING for kind in kinds)


def test_every_error_is_caught_where_there_is_a_reason_for_it_and_nowhere_else():
    found = [
        f"{relative(path)}:{function}"
        for path in files(*PRODUCT)
        for function in catch_alls(ast.parse(path.read_text()))
    ]
    assert sorted(found) == sorted(CATCHES_ALL)


@pytest.mark.parametrize("caught", ["", " Exception", " BaseException", " (OSError, Exception)"])
def test_a_handler_that_takes_every_error_is_seen(caught):
    tree = ast.parse(f"def work():\n    try:\n        go()\n    except{caught}:\n        pass\n")
    assert list(catch_alls(tree)) == ["work"]
    assert list(catch_alls(ast.parse("try:\n    go()\nexcept OSError:\n    pass\n"))) == []


def test_each_crash_point_exists_once_and_none_is_unlisted():
    counted = {}
    for path in files(*PRODUCT):
        for name in re.findall(r'crashpoint,? ?\(?"(P\d\d)"', path.read_text()):
            counted[name] = counted.get(name, 0) + 1
    assert counted == dict.fromkeys((f"P{number:02}" for number in range(1, 25)), 1)


def test_row_locks_leave_keys_alone():
    """A plain FOR UPDATE would deadlock with the audit head: docs/decisions/0006."""
    strays = [
        f"{relative(path)}:{number}"
        for path in files(*PRODUCT)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if "select_for_update(" in line and "no_key=True" not in line
    ]
    assert strays == []


def test_only_the_signer_opens_the_key_of_the_checkpoints():
    users = [
        relative(path) for path in files(*PRODUCT) if "CHECKPOINT_KEY_FILE" in path.read_text()
    ]
    assert users == ["audit/management/commands/sign_checkpoints.py", "config/settings.py"]
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert [name for name, service in services.items() if "secrets" in service] == ["signer"]
    assert "checkpoint.*" in (ROOT / ".dockerignore").read_text().split()
