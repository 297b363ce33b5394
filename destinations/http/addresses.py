"""Which network addresses Baton calls: names are resolved once, and every address must be public.

The table is our own. `ipaddress.is_private` calls carrier-grade NAT, multicast, cloud
metadata addresses and most ways of wrapping IPv4 in IPv6 "not private".
"""

import queue
import socket
import threading
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from destinations.errors import BlockedAddressError, UnavailableError

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int, float], Sequence[str]]

DENIED_IPV4 = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # carrier-grade NAT, and a cloud's metadata at 100.100.100.200
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # a cloud's host
            "169.254.0.0/16",  # link-local, cloud metadata
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments
            "192.0.2.0/24",  # documentation
            "192.31.196.0/24",  # AS112
            "192.52.193.0/24",  # automatic multicast tunnelling
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",  # private
            "192.175.48.0/24",  # AS112
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
        ),
    )
)

# Only 2000::/3 is handed out for the public internet. All the rest is refused whole: loopback,
# mapped, compatible and translated IPv4, NAT64, unique-local, link-local, segment routing,
# multicast.
DENIED_IPV6 = tuple(
    map(
        ip_network,
        (
            "::/3",
            "4000::/2",
            "8000::/1",
            "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks, multicast tunnelling
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4
            "2620:4f:8000::/48",  # AS112
            "3fff::/20",  # documentation
        ),
    )
)


def public(address: Address) -> bool:
    table = DENIED_IPV4 if address.version == 4 else DENIED_IPV6
    return not any(address in network for network in table)


def local(address: Address) -> bool:
    """Loopback in its two plain forms; nothing that is wrapped."""
    return address == ip_address("::1") or address in ip_network("127.0.0.0/8")


def checked_addresses(texts: Sequence[str], *, allow_loopback: bool) -> list[str]:
    """All addresses of a name, or a refusal when a single one of them is not for us."""
    addresses = [_address(text) for text in texts]
    if not addresses:
        raise UnavailableError(code="dns_failed")
    if allow_loopback and all(map(local, addresses)):
        return [str(address) for address in addresses]
    if not all(map(public, addresses)):
        raise BlockedAddressError
    return [str(address) for address in addresses]


def _address(text: str) -> Address:
    if "%" in text:  # a zone id: link-local by nature
        raise BlockedAddressError
    try:
        return ip_address(text)
    except ValueError:
        raise BlockedAddressError from None


def resolve(host: str, port: int, timeout: float) -> Sequence[str]:
    """Ask the system's resolver, for no longer than `timeout` seconds."""
    answers: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
    # The system call cannot be interrupted: a thread that is left behind ends with it.
    threading.Thread(target=_ask, args=(host, port, answers), daemon=True).start()
    try:
        return answers.get(timeout=max(timeout, 0.001))
    except queue.Empty:
        raise UnavailableError(code="dns_failed") from None


def _ask(host: str, port: int, answers: "queue.SimpleQueue[list[str]]") -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        found = []
    answers.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
