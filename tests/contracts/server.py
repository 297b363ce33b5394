"""A server that does exactly what a test tells it, on a loopback port of its own."""

import socket
import threading
from contextlib import suppress

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Accepts connections, counts them, and hands each to `handler(connection, request)`."""

    def __init__(self, handler, tls=None):
        self.handler, self.tls = handler, tls
        self.connections, self.requests = 0, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook"

    def _serve(self):
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections += 1
                threading.Thread(target=self._handle, args=(connection,), daemon=True).start()

    def _handle(self, connection):
        with suppress(OSError), connection:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            request = self._read(connection)
            self.requests.append(request)
            self.handler(connection, request)

    def _read(self, connection):
        request = b""
        while b"\r\n\r\n" not in request:
            if not (more := connection.recv(65536)):
                return request
            request += more
        head, _, body = request.partition(b"\r\n\r\n")
        missing = self._length(head) - len(body)
        return request + self._rest(connection, missing)

    def _length(self, head):
        sizes = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
        return int(sizes[0].split(b":")[1]) if sizes else 0

    def _rest(self, connection, missing):
        rest = b""
        while 0 < missing - len(rest) < 1_000_000:  # a larger body is left unread on purpose
            rest += connection.recv(65536)
        return rest

    def close(self):
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
