"""The way to a destination: certificates, names and connections (F39, F40, F41, F43).

Nothing has been sent until a byte has left. Then, and only then, the outcome is unknown.
"""

import socket
import ssl
from functools import partial

import pytest

from destinations import registry
from destinations.http import DestinationClient
from destinations.http import addresses as name_service
from destinations.http import exchange as clockwork
from destinations.models import Destination
from sharing import breaker
from tests.contracts.certificates import DAY, NOW, Authority
from tests.contracts.server import ANSWER, Server
from tests.faults.edges import faults
from tests.insight.conftest import alert, standing
from tests.sandbox_process import free_port

HOST = "hooks.example.com"
PUBLIC = "93.184.216.34"


class Names:
    """A name service under the test's hand. What it is asked, and what is called then."""

    def __init__(self, answers):
        self.answers, self.asked, self.dialled = answers, [], []

    def getaddrinfo(self, host, port, **_):
        self.asked.append(host)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, Exception):
            raise found
        if callable(found):
            found = found()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)) for text in found]

    def dial_to(self, place):
        """Connect to our receiver, whatever public address was meant."""

        def dial(address, port, timeout):
            self.dialled.append(address)
            return clockwork.dial("127.0.0.1", place, timeout)

        return dial


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture
def public_road(open_road, authority, monkeypatch, settings, tmp_path):
    """A road to https://hooks.example.com/, by the names and the certificate of the test."""

    def opened(*answers, tls=None, trusted=authority):
        road = open_road("keyed", tls=tls or authority.server(tmp_path, HOST))
        settings.BATON_ALLOW_LOOPBACK_DESTINATIONS = False
        names = Names(list(answers or ([PUBLIC],)))
        context = clockwork.watched_context(ssl.create_default_context(cadata=trusted.pem))
        client = partial(
            DestinationClient, dial=names.dial_to(road.receiver.server.port), tls=context
        )
        monkeypatch.setattr(registry, "DestinationClient", client)
        monkeypatch.setattr(name_service.socket, "getaddrinfo", names.getaddrinfo)
        destination = road.destination
        destination.configure(road.receiver.settings() | {"url": f"https://{HOST}/plans"})
        destination.save()
        return road, names

    return opened


def assert_waits(road, code):
    """A definite failure that passes by itself: it names the cause, and nothing was sent."""
    attempt = road.send()
    assert (attempt.outcome, attempt.error_code) == ("transient", code)
    assert road.receiver.requests == []
    assert road.destination.last_error_code == code
    assert road.newest.reason == code
    assert road.newest.state == "waiting"


class TestF39:
    def test_F39_a_good_certificate_for_the_checked_address(self, public_road):
        road, names = public_road()
        assert road.send().outcome == "success"
        assert names.dialled == [PUBLIC]
        road.check()

    @pytest.mark.parametrize(
        ("name", "ends", "code"),
        [(HOST, NOW - DAY, "tls_expired"), ("other.example.com", NOW + DAY, "tls_wrong_name")],
    )
    def test_F39_a_certificate_that_proves_nothing(
        self, name, ends, code, *, public_road, authority, tmp_path
    ):
        road, _ = public_road(tls=authority.server(tmp_path, name, ends))
        assert_waits(road, code)

    def test_F39_the_alert_names_what_is_wrong(self, public_road, authority, tmp_path):
        road, _ = public_road(tls=authority.server(tmp_path, HOST, NOW - DAY))
        assert "breaker_open" not in standing()
        for _ in range(breaker.FAILURES_IN_A_ROW):
            road.send()
        assert "breaker_open" in standing()
        assert alert("breaker_open").facts["reason"] == "tls_expired"
        assert road.receiver.requests == []

    def test_F39_a_certificate_that_nobody_vouches_for(self, public_road):
        road, _ = public_road(trusted=Authority())
        assert_waits(road, "tls_untrusted")

    @pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
    def test_F39_an_old_version_of_tls(self, version, public_road, authority, tmp_path):
        context = authority.server(tmp_path, HOST)
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match=version):
            context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
        road, _ = public_road(tls=context)
        assert_waits(road, "tls_too_old")

    @pytest.mark.parametrize("abruptly", [False, True], ids=["closed", "reset"])
    def test_F39_cut_during_the_handshake(self, abruptly, public_road):
        road, _ = public_road(tls=Cut(abruptly=abruptly))
        assert_waits(road, "tls_failed")

    def test_F39_a_handshake_that_never_ends(self, public_road):
        road, _ = public_road(tls=Mute())
        assert_waits(road, "tls_failed")


class Cut:
    """Hangs up when the handshake has begun."""

    def __init__(self, *, abruptly):
        self.abruptly = abruptly

    def wrap_socket(self, connection, **_):
        connection.recv(1)
        if self.abruptly:
            faults.reset(connection)
        connection.close()
        raise OSError


class Mute:
    """Lets the client begin, and answers nothing."""

    def wrap_socket(self, connection, **_):
        while connection.recv(65536):
            pass
        raise OSError


NO_SUCH_NAME = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
NO_SERVICE = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


