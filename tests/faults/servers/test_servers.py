"""The servers do what they are asked to do: a tool that cannot hurt proves nothing."""

import errno
import os
import signal
import socket
import subprocess
import sys
import time

import psycopg
import pytest
import redis

from tests.faults.servers import PrivatePostgres, PrivateRedis, Process, Proxy, disk
from tests.faults.servers.waiting import until
from tests.sandbox_process import ROOT

pytestmark = [pytest.mark.processes, pytest.mark.in_one_lane]

needs_postgres = pytest.mark.skipif(
    not PrivatePostgres.available(), reason="!! PostgreSQL is not installed here !!"
)
needs_disk = pytest.mark.skipif(not disk.available(), reason="!! Only root may mount a disk !!")


@needs_postgres
def test_a_crashed_database_keeps_what_was_committed(tmp_path):
    with PrivatePostgres(tmp_path) as postgres:
        url = postgres.create("kept")
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE t (n int)")
        for end in (postgres.restart_immediately, lambda: (postgres.crash(), postgres.start())):
            with psycopg.connect(url) as connection:
                connection.execute("INSERT INTO t VALUES (1)")
            open_line = psycopg.connect(url)
            open_line.execute("INSERT INTO t VALUES (100)")  # never committed
            end()
            with pytest.raises(psycopg.OperationalError):
                open_line.commit()
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*), sum(n) FROM t").fetchone() == (2, 2)


def test_a_redis_is_filled_flushed_frozen_and_wiped(tmp_path):
    with PrivateRedis(tmp_path) as server, server.client() as client:
        client.set("a", "1")
        server.fill()
        with pytest.raises(redis.OutOfMemoryError):
            client.set("b", "1")
        server.flush()
        client.set("b", "1")
        server.freeze()
        with pytest.raises(redis.TimeoutError):
            client.get("b")
        server.thaw()
        server.kill()
        server.start()
        with server.client() as again:
            assert again.get("a") is None
        server.wipe()
        with server.client() as again:
            assert again.dbsize() == 0


@needs_disk
def test_a_small_disk_is_full_and_then_not():
    with disk.small_disk(1) as small:
        small.fill()
        with pytest.raises(OSError, match="No space left"):
            (small.path / "more").write_bytes(b"x" * 10_000)
        small.free()
        (small.path / "more").write_bytes(b"x" * 10_000)


class Echo:
    """Answers what it hears, line by line, and remembers it."""

    CODE = """
import socketserver, sys
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            with open(sys.argv[1], "ab") as file: file.write(line)
            self.wfile.write(line)
class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
server = Server(("127.0.0.1", 0), Echo)
print(server.server_address[1], flush=True)
server.serve_forever()
"""

    def __init__(self, folder):
        self.heard_file = folder / "heard"
        self.heard_file.touch()
        command = [sys.executable, "-c", self.CODE, str(self.heard_file)]
        self.process = Process("echo", command, {}, folder / "echo.log")
        self.process.ready = lambda process: process.said().strip().isdecimal()
        self.process.start().await_ready()
        self.port = int(self.process.said())

    @property
    def heard(self):
        return self.heard_file.read_bytes()


@pytest.fixture
def echo(tmp_path):
    server = Echo(tmp_path)
    yield server
    server.process.kill()


@pytest.fixture
def proxy(echo):
    with Proxy("127.0.0.1", echo.port) as between:
        yield between


def line_to(proxy):
    line = socket.create_connection(("127.0.0.1", proxy.port), timeout=1)
    assert ask(line, b"hello\n") == b"hello\n"
    return line


def ask(line, words):
    line.sendall(words)
    return line.recv(100)


def test_a_proxy_delays(proxy):
    with line_to(proxy) as line:
        proxy.delay(0.4)
        began = time.monotonic()
        assert ask(line, b"slow\n") == b"slow\n"
        assert time.monotonic() - began >= 0.4


def test_a_proxy_swallows_without_a_word_and_resets_the_line_when_it_heals(proxy, echo):
    with line_to(proxy) as line:
        proxy.drop()
        with pytest.raises(TimeoutError):
            ask(line, b"lost\n")
        proxy.heal()
        with pytest.raises(ConnectionResetError):
            line.recv(100)
    assert echo.heard == b"hello\n"
    line_to(proxy).close()


def test_a_proxy_that_drops_is_not_even_heard_to_be_there(proxy):
    """Nobody acknowledges: whoever waits for that learns it from its own kernel."""
    with line_to(proxy) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 300)  # milliseconds
        line.settimeout(10)
        proxy.drop()
        with pytest.raises(TimeoutError) as raised:
            ask(line, b"lost\n")
        assert raised.value.errno == errno.ETIMEDOUT  # the kernel's own word, not our patience
        with pytest.raises(TimeoutError):
            line_to(proxy)
    proxy.heal()
    line_to(proxy).close()


def test_a_proxy_resets_every_line(proxy):
    with line_to(proxy) as line:
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            line.recv(100)
    line_to(proxy).close()


@pytest.mark.parametrize("delivered", [True, False])
def test_a_proxy_cuts_the_line_before_the_answer(proxy, echo, delivered):
    with line_to(proxy) as line:
        proxy.cut_on(b"COMMIT", delivered=delivered)
        with pytest.raises(ConnectionResetError):
            ask(line, b"COMMIT\n")
    assert (b"COMMIT" in echo.heard, proxy.cuts) == (delivered, 1)
    line_to(proxy).close()


def test_a_proxy_cuts_after_so_many_bytes(proxy, echo):
    with line_to(proxy) as line:
        proxy.cut_after(10)
        assert ask(line, b"123456789\n") == b"123456789\n"
        with pytest.raises(ConnectionResetError):
            ask(line, b"1\n")
    assert echo.heard == b"hello\n123456789\n"


def test_everything_ends_with_the_test_even_when_the_test_is_killed(tmp_path):
    code = """
import sys, time
from pathlib import Path
from tests.faults.servers import Process
folder = Path(sys.argv[1])
sleeper = "import subprocess, sys; subprocess.run(['sleep', '300'])"
command = [sys.executable, "-c", sleeper]
process = Process("sleeper", command, {"PATH": "/bin:/usr/bin"}, folder / "log")
process.start()
process.freeze()
print(process.pid, flush=True)
time.sleep(300)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
    ) as test:
        group = int(test.stdout.readline())
        os.killpg(group, 0)
        test.kill()
    until(lambda: _gone(group), seconds=5)


def _gone(group):
    try:
        os.killpg(group, signal.SIGCONT)
    except ProcessLookupError:
        return True
    return False


COMES_TO_P14 = """
import os, time
from audit.crashpoint import crashpoint
from tests.faults.build import aimed
aimed.watch()
if os.fork():
    os.wait()  # whoever was killed
else:
    while True:
        crashpoint("P14")
        time.sleep(0.02)
"""


def test_a_process_dies_at_the_point_that_was_armed_while_it_ran(tmp_path):
    """Its child, which was forked before, does."""
    env = {"PATH": os.environ["PATH"], "BATON_CRASHPOINT_FILE": str(tmp_path / "somebody.armed")}
    process = Process("somebody", [sys.executable, "-c", COMES_TO_P14], env, tmp_path / "log")
    process.start().arm("P15:1")
    time.sleep(1.0)
    assert process.alive
    process.disarm().arm("P14:3")
    until(lambda: not process.alive, seconds=10)
