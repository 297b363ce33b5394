"""The signed webhook, read by somebody else's verifier (S76) and by the rules of its protocol."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from destinations.adapters.webhook.adapter import WebhookAdapter
from destinations.adapters.webhook.forms import WebhookConfigForm
from destinations.adapters.webhook.mapping import message
from destinations.adapters.webhook.signing import new_secret, signed_headers
from destinations.errors import GoneError, ThrottledError, UnavailableError
from destinations.http import DestinationClient
from destinations.port import Action
from tests.contracts import plans
from tests.contracts.server import Server

OLD, NEW = new_secret(), new_secret()
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def receiver():
    server = Server(
        lambda connection, _: connection.sendall(b"HTTP/1.1 204 X\r\nContent-Length: 0\r\n\r\n")
    )
    yield server
    server.close()


def adapter_at(receiver, **config):
    client = DestinationClient(deadline=2, allow_loopback=True)
    return WebhookAdapter({"url": receiver.url, "secret": NEW, **config}, client)


def item(*sessions):
    adapter = WebhookAdapter({"url": "https://h.example/", "secret": NEW}, DestinationClient())
    return adapter.render(plans.plan(*sessions), plans.options())[0]


def received(receiver):
    head, _, body = receiver.requests[-1].partition(b"\r\n\r\n")
    lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
    return {name.lower(): value for name, _, value in lines}, body


@pytest.mark.parametrize(
    ("secret", "message_id", "timestamp", "body", "signature"),
    [
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            b'{"test": 2432232314}',
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        (
            "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "evt_77_3_demo",
            1772438400,
            (
                b'{"type":"plan.published","timestamp":"2026-03-02T08:00:00Z",'
                b'"data":{"planId":"77","version":3}}'
            ),
            "v1,EuzyF0GhZ12ObSxi/2YfVQDwql2RDv2LKE9tSWr9C9w=",
        ),
    ],
)
def test_signatures_match_the_published_vectors(secret, message_id, timestamp, body, signature):
    now = datetime.fromtimestamp(timestamp, UTC)
    headers = signed_headers(body, message_id, {"secret": secret}, now)
    assert headers["webhook-signature"] == signature
    assert headers["webhook-timestamp"] == str(timestamp)


def test_a_local_time_is_converted_before_it_is_signed():
    paris = NOW.astimezone(datetime.strptime("+0100", "%z").tzinfo)
    assert signed_headers(b"{}", "a", {"secret": NEW}, paris) == signed_headers(
        b"{}", "a", {"secret": NEW}, NOW
    )


def test_the_verifier_accepts_what_arrives_and_nothing_that_was_touched(receiver):
    adapter_at(receiver).write(plans.step_for(item()), idempotency_key="5f" * 32)
    headers, body = received(receiver)
    assert Webhook(NEW).verify(body, headers)["type"] == "plan.published"
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(body.replace(b"Threshold", b"Treshhold"), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(body, headers)


def test_body_and_headers_carry_version_revision_and_time(receiver):
    adapter_at(receiver).write(plans.step_for(item()), idempotency_key="5f" * 32)
    headers, body = received(receiver)
    data = json.loads(body)["data"]
    assert headers["webhook-id"] == "5f" * 32
    assert headers["baton-plan-id"] == data["planId"] == plans.PLAN_ID
    assert (headers["baton-version"], data["version"]) == ("3", 3)
    assert (headers["baton-revision"], data["revision"]) == ("5", 5)
    assert headers["baton-published-at"] == data["publishedAt"] == "2026-03-01T18:30:00Z"


def test_while_a_secret_is_renewed_the_old_and_the_new_one_both_verify(receiver):
    settings = WebhookConfigForm.rotated(
        {"url": receiver.url, "secret": OLD}, overlap_until=datetime.now(UTC) + timedelta(days=1)
    )
    adapter_at(receiver, **settings).write(plans.step_for(item()), idempotency_key="k")
    headers, body = received(receiver)
    newest = settings["secret"]
    assert newest != OLD
    for secret in (newest, OLD):
        assert Webhook(secret).verify(body, headers)
    assert headers["webhook-signature"].split()[0] in Webhook(newest).sign(
        "k", datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC), body.decode()
    )


def test_after_the_overlap_only_the_new_secret_signs():
    config = {"secret": NEW, "previous_secret": OLD, "previous_secret_until": NOW.isoformat()}
    assert len(signed_headers(b"{}", "a", config, NOW)["webhook-signature"].split()) == 1
    earlier = signed_headers(b"{}", "a", config, NOW - timedelta(seconds=1))
    assert len(earlier["webhook-signature"].split()) == 2


def test_an_update_names_what_is_new_different_and_gone():
    before = item(plans.THRESHOLD_RUN, plans.SWIM, plans.REST)
    after = item({**plans.THRESHOLD_RUN, "title": "Easy"}, plans.SWIM, plans.BRICK)
    step = plans.step_for(after, Action.UPDATE, plans.remote_of(before, version=2))
    sent = message(step)
    assert sent["type"] == "plan.updated"
    assert sent["data"]["previousVersion"] == 2
    assert sent["data"]["changes"] == {
        "created": ["tp-1007"],
        "updated": ["tp-1001"],
        "removed": ["tp-1005"],
    }


def test_a_withdrawal_names_the_sessions_and_repeats_nothing_of_them():
    step = plans.step_for(None, Action.REMOVE, plans.remote_of(item(plans.SWIM)))
    sent = message(step)
    assert sent["type"] == "plan.withdrawn"
    assert sent["data"]["changes"]["removed"] == ["tp-1003"]
    assert "Skill" not in json.dumps(sent)
    assert "Ben" not in json.dumps(sent)


def test_a_receiver_in_the_middle_of_a_deploy_is_asked_again_but_a_gone_one_is_not(receiver):
    def answer(status, body=b"no"):
        raw = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)
        receiver.handler = lambda connection, _: connection.sendall(raw)

    def write():
        adapter_at(receiver).write(plans.step_for(item()), idempotency_key="k")

    for status in (301, 400, 401, 403, 404, 405, 422):
        answer(status)
        with pytest.raises(UnavailableError):
            write()
    answer(400, b"Queue is full.")
    with pytest.raises(ThrottledError):
        write()
    answer(410)
    with pytest.raises(GoneError):
        write()


def test_the_test_button_sends_a_complete_signed_sample(receiver):
    words = adapter_at(receiver, header_name="X-Key", header_value="abc").check_connection()
    headers, body = received(receiver)
    sent = Webhook(NEW).verify(body, headers)
    assert sent["type"] == "endpoint.test"
    assert sent["data"].keys() == message(plans.step_for(item()))["data"].keys()
    assert "." not in headers["webhook-id"]
    assert headers["x-key"] == "abc"
    assert "204" in words


def test_new_secrets_are_long_and_never_the_same():
    assert len({new_secret() for _ in range(50)}) == 50
    assert all(secret.startswith("whsec_") and len(secret) == 50 for secret in (OLD, NEW))


def form(**answers):
    return WebhookConfigForm({"url": "https://hooks.zapier.com/hooks/catch/1/a/", **answers})


def test_a_form_makes_a_secret_once_and_keeps_it():
    first = form()
    assert first.is_valid()
    stored = first.settings()
    again = WebhookConfigForm({"header_name": "", "url": ""}, stored=stored)
    assert again.is_valid(), again.errors
    assert again.settings() == stored


@pytest.mark.parametrize(
    "answers",
    [
        {"url": "http://hooks.example.com/x"},
        {"url": "https://user:pass@hooks.example.com/x"},
        {"url": "https://n8n.example.com/webhook-test/abc"},
        {"url": "https://hooks.example.com:8443/x"},
        {"url": "not an address"},
        {"header_name": "webhook-id", "header_value": "x"},
        {"header_name": "Host", "header_value": "x"},
        {"header_name": "X Y", "header_value": "x"},
        {"header_name": "X-Y", "header_value": "a\nb: c"},
        {"header_name": "X-Y", "header_value": "ü"},
    ],
)
def test_a_form_refuses_what_could_not_be_sent(answers):
    assert not form(**answers).is_valid()


def test_masked_settings_show_the_host_and_nothing_else():
    entered = form(header_name="X-Key", header_value="s3cret")
    assert entered.is_valid()
    settings = entered.settings()
    shown = WebhookConfigForm.masked(settings)
    assert shown["url"] == "https://hooks.zapier.com/••••"
    assert shown["secret"] == shown["header_value"] == "••••"
    assert "/hooks/catch/1/a/" in WebhookConfigForm.secret_values(settings)


def test_each_part_of_an_address_that_may_be_its_password_is_secret():
    url = "https://n8n.example.com/webhook/4e5f9a1c-uuid?key=s3cr3t-value&v=2"
    hidden = WebhookConfigForm.secret_values({"url": url})
    assert {url, "4e5f9a1c-uuid", "s3cr3t-value", "key=s3cr3t-value&v=2"} <= hidden
    assert not {"2", "webhook", "n8n.example.com"} & hidden


NO_CODE = [
    "hooks.zapier.com",
    "HOOKS.Zapier.com",
    "hooks.zapier.com.",
    "hooks.zapier.com:443",
    "hook.eu1.make.com",
    "hook.us2.make.com",
    "hook.us1.make.celonis.com",
    "hook.integromat.com",
    "keller.app.n8n.cloud",
    "maker.ifttt.com",
    "prod-31.westeurope.logic.azure.com:443",
    "default0.6f.environment.api.powerplatform.com:443",
    "eo1a2b.m.pipedream.net",
]
ANYTHING_ELSE = [
    "hooks.example.com",
    "hooks.zapier.com.evil.example",
    "nothooks.zapier.com",
    "evil.example/hooks.zapier.com",
    "evil.example?hooks.zapier.com",
    "zapier.com",
    "evilhook.eu1.make.com",
    "hook.eu1.make.com.evil.example",
    "hook.make.community",
    "app.n8n.cloud.evil.example",
    "n8n.keller.example",
    "maker-ifttt.com",
    "logic.azure.com.evil.example",
    "evillogic.azure.com",
    "evilapi.powerplatform.com",
    "m.pipedream.net.evil.example",
    "[2001:db8::1]",
]


def promise_at(place):
    url = f"https://{place}" if "/" in place or "?" in place else f"https://{place}/a/b"
    return WebhookAdapter({"url": url, "secret": NEW}, DestinationClient()).promise()


@pytest.mark.parametrize("place", NO_CODE)
def test_a_no_code_service_promises_nothing(place):
    assert promise_at(place) == "none"


@pytest.mark.parametrize("place", ANYTHING_ELSE)
def test_everybody_else_is_expected_to_recognise_message_ids(place):
    assert promise_at(place) == "keyed"
