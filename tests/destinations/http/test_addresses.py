"""Where Baton never goes: a refused target costs not one connection (A23-A27, F40)."""

import threading
from ipaddress import ip_address
from pathlib import Path

import pytest

from destinations.errors import BlockedAddressError, PermanentError, UnavailableError
from destinations.http import DestinationClient, resolve
from destinations.http.addresses import checked_addresses, public
from tests.destinations.http.conftest import PUBLIC, steered

SECTIONS = (Path(__file__).parent / "refused_targets.txt").read_text(encoding="utf-8").split("\n\n")
IPV4, IPV6, ODD = (section.split()[1:] for section in SECTIONS[:3])

CONFUSING = [
    "https://good.example@127.0.0.1/",
    "https://user:pass@hooks.example.com/",
    "https://good.example#@127.0.0.1/",
    "https://good.example\\@127.0.0.1/",
    "https://127.0.0.1\\.good.example/",
    "https://good.example\t.evil.example/",
    "https://good.example\n.evil.example/",
    " https://good.example/",
    "https://good.example/\r\nX-Evil: 1",
    "https://good.example%00.evil.example/",
    "https://good.example%2f@127.0.0.1/",
    "https://[fe80::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[::1%25lo]/",
    "https://good.example:0/",
    "https://good.example:99999/",
    "https://good.example:-1/",
    "https://good.example:port/",
    "https://good.example:22/",
    "https://good.example:8443/",
    "http://good.example/",
    "http://good.example:443/",
    "ftp://good.example/",
    "file:///etc/passwd",
    "gopher://good.example/",
    "javascript:alert(1)",
    "//good.example/",
    "good.example",
    "https://",
    "https:///path",
    "https://[/",
    "https://good\u200b.example/",
    "https://good\u202e.example/",
    "",
]

LITERALS = [f"https://{address}/" for address in IPV4] + [f"https://[{a}]/" for a in IPV6]
TARGETS = LITERALS + ODD + CONFUSING


def test_there_are_more_than_a_hundred_and_twenty_targets():
    assert len(set(TARGETS)) >= 120


@pytest.fixture
def listener(serve):
    return serve()


def caller(listener, lookup=resolve):
    dialled = []
    client = DestinationClient(deadline=2.0, resolve=lookup, dial=steered(listener, dialled))
    return client, dialled


@pytest.mark.parametrize("url", LITERALS)
def test_an_address_that_is_not_public_is_refused_before_any_connection(url, listener):
    client, dialled = caller(listener)
    with pytest.raises(BlockedAddressError):
        client.send("POST", url, body=b"{}")
    assert (dialled, listener.connections) == ([], 0)


@pytest.mark.parametrize("url", ODD)
def test_an_odd_notation_is_judged_by_what_it_resolves_to(url, listener):
    client, dialled = caller(listener)
    with pytest.raises((PermanentError, UnavailableError)) as refusal:
        client.send("POST", url, body=b"{}")
    assert refusal.value.code in {"blocked_address", "bad_address", "dns_failed"}
    assert (dialled, listener.connections) == ([], 0)


@pytest.mark.parametrize("url", CONFUSING)
def test_a_confusing_url_is_refused_before_any_connection(url, listener):
    client, dialled = caller(listener, lambda *_: [PUBLIC])
    with pytest.raises(PermanentError) as refusal:
        client.send("POST", url, body=b"{}")
    assert refusal.value.code in {"bad_address", "blocked_address"}
    assert (dialled, listener.connections) == ([], 0)


@pytest.mark.parametrize("address", IPV4 + IPV6)
def test_a_name_that_resolves_to_such_an_address_is_refused(address, listener):
    client, dialled = caller(listener, lambda *_: [address])
    with pytest.raises(BlockedAddressError):
        client.send("GET", "https://innocent.example/")
    assert dialled == []


@pytest.mark.parametrize(
    "answer",
    [
        [PUBLIC, "10.0.0.1"],
        ["10.0.0.1", PUBLIC],
        [PUBLIC, "2606:4700::1", "::1"],
        [PUBLIC, "fe80::1%eth0"],
        [PUBLIC, "not an address"],
        [PUBLIC] * 49 + ["169.254.169.254"],
    ],
)
def test_a_mixed_answer_is_refused_whole(answer, listener):
    client, dialled = caller(listener, lambda *_: answer)
    with pytest.raises(BlockedAddressError):
        client.send("GET", "https://mixed.example/")
    assert dialled == []


def test_a_name_that_turns_private_after_the_check_reaches_nothing(listener):
    answers = iter([[PUBLIC], ["127.0.0.1"], ["10.0.0.1"]])
    asked = []

    def rebinding(host, port, timeout):
        asked.append(host)
        return next(answers)

    client, dialled = caller(listener, rebinding)
    with pytest.raises(UnavailableError):  # the listener speaks no TLS
        client.send("GET", "https://rebinding.example/")
    assert asked == ["rebinding.example"]  # resolved once for this call
    assert dialled == [(PUBLIC, 443)]  # connected to what was checked
    with pytest.raises(BlockedAddressError):  # and asked again, checked again, for the next
        client.send("GET", "https://rebinding.example/")
    assert len(dialled) == 1


def test_loopback_opens_only_for_plain_loopback_and_only_in_development():
    assert checked_addresses(["127.0.0.1", "::1"], allow_loopback=True) == ["127.0.0.1", "::1"]
    for wrapped in ["::ffff:127.0.0.1", "::127.0.0.1", "2002:7f00:1::", "10.0.0.1", "0.0.0.1"]:
        with pytest.raises(BlockedAddressError):
            checked_addresses([wrapped], allow_loopback=True)
    with pytest.raises(BlockedAddressError):
        checked_addresses([PUBLIC, "127.0.0.1"], allow_loopback=True)


def test_development_does_not_open_plain_http_to_the_world(listener):
    dialled = []
    client = DestinationClient(
        allow_loopback=True, resolve=lambda *_: [PUBLIC], dial=steered(listener, dialled)
    )
    with pytest.raises(PermanentError):
        client.send("GET", "http://good.example/")
    assert dialled == []


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450::1"]
)
def test_ordinary_addresses_are_public(address):
    assert public(ip_address(address))


def test_a_name_that_does_not_exist_is_a_definite_failure(listener):
    client, dialled = caller(listener, lambda *_: [])
    with pytest.raises(UnavailableError) as failure:
        client.send("GET", "https://nowhere.example/")
    assert (failure.value.code, dialled) == ("dns_failed", [])


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch):
    never = threading.Event()

    def hang(*_, **__):
        never.wait(5)
        return []

    monkeypatch.setattr("socket.getaddrinfo", hang)
    with pytest.raises(UnavailableError):
        resolve("slow.example", 443, 0.05)
    never.set()
