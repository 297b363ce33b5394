"""Destinations on raw sockets. Their journals are what the tests believe: every request as it
came, and every effect it had, in the order in which it happened.
"""

import json
import threading
from collections import deque
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.contracts.server import Server

GONE = "gone"  # what a removal leaves, where a version would have its title


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self):
        return json.loads(self.body)


def parsed(raw):
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    return Request(method, path, {name.lower(): value for name, value in headers.items()}, body)


def whole(raw):
    """Whether a request came to its end."""
    head, end, body = raw.partition(b"\r\n\r\n")
    sizes = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    return bool(end) and len(body) >= sum(int(size.split(b":")[1]) for size in sizes)


def answer(status=200, body=b"", headers=""):
    """The bytes of an answer. A body that is not bytes is sent as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return (
        f"HTTP/1.1 {status} X\r\n{headers}Content-Length: {len(raw)}\r\n\r\n".encode("latin-1")
        + raw
    )


@dataclass(frozen=True)
class Exchange:
    """One request in the hands of a fault: it decides whether and when it takes effect."""

    receiver: "Receiver"
    connection: object
    request: Request

    def apply(self):
        """Let it take effect; the answer that belongs to it."""
        with self.receiver.lock:
            return self.receiver.take(self.request)

    def send(self, raw):
        self.connection.sendall(raw)


class Receiver:
    """`faults` come first, one for each request; then everything is taken and answered."""

    kind, idempotency = "", ""

    def __init__(self, tls=None):
        self.requests, self.effects, self.faults = [], [], deque()
        self.lock = threading.Lock()
        self.server = Server(self._handle, tls)

    @property
    def url(self):
        return self.server.url

    @property
    def connections(self):
        return self.server.connections

    def will(self, *faults):
        self.faults.extend(faults)

    def close(self):
        self.server.close()

    def _handle(self, connection, raw):
        if not whole(raw):
            return  # who sent it has died on the way
        request = parsed(raw)
        with self.lock:
            self.requests.append(request)
            fault = self.faults.popleft() if self.faults else None
        exchange = Exchange(self, connection, request)
        if fault is None:
            exchange.send(exchange.apply())
        else:
            fault(exchange)

    def take(self, request):
        raise NotImplementedError

    def settings(self):
        raise NotImplementedError


class KeyedInbox(Receiver):
    """A webhook's receiver: what has a key that it knows already has no second effect."""

    kind, idempotency = "webhook", "keyed"
    refusal = 422

    def __init__(self, tls=None):
        super().__init__(tls)
        self.keys = set()

    def settings(self):
        return {"url": self.url, "secret": "whsec_" + "a2V5" * 11}

    def take(self, request):
        key = request.headers["webhook-id"]
        if key not in self.keys:
            self.keys.add(key)
            sessions = request.json()["data"].get("exerciseList", [])
            self.effects.append(sessions[0]["title"] if sessions else GONE)
        return answer(200, {"received": True})


class Zap(KeyedInbox):
    """A no-code service: it acts each time it is called, whatever the key says."""

    idempotency = "none"

    def take(self, request):
        self.keys.clear()
        return super().take(request)


class Calendar(Receiver):
    """intervals.icu: one event for each of our ids, and the last write wins."""

    kind, idempotency = "intervals_icu", "upsert"

    def __init__(self, tls=None):
        super().__init__(tls)
        self.events = {}

    def settings(self):
        base = f"http://127.0.0.1:{self.server.port}"
        return {"base_url": base, "credential": "k3y", "auth": "api_key", "athlete_id": "i1"}

    def take(self, request):
        path = urlsplit(request.path).path
        if request.method == "GET":
            return answer(200, list(self.events.values()))
        if path.endswith("/bulk-delete"):
            return self._delete(request.json())
        return self._upsert(request.json())

    def _upsert(self, events):
        for event in events:
            known = self.events.get(event["external_id"], {})
            written = {"id": len(self.events) + 1} | known | event
            if known != written:
                self.effects.append(event["name"])
            self.events[event["external_id"]] = written
        return answer(200, [self.events[event["external_id"]] for event in events])

    def _delete(self, wanted):
        for reference in wanted:
            for key, event in list(self.events.items()):
                if reference.items() <= event.items():
                    del self.events[key]
                    self.effects.append(GONE)
        return answer(200, {})


class Register(Receiver):
    """It compares revisions and refuses an older one."""

    kind, idempotency = "register", "versioned"

    def __init__(self, tls=None):
        super().__init__(tls)
        self.revision, self.refused = 0, 0

    def settings(self):
        return {"url": self.url}

    def take(self, request):
        revision = int(request.headers["x-revision"])
        if revision < self.revision:
            self.refused += 1
            return answer(409, b"newer is here")
        if revision > self.revision:
            self.revision = revision
            sessions = request.json()["sessions"]
            self.effects.append(sessions[0] if sessions else GONE)
        return answer(200, b"{}")
