"""One exchange with the source: bounded in time and size, and never redirected."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError

from destinations.http.client import USER_AGENT
from sharing.source.errors import SourceUnavailableError

CONNECT, READ = 5.0, 20.0  # seconds: to connect, and between two pieces of an answer
WHOLE = 45.0  # seconds for an answer as a whole
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
        self._session = requests.Session()
        self._session.trust_env = False

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
        try:
            with self._session.request(
                method,
                url,
                headers=headers,
                timeout=(CONNECT, READ),
                allow_redirects=False,
                stream=True,
                **what,
            ) as response:
                return _read(response)
        except (requests.RequestException, HTTPError, OSError) as error:
            raise SourceUnavailableError(
                f"TrainingPeaks did not answer ({_kind(error)})."
            ) from None


def _read(response: requests.Response) -> Answer:
    ends = time.monotonic() + WHOLE
    body = bytearray()
    for piece in response.iter_content(PIECE):
        body += piece
        if len(body) > LARGEST:
            return Answer(response.status_code, b"", response.headers, too_large=True)
        if time.monotonic() > ends:
            raise requests.Timeout
    return Answer(response.status_code, bytes(body), response.headers)


def _kind(error: Exception) -> str:
    """The kind only: a message may hold an address."""
    return type(error).__name__
