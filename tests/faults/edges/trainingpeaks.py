"""TrainingPeaks on a raw socket: the calendar and roster in memory, and any answer a test wants."""

import json
import threading
from collections import defaultdict, deque
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from sharing import clock
from tests.contracts.server import Server
from tests.faults.edges.receivers import answer, parsed
from tests.sharing.source.fake_trainingpeaks import FakeTrainingPeaks

TOKENS = "/oauth/token"


class Nobody:
    """Where the fake would hook into a library of fakes; here a socket asks it."""

    def add_callback(self, *_, **__):
        pass


@dataclass(frozen=True)
class Asked:
    method: str
    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Exchange:
    connection: object
    whole: bytes  # what would be answered

    def send(self, raw):
        self.connection.sendall(raw)


class TrainingPeaksServer(FakeTrainingPeaks):
    """`faults[name]` come first, one for each call of that name; "*" is any call of the API."""

    def __init__(self):
        super().__init__(Nobody())
        self.faults = defaultdict(deque)
        self.always = None  # status of every call of the API, while it is set
        self.token = "token-1"
        self.refreshes = 0
        self.refuse_refresh = False
        self.requests = []
        self.lock = threading.Lock()
        self.server = Server(self._handle)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.port}"

    def close(self):
        self.server.close()

    def connect(self, connection, *, spent=False):
        """As if the coach had come back from our page with a token, or with one of long ago."""
        connection.access_token, connection.refresh_token = self.token, "r-0"
        connection.lifetime = timedelta(hours=1)
        connection.expires_at = clock.now() + (-1 if spent else 1) * connection.lifetime
        connection.save()

    def fails(self, name, *faults):
        self.faults[name].extend(faults)

    def _handle(self, connection, raw):
        request = parsed(raw)
        with self.lock:
            self.requests.append(request)
            fault, whole = self._answered(request)
        with suppress(OSError):  # a client that has given up is the point of some faults
            if fault is None:
                connection.sendall(whole)
            else:
                fault(Exchange(connection, whole))

    def _answered(self, request):
        if request.path.endswith(TOKENS):
            return None, self._refresh()
        if self.always:
            return None, answer(self.always, b"<html>no</html>")
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return None, answer(401, {"error": "invalid_token"})
        self._fault = None
        asked = Asked(request.method, self.url + request.path, request.headers, request.body)
        status, headers, text = self._answer(asked)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return self._fault, answer(status, text.encode(), lines)

    def _named(self, name, request, places):
        waiting = self.faults[name] or self.faults["*"]
        self._fault = waiting.popleft() if waiting else None
        return super()._named(name, request, places)

    def _refresh(self):
        self.refreshes += 1
        if self.refuse_refresh:
            return answer(400, {"error": "invalid_grant"})
        self.token = f"token-{self.refreshes + 1}"
        body = {"access_token": self.token, "token_type": "bearer", "expires_in": 3600}
        return answer(200, json.dumps(body | {"refresh_token": f"r-{self.refreshes}"}).encode())
