"""Names and certificates: the socket sees the checked address, TLS sees the name (F39)."""

import socket
import ssl

import pytest

from destinations.errors import UnavailableError
from destinations.http import DestinationClient
from tests.contracts.certificates import DAY, NOW, Authority
from tests.contracts.server import ANSWER
from tests.destinations.http.conftest import PUBLIC, client_tls, steered

HOST = "hooks.example.com"


class Cut:
    """Hangs up as soon as a handshake begins."""

    def wrap_socket(self, connection, **_):
        connection.recv(1)
        connection.close()
        raise OSError


@pytest.fixture(scope="module")
def authority():
    return Authority()


def reply(connection, _):
    connection.sendall(ANSWER)


def caller(server, trusted):
    dialled = []
    client = DestinationClient(
        deadline=2.0,
        resolve=lambda *_: [PUBLIC],
        dial=steered(server, dialled),
        tls=client_tls(trusted),
    )
    return client, dialled


def test_the_checked_address_is_called_and_the_name_is_what_tls_and_host_see(
    serve, authority, tmp_path
):
    named = []
    context = authority.server(tmp_path, HOST)
    context.sni_callback = lambda _, name, __: named.append(name)
    server = serve(reply, tls=context)
    client, dialled = caller(server, authority.pem)
    assert client.post(f"https://{HOST}/plans", b"{}").status == 200
    assert dialled == [(PUBLIC, 443)]
    assert named == [HOST]
    assert f"\r\nHost: {HOST}\r\n".encode() in server.requests[0]


@pytest.mark.parametrize(
    ("name", "ends", "trusted", "code"),
    [
        ("other.example.com", NOW + DAY, True, "tls_wrong_name"),
        (HOST, NOW - DAY, True, "tls_expired"),
        (HOST, NOW + DAY, False, "tls_untrusted"),
    ],
    ids=["wrong name", "expired", "unknown issuer"],
)
def test_a_certificate_that_proves_nothing_gets_nothing(
    name, ends, trusted, code, *, serve, authority, tmp_path
):
    server = serve(reply, tls=authority.server(tmp_path, name, ends))
    client, _ = caller(server, authority.pem if trusted else Authority().pem)
    with pytest.raises(UnavailableError) as failure:
        client.post(f"https://{HOST}/plans", b"{}")
    assert failure.value.code == code
    assert server.requests == []


def test_an_old_tls_version_is_refused(serve, authority, tmp_path):
    context = authority.server(tmp_path, HOST)
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    server = serve(reply, tls=context)
    client, _ = caller(server, authority.pem)
    with pytest.raises(UnavailableError):
        client.post(f"https://{HOST}/plans", b"{}")
    assert server.requests == []


def test_a_handshake_that_is_cut_is_definite(serve, authority):
    server = serve(tls=Cut())
    client, _ = caller(server, authority.pem)
    with pytest.raises(UnavailableError):
        client.post(f"https://{HOST}/plans", b"{}")
    assert (server.connections, server.requests) == (1, [])


def test_a_handshake_that_hangs_is_definite_and_bounded(authority):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        class Mute:
            port = listener.getsockname()[1]

        client = DestinationClient(
            deadline=0.3,
            resolve=lambda *_: [PUBLIC],
            dial=steered(Mute, []),
            tls=client_tls(authority.pem),
        )
        with pytest.raises(UnavailableError):
            client.post(f"https://{HOST}/plans", b"{}")
