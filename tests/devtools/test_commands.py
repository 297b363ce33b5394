"""One way out: whatever ends a command, everything is stopped, in order, and the code says how."""

import os
import signal

import pytest

from devtools import commands, stack
from devtools.environment import Problem
from devtools.processes import held
from devtools.stack import STOP_ORDER


class Programs:
    """Instead of the supervisor: notes what it is asked."""

    def __init__(self, at_start=lambda: None):
        self.at_start, self.started, self.stopped = at_start, False, None

    def start(self):
        self.started = True
        self.at_start()

    def stop(self, order):
        self.stopped = order


@pytest.fixture(autouse=True)
def signals():
    """As in a terminal, also when the tests run under nohup; pytest's handlers are put back."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A command that would start real processes, without them."""
    made = Programs()
    for module in (commands, stack):
        monkeypatch.setattr(module, "VAR", tmp_path)
    monkeypatch.setattr(commands, "prepare", lambda: None)
    monkeypatch.setattr(commands, "run", lambda *_, **__: 0)
    monkeypatch.setattr(commands, "_addresses", lambda _: None)
    monkeypatch.setattr(stack.Stack, "check_ports", lambda _: None)
    monkeypatch.setattr(stack.Stack, "supervisor", lambda _: made)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return made


def send(number):
    return lambda *_: os.kill(os.getpid(), number)


def test_what_a_command_starts_keeps_what_it_compiled(monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    left = []
    monkeypatch.setitem(commands.COMMANDS, "check", lambda _: left.append(dict(os.environ)))
    commands.main(["check"])
    assert "PYTHONDONTWRITEBYTECODE" not in left[0]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_end_during_the_start_stops_all(programs, number, code):
    programs.at_start = send(number)
    assert commands.main(["demo-once"]) == code
    assert programs.stopped == STOP_ORDER


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_end_during_the_story_stops_all(programs, monkeypatch, number, code):
    monkeypatch.setattr(commands, "_story", send(number))
    assert commands.main(["demo"]) == code
    assert programs.stopped == STOP_ORDER


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_end_while_it_stays_is_what_it_waits_for(programs, monkeypatch, number):
    end = send(number)
    monkeypatch.setattr(commands, "say", lambda text: end() if "Ctrl-C" in text else None)
    assert commands.main(["up"]) == 0
    assert programs.stopped == STOP_ORDER


def test_under_nohup_a_closed_terminal_ends_nothing(programs, monkeypatch):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    heard = []
    monkeypatch.setattr(commands, "_stay", lambda: heard.append(signal.getsignal(signal.SIGHUP)))
    assert commands.main(["up"]) == 0
    assert heard == [signal.SIG_IGN]


def test_a_second_ctrl_c_does_not_interrupt_the_stopping(programs, monkeypatch):
    programs.at_start = send(signal.SIGINT)
    monkeypatch.setattr(Programs, "stop", _stop_and_interrupt)
    assert commands.main(["demo-once"]) == 130
    assert programs.stopped == STOP_ORDER


def _stop_and_interrupt(self, order):
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGTERM)
    self.stopped = order


def test_a_failed_verdict_is_the_exit_code(programs, monkeypatch):
    monkeypatch.setattr(commands, "_story", lambda _: 1)
    assert commands.main(["demo-once"]) == 1
    assert programs.stopped == STOP_ORDER


def test_a_program_that_does_not_start_stops_the_others(programs, capfd):
    def fail():
        raise Problem("web did not start")

    programs.at_start = fail
    assert commands.main(["up"]) == 1
    assert programs.stopped == STOP_ORDER
    assert "web did not start" in capfd.readouterr().err


def test_a_second_run_leaves_the_first_ones_data_alone(programs, tmp_path, capfd):
    mine = tmp_path / "demo" / "baton.sqlite3"
    mine.parent.mkdir()
    mine.touch()
    with held(tmp_path / "demo.lock"):
        assert commands.main(["demo-once"]) == 1
        assert commands.main(["clean"]) == 1
    assert mine.exists()
    assert not programs.started
    assert "runs already" in capfd.readouterr().err


def test_the_demo_begins_anew_and_up_keeps_what_is_there(programs, tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "_story", lambda _: 0)
    programs.at_start = send(signal.SIGTERM)
    for name, command in (("demo", "demo-once"), ("local", "up")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "baton.sqlite3").touch()
        commands.main([command])
    assert not (tmp_path / "demo" / "baton.sqlite3").exists()
    assert (tmp_path / "local" / "baton.sqlite3").exists()


def test_an_unknown_command_lists_the_known_ones(capfd):
    assert commands.main(["dmeo"]) == 2
    assert "demo-once" in capfd.readouterr().err
