"""The webhook adapter keeps the contract, and a webhook has the class of its receiver.

Tried against the sandbox's inbox, as it is and made careless.
"""

from uuid import uuid4

import pytest

from destinations.adapters.webhook.adapter import WebhookAdapter
from destinations.adapters.webhook.mapping import message
from destinations.errors import GoneError, UnavailableError, UnknownOutcomeError
from destinations.http import DestinationClient
from tests.contracts import plans
from tests.contracts.destination import PushContract
from tests.sandbox_process import SandboxProcess

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class TestWebhookContract(PushContract):
    adapter_class = WebhookAdapter
    config = {
        "url": "https://hooks.example.com/catch/123/t0k3n-in-path/",
        "secret": SECRET,
        "header_name": "X-Api-Key",
        "header_value": "k3y-value",
    }
    secrets = (SECRET, "/catch/123/t0k3n-in-path/", "k3y-value")
    refusals = {
        301: UnavailableError,
        400: UnavailableError,
        401: UnavailableError,
        403: UnavailableError,
        404: UnavailableError,
        410: GoneError,
        422: UnavailableError,
    }

    def configured(self, base):
        return {**self.config, "url": f"{base}/catch/123/t0k3n-in-path/"}

    def payload(self, item):
        return message(plans.step_for(item))

    def identity(self, request):
        lines = request.partition(b"\r\n\r\n")[0].split(b"\r\n")
        return [line for line in lines if line.lower().startswith((b"webhook-id", b"baton-"))]


# --- the class, certified -----------------------------------------------------------------------


class Inbox:
    """One inbox of the sandbox, and the adapter that is set up for it."""

    def __init__(self, sandbox, *, deduplicates):
        self.sandbox, self.name = sandbox, uuid4().hex
        self.configure(secret=SECRET, deduplicates=deduplicates)
        config = {"url": f"{sandbox.url}/destinations/webhook/{self.name}", "secret": SECRET}
        self.adapter = WebhookAdapter(config, DestinationClient(deadline=1, allow_loopback=True))

    def configure(self, **wishes):
        self.sandbox.post(f"/control/inboxes/{self.name}", wishes)

    def send(self, title, key, revision=1):
        step = plans.step_for(self.item(title), revision=revision, version=revision)
        return self.adapter.write(step, idempotency_key=key)

    def item(self, title):
        plan = plans.plan({**plans.THRESHOLD_RUN, "title": title})
        return self.adapter.render(plan, plans.options())[0]

    def held(self):
        return self.sandbox.get(f"/control/inboxes/{self.name}")

    def effects(self):
        return [effect["key"] for effect in self.held()["effects"]]

    def plan(self):
        (plan,) = self.held()["plans"]
        return plan["body"]["data"]


@pytest.fixture(scope="module")
def sandbox():
    with SandboxProcess() as running:
        yield running


@pytest.fixture
def keyed(sandbox):
    return Inbox(sandbox, deduplicates=True)


@pytest.fixture
def careless(sandbox):
    return Inbox(sandbox, deduplicates=False)


@pytest.mark.processes
class TestWhatComesTwice:
    def test_one_key_has_one_effect_where_keys_are_honoured(self, keyed):
        for _ in range(2):
            keyed.send("Threshold", "k1")
        assert keyed.effects() == ["k1"]
        assert len(keyed.held()["repeats"]) == 1

    def test_a_key_that_comes_with_another_body_changes_nothing_there(self, keyed):
        keyed.send("Threshold", "k1")
        keyed.send("Tempo", "k1", revision=2)
        assert keyed.effects() == ["k1"]
        assert keyed.plan()["exerciseList"][0]["title"] == "Threshold"

    def test_what_it_holds_is_what_was_sent(self, keyed):
        keyed.send("Threshold", "k1")
        item = keyed.item("Threshold")
        assert {name: keyed.plan()[name] for name in item.body} == item.body

    def test_an_older_version_that_comes_late_does_not_replace_the_newer_one(self, keyed):
        keyed.send("Newer", "k2", revision=2)
        keyed.send("Older", "k1", revision=1)
        assert keyed.plan()["exerciseList"][0]["title"] == "Newer"

    def test_a_time_out_after_it_was_applied_is_made_good_by_the_same_key(self, keyed):
        keyed.configure(answer={"slow_headers": 2.0}, times=1)
        with pytest.raises(UnknownOutcomeError):
            keyed.send("Threshold", "k1")
        keyed.send("Threshold", "k1")
        assert keyed.effects() == ["k1"]

    def test_where_keys_are_not_honoured_it_acts_twice_which_is_why_its_class_is_none(
        self, careless
    ):
        for _ in range(2):
            careless.send("Threshold", "k1")
        assert careless.effects() == ["k1", "k1"]

    def test_what_a_webhook_can_be_is_what_receivers_do(self):
        assert WebhookAdapter.capabilities.promises == {"keyed", "upsert", "none"}
