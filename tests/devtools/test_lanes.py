"""Which tests run where is decided by what answers, and nothing is passed over in silence."""

import socket

import pytest

from devtools import lanes, outcome
from devtools.environment import ROOT
from devtools.lanes import Lane
from devtools.outcome import Outcome

GOOD = Outcome(code=0, passed_tests=3, seconds=2.0)
REPORT = """<testsuites><testsuite time="4.5">
  <testcase classname="tests.audit.test_log" name="a"/>
  <testcase classname="tests.audit.test_log" name="b"><failure/></testcase>
  <testcase classname="tests.audit.test_log" name="c"><skipped/></testcase>
  <testcase classname="tests.browser.test_pages" name="d"><skipped/></testcase>
</testsuite></testsuites>"""


@pytest.fixture
def called(monkeypatch):
    """The pytest calls that would be made, with what each is told; all of them pass."""
    made = []

    def pytest_call(arguments, env):
        made.append((arguments, env))
        return GOOD

    monkeypatch.setattr(lanes, "_pytest", pytest_call)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)
    return made


@pytest.fixture
def servers(monkeypatch):
    """Say what the servers' answer is: empty when they let the tests in."""

    def answer(trouble):
        monkeypatch.setattr(lanes, "_servers_trouble", lambda: trouble)

    return answer


def lanes_used(called):
    return ["postgres" in env["DATABASE_URL"] for _, env in called]


def test_both_lanes_run_where_the_servers_answer(called, servers, capfd):
    servers("")
    assert lanes.run([]) == 0
    assert lanes_used(called) == [False, False, True, True]
    said = capfd.readouterr().out.splitlines()
    assert said[-1] == "PostgreSQL and Redis: 3 passed in 2 s."


def test_only_the_embedded_lane_runs_where_none_answers_and_the_last_line_says_so(
    called, servers, capfd
):
    servers("PostgreSQL did not answer.")
    assert lanes.run([]) == 0
    assert lanes_used(called) == [False, False]
    said = capfd.readouterr().out.splitlines()
    assert said[-1] == "PostgreSQL and Redis: not run. PostgreSQL did not answer."


def test_a_database_that_was_asked_for_must_be_there(called, servers, monkeypatch):
    servers("PostgreSQL did not answer.")
    monkeypatch.setenv("DATABASE_URL", "postgres://ana@db/baton")
    assert lanes.run([]) == 1


def test_the_servers_alone_can_be_asked_for(called, servers):
    servers("")
    assert lanes.run(["--pg"]) == 0
    assert lanes_used(called) == [True, True]


def test_the_servers_alone_fail_where_none_answers(called, servers):
    servers("Redis did not answer.")
    assert lanes.run(["--pg"]) == 1
    assert called == []


def test_chosen_tests_are_run_as_they_were_asked_for(called, servers):
    servers("")
    assert lanes.run(["tests/audit", "-x"]) == 0
    assert [arguments for arguments, _ in called] == [["tests/audit", "-x"]]
    assert lanes.run(["tests/audit", "--pg"]) == 0
    assert called[-1][0] == ["tests/audit"]
    assert lanes_used(called) == [False, True]


def test_tests_with_processes_run_by_themselves_after_the_others(called, servers):
    servers("none")
    lanes.run([])
    first, second = (arguments for arguments, _ in called)
    assert first[first.index("-m") + 1] == "not processes"
    assert "-n" in first
    assert second[second.index("-m") + 1] == "processes"
    assert second[second.index("--dist") + 1] == "loadgroup"  # those of one stage one by one


def test_what_proves_the_same_everywhere_runs_in_the_last_lane_alone(called, servers):
    servers("")
    lanes.run([])
    chosen = [arguments[arguments.index("-m") + 1] for arguments, _ in called]
    assert chosen == [
        "not processes and not in_one_lane",
        "processes and not in_one_lane",
        "not processes and not browser",
        "processes and not browser",
    ]


def test_no_test_is_left_out_of_both_lanes():
    """What runs in the last lane alone must not lie in a folder that this lane passes over."""
    marked = "pytest.mark." + "in_one_lane"
    passed_over = [ROOT / folder for folder in lanes.NOT_ON_SERVERS]
    assert all(folder.is_dir() for folder in passed_over)
    files = [path for folder in passed_over for path in folder.rglob("*.py")]
    assert not [path for path in files if marked in path.read_text()]


def test_a_lane_in_which_no_test_ran_has_failed(servers, monkeypatch, capfd):
    servers("none")
    monkeypatch.setattr(lanes, "_pytest", lambda *_: Outcome(code=0, skipped_tests=4))
    assert lanes.run([]) == 1
    assert "FAILED, no test ran" in capfd.readouterr().out


def test_skipped_browser_tests_are_said_loudly():
    lane = Lane("SQLite and Valkey", {}, [], [Outcome(0, 3, browser_skipped=9)])
    assert "!! 9 BROWSER TESTS WERE SKIPPED" in lanes._closing([lane], "")


def test_the_settings_of_this_machine_do_not_reach_the_tests():
    kept = lanes._clean(
        {
            "PATH": "/bin",
            "BATON_CHROMIUM": "/opt/chromium",
            "BATON_ENV": "production",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": "postgres://ana@db/baton",
        }
    )
    assert kept == {"PATH": "/bin", "BATON_CHROMIUM": "/opt/chromium"}


def test_a_server_that_does_not_listen_does_not_answer():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        assert not lanes._up(f"redis://127.0.0.1:{port}/0")
        probe.listen()
        assert lanes._up(f"redis://127.0.0.1:{port}/0")


def test_a_report_is_counted(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    made = outcome.read(report, 1)
    assert made == Outcome(1, 1, 1, 2, browser_skipped=1, seconds=4.5)
    assert made.words() == "1 FAILED, 1 passed, 2 skipped in 4 s (exit 1)."
    assert not made.passed


def test_a_call_that_wrote_no_report_has_failed(tmp_path):
    assert not outcome.read(tmp_path / "none.xml", 0).passed
