"""The one outgoing client. Time, size, address and meaning of every call are decided here.

It tells apart what nobody else can: *nothing was sent* (a definite failure) and
*some of the request may have left* (unknown).
"""

import json
import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError

from destinations.errors import (
    BlockedAddressError,
    DestinationError,
    PayloadError,
    UnavailableError,
    UnknownOutcomeError,
)
from destinations.http import exchange as clockwork
from destinations.http.addresses import Resolver, checked_addresses, resolve
from destinations.http.excerpt import credentials, excerpt
from destinations.http.exchange import CONNECT, HEAD, Dial, Exchange, dial_any
from destinations.http.handshake import tls_code
from destinations.http.outcome import raise_for_outcome
from destinations.http.retry_after import asked_pause
from destinations.http.transport import DeliveringAdapter
from destinations.http.url import Target, target

VERSION = "0.1.0"
USER_AGENT = f"Baton/{VERSION}"
DEADLINE = 15.0  # seconds for the whole exchange
MOST = 64 * 1024  # bytes of an answer that are read
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    elapsed: float
    excerpt: str = field(default="", repr=False)
    complete: bool = True  # False: there was more than we read

    @property
    def retry_after(self) -> timedelta | None:
        return asked_pause(self.headers)

    def json(self) -> Any:
        """The answer as JSON. An answer that cannot be read says nothing about what was done."""
        try:
            if self.complete:
                return json.loads(self.body)
        except (ValueError, RecursionError):
            pass
        raise UnknownOutcomeError(
            code="unreadable_answer", http_status=self.status, excerpt=self.excerpt
        )


@dataclass(frozen=True)
class DestinationClient:
    """What an adapter speaks through. `secrets`, and what it signs in with, are cut out of every
    excerpt that is kept.
    """

    deadline: float = DEADLINE
    allow_loopback: bool = False
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    resolve: Resolver = resolve
    dial: Dial = clockwork.dial
    tls: ssl.SSLContext | None = None

    def get(self, url: str, **kwargs: Any) -> Response:
        return self.request("GET", url, **kwargs)

    def post(self, url: str, body: bytes, **kwargs: Any) -> Response:
        return self.request("POST", url, body=body, **kwargs)

    def put(self, url: str, body: bytes, **kwargs: Any) -> Response:
        return self.request("PUT", url, body=body, **kwargs)

    def delete(self, url: str, **kwargs: Any) -> Response:
        return self.request("DELETE", url, **kwargs)

    def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        most: int = MOST,
    ) -> Response:
        """Send once and return a success. Everything else is raised as what it means."""
        return raise_for_outcome(
            self.send(method, url, body=body, headers=headers or {}, most=most)
        )

    def send(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        most: int = MOST,
    ) -> Response:
        """Send once and return whatever was answered. No redirect, no proxy, no second try."""
        place = target(url)
        sent = {**_checked_headers(headers or {}), **OWN_HEADERS}
        exchange = Exchange(self.deadline, room=HEAD + most)
        started = time.monotonic()
        failure: DestinationError
        try:
            with self._session(place, exchange) as session:
                answer = session.request(
                    method,
                    place.url,
                    data=body,
                    headers=sent,
                    stream=True,
                    allow_redirects=False,
                    timeout=exchange.left(),
                )
                with answer:
                    hidden = self.secrets | credentials(sent)
                    return _response(answer, time.monotonic() - started, most, hidden)
        except (requests.RequestException, HTTPError, OSError) as error:
            failure = _diagnosis(error, exchange)
        raise failure  # outside the handler: the cause's text holds the URL, which may be a secret

    def _session(self, place: Target, exchange: Exchange) -> requests.Session:
        session = requests.Session()
        session.trust_env = False  # no proxies, no .netrc, no other authorities
        session.headers.clear()
        adapter = DeliveringAdapter(
            partial(self._connect, place, exchange),
            exchange,
            self.tls or clockwork.tls_context(),
        )
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        return session

    def _connect(self, place: Target, exchange: Exchange, host: str, port: int) -> Any:
        if (host, port) != (place.host, place.port):
            raise BlockedAddressError  # two readings of one URL: neither is trusted
        found = self.resolve(host, port, min(CONNECT, exchange.left()))
        addresses = checked_addresses(found, allow_loopback=self.allow_loopback)
        if not place.everyday and not (self.allow_loopback and _loopback(addresses)):
            raise BlockedAddressError(code="bad_address")
        return dial_any(addresses, port, exchange, self.dial)


OWN_HEADERS = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", "Connection": "close"}


def _checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not HEADER_NAME.fullmatch(name) or not _header_value(value):
            raise PayloadError(
                f"The header {name!r} cannot be sent as it is.", code="contract_broken"
            )
    return dict(headers)


def _header_value(value: str) -> bool:
    return value.isascii() and value.isprintable() and value == value.strip()


def _response(
    answer: requests.Response, elapsed: float, most: int, hidden: frozenset[str]
) -> Response:
    body, complete = _read(answer, most)
    return Response(
        status=answer.status_code,
        headers=CaseInsensitiveDict(answer.headers),
        body=body,
        elapsed=elapsed,
        excerpt=excerpt(body, hidden),
        complete=complete,
    )


def _read(answer: requests.Response, most: int) -> tuple[bytes, bool]:
    """At most `most` bytes. The socket watches the clock; a break before the end is raised."""
    body = b""
    for chunk in answer.raw.stream(8192, decode_content=False):
        body += chunk
        if len(body) > most:
            return body[:most], False
    return body, True


def _loopback(addresses: list[str]) -> bool:
    return all(address == "::1" or address.startswith("127.") for address in addresses)


def _diagnosis(error: Exception, exchange: Exchange) -> DestinationError:
    if exchange.sent:
        return UnknownOutcomeError()
    if isinstance(error, requests.exceptions.InvalidURL):
        return BlockedAddressError(code="bad_address")
    if exchange.dialled and not exchange.connected:
        return UnavailableError(code=tls_code(error))
    return UnavailableError(code="connection_refused")
