"""P12 to P15 stand where their names say: what the other side has seen when the process dies."""

import signal
import subprocess
import sys
import threading

import pytest

from tests.contracts.server import ANSWER, Server
from tests.sandbox_process import ROOT

BODY = b"b" * 1000
CALL = """
import sys
from destinations.http import DestinationClient

client = DestinationClient(deadline=5, allow_loopback=True)
print(client.post(sys.argv[1], b"b" * 1000).status)
"""

pytestmark = [pytest.mark.processes, pytest.mark.in_one_lane]


class Watcher:
    """Reads until nobody speaks any more, and answers a complete request with `answer`."""

    def __init__(self, answer=b""):
        self.answer, self.seen, self.answered = answer, b"", False
        self.finished = threading.Event()
        self.server = Server(lambda *_: self.finished.set())
        self.server._read = self.read

    def read(self, connection):
        while more := connection.recv(65536):
            self.seen += more
            if self.seen.endswith(b"\r\n\r\n" + BODY) and self.answer and not self.answered:
                self.answered = True
                connection.sendall(self.answer)
        return self.seen

    @property
    def body(self):
        return self.seen.partition(b"\r\n\r\n")[2]


def call(watcher, armed):
    environment = {"PATH": "", "BATON_CRASHPOINT": armed}
    done = subprocess.run(
        [sys.executable, "-c", CALL, watcher.server.url],
        check=False,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        timeout=20,
    )
    assert watcher.finished.wait(5), "the connection was never taken, or never ended"
    watcher.server.close()
    return done


@pytest.mark.parametrize(
    ("point", "headers", "body"), [("P12", False, 0), ("P13", True, 500), ("P14", True, 1000)]
)
def test_P12_P13_P14_the_process_dies_with_so_much_of_the_request_sent(point, headers, body):
    watcher = Watcher()
    assert call(watcher, point).returncode == -signal.SIGKILL
    assert watcher.server.connections == 1
    assert (b"\r\n\r\n" in watcher.seen, len(watcher.body)) == (headers, body)


def test_P15_the_process_dies_when_the_headers_of_the_answer_are_there():
    watcher = Watcher(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")  # the body never comes
    assert call(watcher, "P15").returncode == -signal.SIGKILL
    assert watcher.answered


def test_unarmed_the_call_ends_as_usual():
    watcher = Watcher(ANSWER)
    done = call(watcher, "")
    assert (done.returncode, done.stdout) == (0, b"200\n")
    assert watcher.body == BODY