class TestF40:
    @pytest.mark.parametrize(
        "failure", [NO_SUCH_NAME, NO_SERVICE, []], ids=["no such name", "no service", "no address"]
    )
    def test_F40_a_name_that_leads_nowhere(self, failure, public_road):
        road, names = public_road(failure, [PUBLIC])
        assert_waits(road, "dns_failed")
        assert names.dialled == []
        road.check()

    def test_F40_a_name_service_that_never_answers(self, public_road):
        silent = faults.Silent()
        road, names = public_road(lambda: silent("lookup") or [])
        assert_waits(road, "dns_failed")
        silent.over.set()
        assert names.dialled == []

    def test_F40_an_answer_that_turns_private_is_seen_at_the_next_call(self, public_road):
        road, names = public_road([PUBLIC], ["10.0.0.5"])
        assert road.send().outcome == "success"
        road.publish(2)
        attempt = road.send()
        assert attempt.error_code == "blocked_address"
        assert names.dialled == [PUBLIC]
        assert len(road.receiver.requests) == 1
        assert road.destination.state == Destination.State.PAUSED
        assert road.destination.paused_reason == "blocked_address"
        Destination.objects.update(state=Destination.State.ACTIVE)
        names.answers = [[PUBLIC]]
        road.check()

    def test_F40_one_private_address_among_50_refuses_them_all(self, public_road):
        road, names = public_road([f"93.184.216.{n}" for n in range(49)] + ["127.0.0.1"])
        assert road.send().error_code == "blocked_address"
        assert names.dialled == []

    def test_F40_50_public_addresses_cost_a_bounded_number_of_tries(self, public_road, monkeypatch):
        road, names = public_road([f"93.184.216.{n}" for n in range(50)])
        road.receiver.close()
        assert_waits(road, "connection_refused")
        assert len(names.dialled) == clockwork.TRIES


class TestF41:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_F41_a_redirect_to_an_internal_address(self, status, keyed):
        inside = Server(lambda connection, _: connection.sendall(ANSWER))
        keyed.receiver.will(faults.gives(status, b"", f"Location: {inside.url}\r\n"))
        attempt = keyed.send()
        inside.close()
        assert (attempt.outcome, attempt.error_code) == ("transient", "redirected")
        assert inside.connections == 0
        assert len(keyed.receiver.requests) == 1

    def test_F41_a_redirect_to_itself(self, any_class):
        to_itself = f"Location: {any_class.receiver.url}\r\n"
        any_class.receiver.will(faults.gives(307, b"", to_itself))
        assert any_class.send().error_code == "redirected"
        assert len(any_class.receiver.requests) == 1
        any_class.check()


class TestF43:
    def test_F43_refused(self, any_class, dialled):
        dialled(lambda *_: clockwork.dial("127.0.0.1", free_port(), 1))
        attempt = any_class.send()
        assert (attempt.outcome, attempt.error_code) == ("transient", "connection_refused")
        dialled(clockwork.dial)
        any_class.check()

    def test_F43_reset_before_a_byte_has_left(self, any_class, dialled):
        """The reset is there before the first byte is: a definite failure, nothing was sent."""
        dialled(dead)
        attempt = any_class.send()
        assert (attempt.outcome, attempt.error_code) == ("transient", "connection_refused")
        dialled(clockwork.dial)
        assert any_class.send().outcome == "success"  # nobody waits for what never left

    def test_F43_reset_in_the_middle_of_the_body(self, keyed):
        keyed.publish(2, description="x" * 20_000)
        read = keyed.receiver.server._read
        keyed.receiver.server._read = resets_after(2_000)
        attempt = keyed.send()
        assert (attempt.outcome, attempt.error_code) == ("unknown", "no_answer")
        assert keyed.receiver.requests == []
        keyed.receiver.server._read = read
        assert keyed.send().outcome == "success"

    def test_F43_reset_after_the_body(self, any_class):
        any_class.receiver.will(faults.resets)
        attempt = any_class.send()
        assert (attempt.outcome, attempt.error_code) == ("unknown", "no_answer")
        any_class.check()

    def test_F43_reset_in_the_middle_of_the_answer(self, any_class):
        def cut(exchange):
            exchange.send(exchange.apply()[:20])
            faults.reset(exchange.connection)

        any_class.receiver.will(cut)
        assert any_class.send().outcome == "unknown"
        any_class.check()


@pytest.fixture
def dialled(monkeypatch):
    """Say how a connection is made from now on."""

    def by(dial):
        monkeypatch.setattr(registry, "DestinationClient", partial(DestinationClient, dial=dial))

    return by


def dead(address, port, timeout):
    """A connection that the other side has reset already."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sock = clockwork.dial("127.0.0.1", listener.getsockname()[1], timeout)
        accepted, _ = listener.accept()
        faults.reset(accepted)
        accepted.close()
    return sock


def resets_after(count):
    def read(connection):
        seen = 0
        while seen < count:
            seen += len(connection.recv(64))
        faults.reset(connection)
        connection.close()
        raise OSError

    return read
