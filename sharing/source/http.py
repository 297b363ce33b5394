"""One exchange with the source: bounded in time and size, and never redirected."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError

from destinations.errors import UnavailableError
from destinations.http.addresses import resolve
from destinations.http.client import USER_AGENT
from destinations.http.exchange import CONNECT, HEAD, Exchange, dial, dial_any, tls_context
from destinations.http.transport import CheckedAdapter
from sharing.source.errors import SourceDownError

WHOLE = 45.0  # seconds for an exchange as a whole, shorter than a lease
LARGEST = 8 * 1024 * 1024  # bytes of an answer
PIECE = 64 * 1024
HEADERS = {
    "User-Agent": USER_AGENT,
    "Accept": "application/json",
    "Content-Type": "application/json",
}


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=CaseInsensitiveDict, repr=False)
    too_large: bool = False


class Http:
    """A connection that is kept open for the length of one reading."""

    def __init__(self) -> None:
        self._exchange = Exchange(WHOLE, room=HEAD + LARGEST)
        self._session = requests.Session()
        self._session.trust_env = False
        adapter = CheckedAdapter(self._connect, self._exchange, tls_context())
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def _connect(self, host: str, port: int) -> socket.socket:
        try:
            found = resolve(host, port, min(CONNECT, self._exchange.left()))
        except UnavailableError:
            found = []
        if not found:
            raise ConnectionError("the name leads nowhere")
        return dial_any(found, port, self._exchange, dial)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._session.close()

    def exchange(self, method: str, url: str, *, token: str = "", **what: Any) -> Answer:
        """Ask, and read the whole answer. Raises only when there is none."""
        headers = HEADERS | ({"Authorization": f"Bearer {token}"} if token else {})
        self._exchange.begin()
        try:
            with self._session.request(
                method,
                url,
                headers=headers,
                timeout=self._exchange.left(),
                allow_redirects=False,
                stream=True,
                **what,
            ) as response:
                return _read(response)
        except (requests.RequestException, HTTPError, OSError) as error:
            raise SourceDownError(f"TrainingPeaks did not answer ({_kind(error)}).") from None


def _read(response: requests.Response) -> Answer:
    body = bytearray()
    for piece in response.iter_content(PIECE):
        body += piece
        if len(body) > LARGEST:
            return Answer(response.status_code, b"", response.headers, too_large=True)
    return Answer(response.status_code, bytes(body), response.headers)


def _kind(error: Exception) -> str:
    """The kind only: a message may hold an address."""
    return type(error).__name__
