"""The secrets of a machine are made once, and `.venv` only when the lock has changed."""

import stat
import subprocess
import sys
import threading

import pytest

from devtools import environment
from devtools.environment import Problem


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A checkout on which nothing has run yet."""
    monkeypatch.setattr(environment, "VAR", tmp_path / "var")
    monkeypatch.setattr(environment, "SECRETS", tmp_path / "var" / "secrets.env")
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(environment, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(environment, "STAMP", tmp_path / ".venv" / ".baton-lock")
    lock = tmp_path / "requirements.lock"
    lock.write_text("# nothing is needed\n")
    monkeypatch.setattr(environment, "LOCKS", (lock,))
    return tmp_path


@pytest.fixture
def installs(machine, monkeypatch):
    """The commands that would have been run; each of them succeeds."""
    asked = []

    def run(command, **_):
        asked.append(command)
        if "venv" in command:
            environment.PYTHON.parent.mkdir(parents=True, exist_ok=True)
            environment.PYTHON.touch()
            (environment.VENV / "bin" / "pip").touch()
        return subprocess.CompletedProcess(command, 0, stdout=f"{sys.version_info[:2]}\n")

    monkeypatch.setattr(environment.subprocess, "run", run)
    return asked


def pips(asked):
    return [command for command in asked if "install" in command]


def test_only_the_owner_can_read_the_secrets(installs):
    environment.prepare()
    assert stat.S_IMODE(environment.SECRETS.stat().st_mode) == 0o600
    assert stat.S_IMODE(environment.VAR.stat().st_mode) == 0o700


def test_the_secrets_are_made_once(installs):
    environment.prepare()
    made = environment.SECRETS.read_text()
    environment.prepare()
    assert environment.SECRETS.read_text() == made


def test_two_machines_have_different_secrets(installs):
    environment.prepare()
    made = environment.SECRETS.read_text()
    environment.SECRETS.unlink()
    environment.prepare()
    assert set(made.splitlines()[1:]).isdisjoint(environment.SECRETS.read_text().splitlines()[1:])


def test_a_second_run_installs_nothing(installs):
    environment.prepare()
    before = len(installs)
    environment.prepare()
    assert len(installs) == before


def test_a_changed_lock_is_installed_into_the_same_environment(installs):
    environment.prepare()
    environment.LOCKS[0].write_text("# something else\n")
    environment.prepare()
    assert len(pips(installs)) == 2
    assert len([command for command in installs if "venv" in command]) == 1


def test_only_packages_with_a_known_hash_are_installed(installs):
    environment.prepare()
    assert {"--require-hashes", "--only-binary=:all:"} <= set(pips(installs)[0])


def test_an_install_that_fails_is_tried_again(installs, machine, monkeypatch):
    succeed = environment.subprocess.run

    def refuse(command, **options):
        done = succeed(command, **options)
        if "install" in command:
            return subprocess.CompletedProcess(command, 1, stdout="", stderr="no such hash")
        return done

    monkeypatch.setattr(environment.subprocess, "run", refuse)
    with pytest.raises(Problem, match="no such hash"):
        environment.prepare()
    assert not environment.STAMP.exists()


def test_an_environment_left_half_made_is_made_again(installs):
    environment.PYTHON.parent.mkdir(parents=True)
    environment.PYTHON.touch()
    environment.prepare()
    assert any("--clear" in command for command in installs)


def test_without_ensurepip_the_outer_pip_serves_the_new_environment(machine, monkeypatch):
    asked = []

    def debian(command, **_):
        asked.append(command)
        whole = "venv" in command and "--without-pip" not in command
        if "--without-pip" in command:
            environment.PYTHON.parent.mkdir(parents=True, exist_ok=True)
            environment.PYTHON.touch()
        return subprocess.CompletedProcess(command, 1 if whole else 0, stdout="")

    monkeypatch.setattr(environment.subprocess, "run", debian)
    environment.prepare()
    installed = pips(asked)[0]
    assert installed[:3] == [sys.executable, "-m", "pip"]
    assert installed[installed.index("--python") + 1] == str(environment.PYTHON)


def test_a_command_waits_while_another_sets_up(installs):
    environment.VAR.mkdir()
    waiting = threading.Thread(target=environment.prepare, daemon=True)
    with environment.held(environment.VAR / "setup.lock"):
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive()
        assert installs == []
    waiting.join(10)
    assert environment.SECRETS.exists()
