"""Which URLs Baton calls: plain https, read once, by the parser that connects."""

import re
from dataclasses import dataclass

import requests
from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from destinations.errors import PermanentError

PORTS = frozenset({443})
LONGEST = 2048
ODD = re.compile(r"[\x00-\x20\x7f-\x9f\\\u200b-\u200f\u2028-\u202e\u2060\ufeff]")


@dataclass(frozen=True)
class Target:
    """A URL that may be called, as the transport will read it."""

    url: str
    scheme: str
    host: str
    port: int

    @property
    def everyday(self) -> bool:
        return self.scheme == "https" and self.port in PORTS


def target(url: str) -> Target:
    """Read a URL the way the transport will, and refuse whatever could be read in two ways."""
    if len(url) > LONGEST or ODD.search(url):
        raise _refusal("It is too long, or contains characters that do not belong into an address.")
    parts = _parsed(_prepared(url))
    if parts.auth is not None or "@" in (parts.netloc or ""):
        raise _refusal("It must not carry a user name or password.")
    if parts.fragment is not None or "#" in url:
        raise _refusal("It must not contain “#”.")
    if parts.scheme not in {"http", "https"} or not parts.host:
        raise _refusal("It must begin with https:// and name a host.")
    host = parts.host.removeprefix("[").removesuffix("]")
    if "%" in host:
        raise _refusal("Its host must be a plain name or address.")
    port = parts.port if parts.port is not None else {"http": 80, "https": 443}[parts.scheme]
    if _parsed(url).port == 0 or not 0 < port < 65536:  # preparing would drop a zero
        raise _refusal("Its port does not exist.")
    return Target(parts.url, parts.scheme, host, port)


def _parsed(url: str) -> Url:
    try:
        return parse_url(url)
    except LocationParseError:
        raise _refusal("It cannot be read as an address.") from None


def _prepared(url: str) -> str:
    try:
        prepared = requests.Request("GET", url).prepare().url
    except (requests.RequestException, ValueError, UnicodeError):
        prepared = None
    if not prepared:
        raise _refusal("It cannot be read as an address.")
    return prepared


def _refusal(why: str) -> PermanentError:
    return PermanentError(f"The destination's address cannot be used. {why}", code="bad_address")
