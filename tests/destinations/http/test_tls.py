"""Names and certificates: the socket sees the checked address, TLS sees the name (F39)."""

import datetime
import socket
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from destinations.errors import UnavailableError
from destinations.http import DestinationClient
from tests.contracts.server import ANSWER
from tests.destinations.http.conftest import PUBLIC, client_tls, steered

HOST = "hooks.example.com"
NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


class Authority:
    """A certificate authority that lives for one test run."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign("Test authority", self.key, NOW + DAY, authority=True)
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def _sign(self, name, key, ends, *, authority=False):
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - 9 * DAY)
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if not authority:
            names = x509.SubjectAlternativeName([x509.DNSName(name)])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def server(self, directory, name, ends=NOW + DAY):
        """A server's side of TLS, with a certificate for this name."""
        key = ec.generate_private_key(ec.SECP256R1())
        path = directory / f"{name}.pem"
        path.write_bytes(
            self._sign(name, key, ends).public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


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
    ("name", "ends", "trusted"),
    [("other.example.com", NOW + DAY, True), (HOST, NOW - DAY, True), (HOST, NOW + DAY, False)],
    ids=["wrong name", "expired", "unknown issuer"],
)
def test_a_certificate_that_proves_nothing_gets_nothing(
    name, ends, trusted, serve, authority, tmp_path
):
    server = serve(reply, tls=authority.server(tmp_path, name, ends))
    client, _ = caller(server, authority.pem if trusted else Authority().pem)
    with pytest.raises(UnavailableError) as failure:
        client.post(f"https://{HOST}/plans", b"{}")
    assert failure.value.code == "tls_failed"
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
