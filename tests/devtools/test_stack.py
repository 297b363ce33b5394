"""What the processes of one machine are told, and whose data they may touch."""

import os
import socket
import tempfile
from pathlib import Path

import pytest

from devtools import broker
from devtools.environment import Problem
from devtools.stack import Stack, stack


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for name in ("DATABASE_URL", "REDIS_URL", "BATON_PORT", "SANDBOX_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("TRAININGPEAKS_API_URL", raising=False)


def demo(tmp_path):
    return Stack(tmp_path / "demo", 8000, 8765)


def local(tmp_path):
    return Stack(tmp_path / "local", 8000, 8765)


def test_without_servers_everything_is_beside_the_data(tmp_path):
    told = demo(tmp_path).environment()
    assert told["DATABASE_URL"] == f"sqlite:///{tmp_path}/demo/baton.sqlite3"
    assert told["REDIS_URL"].startswith("unix://")


def test_the_demo_has_a_database_beside_the_one_that_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://ana@db:5432/studio?sslmode=require")
    here = demo(tmp_path)
    assert here.database_url == "postgres://ana@db:5432/studio_demo?sslmode=require"
    assert here.own_database


def test_somebodys_own_database_is_never_made_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://ana@db/our_demo")
    here = local(tmp_path)
    assert here.database_url == "postgres://ana@db/our_demo"
    assert not here.own_database


def test_the_demo_leaves_a_named_database_file_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "sqlite:////data/studio.sqlite3")
    assert demo(tmp_path).database_url == f"sqlite:///{tmp_path}/demo/baton.sqlite3"
    assert local(tmp_path).database_url == "sqlite:////data/studio.sqlite3"


def test_a_named_broker_is_used_instead_of_an_own_one(tmp_path, monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://cache:6379/3")
    here = demo(tmp_path)
    assert here.environment()["REDIS_URL"] == "redis://cache:6379/3"
    assert "broker" not in [program.name for program in here.supervisor().programs]


def test_only_the_demo_insists_on_the_sandbox(tmp_path, monkeypatch):
    monkeypatch.setenv("TRAININGPEAKS_API_URL", "https://api.trainingpeaks.example")
    assert demo(tmp_path).environment()["TRAININGPEAKS_API_URL"] == "http://127.0.0.1:8765"
    told = local(tmp_path).environment()
    assert told["TRAININGPEAKS_API_URL"] == "https://api.trainingpeaks.example"


def test_a_port_that_is_taken_is_named_with_its_setting(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Problem, match=f"Port {port} is taken: set SANDBOX_PORT"):
            Stack(tmp_path, _free_port(), port).check_ports()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_one_port_cannot_serve_both(tmp_path):
    with pytest.raises(Problem, match="the same"):
        Stack(tmp_path, 8000, 8000).check_ports()


@pytest.mark.parametrize("given", ["eighty", "0", "70000", "-1"])
def test_a_port_that_is_none_is_named(monkeypatch, given):
    monkeypatch.setenv("BATON_PORT", given)
    with pytest.raises(Problem, match="BATON_PORT"):
        stack("local")


def test_the_socket_is_beside_the_data_where_its_path_is_short():
    assert broker.socket_path(Path("/d")) == Path("/d/valkey.sock")


def test_a_long_path_gives_one_short_private_socket_for_one_directory(tmp_path, monkeypatch):
    with tempfile.TemporaryDirectory(prefix="b-") as short:
        monkeypatch.setattr(tempfile, "tempdir", short)
        data = tmp_path / ("x" * 100)
        found = broker.socket_path(data)
        assert len(os.fsencode(found)) <= broker.LONGEST_SOCKET_PATH
        assert found.parent.stat().st_mode & 0o777 == 0o700
        assert broker.socket_path(data) == found
        assert broker.socket_path(tmp_path / ("y" * 100)) != found


def test_a_directory_that_others_can_enter_is_refused(tmp_path, monkeypatch):
    with tempfile.TemporaryDirectory(prefix="b-") as short:
        monkeypatch.setattr(tempfile, "tempdir", short)
        data = tmp_path / ("x" * 100)
        broker.socket_path(data).parent.chmod(0o777)
        with pytest.raises(Problem, match="somebody else"):
            broker.socket_path(data)


def test_a_socket_that_nobody_answers_on_is_removed():
    with tempfile.TemporaryDirectory(prefix="b-") as short:
        left_over = Path(short) / "valkey.sock"
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(left_over))
        broker.shut_down(left_over)
        assert not left_over.exists()
