"""One exchange: bounded in time and size, and honest about whether anything was sent (F32-F43)."""

import gzip
import socket
import struct
import threading
import time
import tracemalloc

import pytest

from destinations.errors import (
    AuthorizationError,
    BlockedAddressError,
    ConflictError,
    GoneError,
    MissingError,
    PayloadError,
    ThrottledError,
    TransientError,
    UnavailableError,
    UnknownOutcomeError,
)
from destinations.http import DestinationClient, raise_for_outcome
from destinations.http.excerpt import excerpt
from tests.contracts.server import ANSWER

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


def status_line(status, headers=""):
    return f"HTTP/1.1 {status} X\r\n{headers}Content-Length: 2\r\n\r\nno".encode()


def drip(connection, raw, stop):
    """One byte at a time, for ever and a day, until the test is over."""
    for byte in raw:
        connection.sendall(bytes([byte]))
        if stop.wait(0.05):
            return


@pytest.fixture
def stop():
    event = threading.Event()
    yield event
    event.set()


def test_an_answer_is_returned_with_status_headers_body_and_time(answers, near):
    server = answers(b"HTTP/1.1 202 Accepted\r\nX-A: b\r\nContent-Length: 4\r\n\r\nokay")
    response = near.post(server.url, b"{}", headers={"X-Key": "1"})
    assert (response.status, response.headers["x-a"], response.body) == (202, "b", b"okay")
    assert 0 < response.elapsed < 2


def test_what_is_sent_names_baton_and_refuses_compression(answers, near):
    server = answers(ANSWER)
    near.post(server.url, b'{"a":1}', headers={"User-Agent": "other", "Content-Type": "x/y"})
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /hook HTTP/1.1"
    assert f"Host: 127.0.0.1:{server.port}" in lines
    assert "User-Agent: Baton/0.1.0" in lines
    assert "Accept-Encoding: identity" in lines
    assert "Connection: close" in lines
    assert body == b'{"a":1}'


def test_proxies_and_passwords_of_the_environment_are_not_used(
    answers, near, monkeypatch, tmp_path
):
    server = answers(ANSWER)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ana password s3cret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert near.get(server.url).status == 200
    assert server.requests[0].startswith(b"GET /hook HTTP/1.1\r\n")
    assert b"Authorization" not in server.requests[0]


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (301, UnavailableError, "redirected"),
        (302, UnavailableError, "redirected"),
        (307, UnavailableError, "redirected"),
        (304, UnavailableError, "redirected"),
        (400, PayloadError, "refused"),
        (401, AuthorizationError, "unauthorized"),
        (402, PayloadError, "refused"),
        (403, AuthorizationError, "unauthorized"),
        (404, MissingError, "missing"),
        (405, PayloadError, "refused"),
        (408, UnavailableError, "unavailable"),
        (409, ConflictError, "conflict"),
        (410, GoneError, "gone"),
        (412, ConflictError, "conflict"),
        (413, PayloadError, "refused"),
        (415, PayloadError, "refused"),
        (422, PayloadError, "refused"),
        (425, UnavailableError, "unavailable"),
        (429, ThrottledError, "throttled"),
        (500, UnknownOutcomeError, "server_error"),
        (502, UnknownOutcomeError, "server_error"),
        (503, UnavailableError, "unavailable"),
        (504, UnknownOutcomeError, "server_error"),
        (599, UnknownOutcomeError, "server_error"),
    ],
)
def test_every_refusal_has_its_meaning(status, error, code, answers, near):
    server = answers(status_line(status, "Location: http://127.0.0.1:1/\r\nRetry-After: 7\r\n"))
    with pytest.raises(error) as raised:
        near.post(server.url, b"{}")
    assert type(raised.value) is error
    assert (raised.value.code, raised.value.http_status) == (code, status)
    assert raised.value.retry_after.total_seconds() == 7
    assert server.connections == 1


@pytest.mark.parametrize("status", [200, 201, 202, 204, 207])
def test_any_2xx_is_a_success(status, answers, near):
    raw = f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode()
    assert near.post(answers(raw).url, b"{}").status == status


def test_a_redirect_to_an_internal_address_is_not_followed(serve, near):
    inside = serve()
    location = f"Location: {inside.url}\r\n"
    outside = serve(lambda connection, _: connection.sendall(status_line(307, location)))
    with pytest.raises(TransientError):
        near.post(outside.url, b"{}")
    assert inside.connections == 0


def test_no_answer_in_time_is_unknown_because_the_request_has_left(serve, stop):
    server = serve(lambda connection, _: stop.wait(5))
    with pytest.raises(UnknownOutcomeError):
        DestinationClient(deadline=0.3, allow_loopback=True).post(server.url, b"{}")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "raw", [b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 500, HEAD % 500 + b"b" * 500]
)
def test_one_byte_at_a_time_does_not_outlast_the_deadline(raw, serve, stop):
    server = serve(lambda connection, _: drip(connection, raw, stop))
    started = time.monotonic()
    with pytest.raises(UnknownOutcomeError):
        DestinationClient(deadline=0.4, allow_loopback=True).post(server.url, b"{}")
    assert time.monotonic() - started < 10  # a second for every byte would be minutes


def test_a_request_that_is_not_read_does_not_outlast_the_deadline(serve, stop):
    server = serve(lambda connection, _: stop.wait(5))
    started = time.monotonic()
    with pytest.raises(UnknownOutcomeError):
        DestinationClient(deadline=0.4, allow_loopback=True).post(server.url, b"x" * 50_000_000)
    assert time.monotonic() - started < 4.5  # the server would wait five


def test_a_connection_that_is_never_accepted_does_not_outlast_the_deadline():
    def stuck(address, port, timeout):
        raise TimeoutError(timeout)

    client = DestinationClient(deadline=0.3, allow_loopback=True, dial=stuck)
    with pytest.raises(UnavailableError) as failure:
        client.post("http://127.0.0.1:9/", b"{}")
    assert failure.value.code == "connection_refused"


def test_an_endless_body_costs_64_kib_and_no_more(serve, near, stop):
    def pour(connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        while not stop.is_set():
            connection.sendall(b"x" * 65536)

    server = serve(pour)
    tracemalloc.start()
    response = near.post(server.url, b"{}")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(response.body), response.complete) == (64 * 1024, False)
    assert peak < 4_000_000
    with pytest.raises(UnknownOutcomeError):
        response.json()


def test_a_compressed_bomb_is_not_unpacked(serve, near):
    bomb = gzip.compress(b"0" * 10_000_000)
    raw = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    response = near.post(serve(lambda c, _: c.sendall(raw + bomb)).url, b"{}")
    assert response.body == bomb[: 64 * 1024]


def test_a_truncated_answer_is_unknown(answers, near):
    with pytest.raises(UnknownOutcomeError):
        near.post(answers(HEAD % 100 + b"only this").url, b"{}")


def test_a_reset_after_the_request_is_unknown(serve, near):
    def reset(connection, _):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with pytest.raises(UnknownOutcomeError):
        near.post(serve(reset).url, b"{}")


def test_a_connection_closed_without_an_answer_is_unknown(serve, near):
    with pytest.raises(UnknownOutcomeError):
        near.post(serve(lambda *_: None).url, b"{}")


def test_an_answer_that_is_not_http_is_unknown(answers, near):
    with pytest.raises(UnknownOutcomeError):
        near.post(answers(b"SSH-2.0-OpenSSH_9.2\r\n\r\n").url, b"{}")


def test_a_refused_connection_is_definite(serve, near):
    server = serve()
    server.close()
    with pytest.raises(UnavailableError) as failure:
        near.post(server.url, b"{}")
    assert failure.value.code == "connection_refused"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Name": "a\r\nX-Evil: 1"},
        {"X-Name": "a\nb"},
        {"X-Name": "a\x00b"},
        {"X-Name\r\nX-Evil": "1"},
        {"X Name": "1"},
        {"": "1"},
        {"X-Name": "ü"},
        {"X-Name": " padded"},
    ],
)
def test_a_header_that_could_become_two_is_refused(headers, serve, near):
    server = serve()
    with pytest.raises(PayloadError):
        near.post(server.url, b"{}", headers=headers)
    assert server.connections == 0


def test_loopback_is_closed_unless_it_was_opened(serve):
    server = serve()
    with pytest.raises(BlockedAddressError):
        DestinationClient(deadline=1).post(server.url, b"{}")
    assert server.connections == 0


def test_secrets_and_control_characters_do_not_survive_in_an_excerpt(answers):
    raw = b"key s3cr3t-value\x1b[31m\r\n<script>"
    client = DestinationClient(allow_loopback=True, secrets=frozenset({"s3cr3t-value"}))
    response = client.post(answers(HEAD % len(raw) + raw).url, b"{}")
    assert response.excerpt == "key •••• [31m  <script>"
    assert "s3cr3t" not in repr(client) + repr(response)


@pytest.mark.parametrize(
    "quoted",
    [
        "https://hooks.example.com/a/t0k3n?key=ä b",
        r"https:\/\/hooks.example.com\/a\/t0k3n?key=\u00e4 b",
        "https%3A%2F%2Fhooks.example.com%2Fa%2Ft0k3n%3Fkey%3D%C3%A4%20b",
        "https%3a%2f%2fhooks.example.com%2fa%2ft0k3n%3fkey%3d%c3%a4%20b",
        "HTTPS://hooks.example.com/a/t0k3n?key=ä b",
    ],
)
def test_a_secret_does_not_survive_however_it_is_quoted(quoted):
    secret = "https://hooks.example.com/a/t0k3n?key=ä b"
    assert excerpt(f"<{quoted}>".encode(), {secret}) == "<••••>"


def test_half_a_secret_does_not_survive_at_the_end():
    secret = "s3cr3t" * 200
    assert "s3cr3t" not in excerpt(("." + secret).encode() * 20, {secret})


@pytest.mark.parametrize("scheme", ["Basic", "Bearer"])
def test_what_was_signed_in_with_does_not_survive_in_an_excerpt(answers, near, scheme):
    server = answers(HEAD % 30 + b"Authorization: %s QVBJX0tFWTo= " % scheme.encode())
    response = near.post(server.url, b"{}", headers={"Authorization": f"{scheme} QVBJX0tFWTo="})
    assert "QVBJX0tFWTo" not in response.excerpt
    assert response.excerpt.startswith("Authorization: ")


def test_an_error_tells_nothing_of_the_address(serve, near, caplog):
    caplog.set_level("DEBUG")
    server = serve(lambda *_: None)
    with pytest.raises(UnknownOutcomeError) as failure:
        near.post(server.url + "/t0ken-in-the-path", b"{}")
    assert failure.value.__cause__ is None
    assert failure.value.__context__ is None
    assert "t0ken" not in repr(failure.value) + str(failure.value) + caplog.text


def test_an_unreadable_answer_says_nothing_about_what_was_done(answers, near):
    for raw in (b"<html>", b"[" * 60_000, b"\xff\xfe"):
        response = near.post(answers(HEAD % len(raw) + raw).url, b"{}")
        with pytest.raises(UnknownOutcomeError):
            response.json()


def test_a_success_passes_through(answers, near):
    response = near.send("POST", answers(ANSWER).url, body=b"{}")
    assert raise_for_outcome(response) is response
