"""The contract every adapter keeps: a new kind inherits these tests.

`DestinationContract` needs no network; `PushContract` adds what holds for everything
that is called: one real server on loopback, real bytes.
"""

import base64
import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from destinations.errors import (
    AuthorizationError,
    DestinationError,
    GoneError,
    PayloadError,
    ThrottledError,
    UnavailableError,
    UnknownOutcomeError,
)
from destinations.http import DestinationClient
from destinations.port import (
    Action,
    Finds,
    Item,
    ListsOurs,
    Published,
    ReadBack,
    Receipt,
    WritesBatch,
    json_bytes,
)
from plans.fields import SESSION_FIELDS
from tests.contracts import plans
from tests.contracts.server import Server

# Every field of this session can be recognised wherever it turns up, whatever it is turned into.
CANARIES = {
    "start_time": ["13:37"],
    "title": ["canary-title"],
    "duration_seconds": ["4321", "1h12m1s", "72"],
    "distance_meters": ["98765", "98.77", "98.8"],
    "intervals": ["canaryinterval", "613", "10m13s"],
    "interval_notes": ["canary-step-note"],
    "strength": ["canary-exercise"],
    "strength_notes": ["canary-instruction", "canary-video"],
    "load": ["667.5"],
    "intensity_factor": ["0.555"],
    "description": ["canary-description"],
    "coach_notes": ["canary-coach"],
    "url": ["canary-link"],
}
CANARY = {
    "itemId": "tp-9", "sport": "run", "date": "2026-05-05", "startTime": "13:37:00",
    "title": "canary-title", "durationSeconds": 4321, "distanceMeters": 98765.4, "load": 667.5,
    "intensityFactor": 0.555, "description": "canary-description", "coachNotes": "canary-coach",
    "url": "https://example.com/canary-link", "completed": True,
    "intervals": [plans.step(613, name="canaryinterval", notes="canary-step-note")],
    "strength": [{"title": "B", "exercises": [
        {"title": "canary-exercise", "instructions": "canary-instruction",
         "videoUrl": "https://example.com/canary-video"}]}],
}  # fmt: skip

CHANGES = {
    "dates": {"date": "2026-03-09"},
    "time_of_day": {"startTime": "08:15:00"},
    "duration": {"durationSeconds": 3960},
    "distance": {"distanceMeters": 12500.0},
    "intervals": {"intervals": [plans.step(777)]},
    "exercises": {"strength": plans.STRENGTH["strength"]},
}

# Inherited on purpose: each class runs it with its own adapter.
INHERITED = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.differing_executors]
)
subsets = st.frozensets(st.sampled_from(sorted(SESSION_FIELDS)))


class DestinationContract:
    adapter_class: Any = None
    config: Mapping[str, Any] = {}
    secrets: tuple[str, ...] = ()  # values in `config` that must never be seen

    def adapter(self, **client):
        return self.adapter_class(copy.deepcopy(self.config), DestinationClient(**client))

    def rendered(self, *sessions, fields=plans.EVERYTHING):
        return self.adapter().render(plans.plan(*sessions), plans.options(fields))

    def payload(self, item):
        """What would leave for this item."""
        return item.body

    # --- rendering is pure --------------------------------------------------------------------

    def test_rendering_twice_gives_the_same_bytes(self):
        first, second = self.rendered(), self.rendered()
        assert [json_bytes(item.body) for item in first] == [json_bytes(i.body) for i in second]
        assert [item.content_hash for item in first] == [item.content_hash for item in second]
        assert [item.notes for item in first] == [item.notes for item in second]

    def test_rendering_does_not_depend_on_version_revision_or_publishing_time(self):
        adapter = self.adapter()
        one = adapter.render(plans.plan(version=3), plans.options(revision=5))
        other = adapter.render(plans.plan(version=4), plans.options(revision=9))
        assert [item.content_hash for item in one] == [item.content_hash for item in other]

    def test_every_item_has_a_key_of_its_own_that_fits_its_column(self):
        keys = [item.key for item in self.rendered()]
        assert len(set(keys)) == len(keys)
        assert all(0 < len(key) <= 64 for key in keys)

    def test_bodies_survive_json(self):
        for item in self.rendered():
            assert json.loads(json.dumps(item.body)) == item.body

    # --- only what is allowed leaves ----------------------------------------------------------

    @given(allowed=subsets)
    @INHERITED
    def test_only_allowed_fields_leave(self, allowed):
        for item in self.rendered(CANARY, fields=allowed):
            sent = json.dumps(self.payload(item), ensure_ascii=False)
            for name in SESSION_FIELDS.keys() - allowed:
                leaked = [mark for mark in CANARIES.get(name, []) if mark in sent]
                assert not leaked, f"{name} left although only {sorted(allowed)} may"

    @given(allowed=subsets)
    @INHERITED
    def test_whatever_is_allowed_the_payload_keeps_its_own_contract(self, allowed):
        adapter = self.adapter()
        for item in self.rendered(fields=allowed):
            adapter.checked(self.payload(item))

    def test_a_pseudonymous_recipient_stays_nameless(self):
        hidden = plans.Recipient(pseudonym="p" * 32, time_zone="Europe/Paris")
        items = self.adapter().render(plans.plan(), plans.options(recipient=hidden))
        assert "Ben" not in json.dumps([self.payload(item) for item in items])

    # --- capabilities are kept ----------------------------------------------------------------

    def test_it_makes_one_item_per_session_or_one_for_the_plan(self):
        items = self.rendered()
        if self.adapter_class.capabilities.whole_plan:
            assert [item.date for item in items] == [None]
        else:
            dates = {one["itemId"]: one["date"] for one in plans.ALL}
            assert {item.key: item.date.isoformat() for item in items} == dates

    def test_what_it_claims_to_hold_changes_what_it_sends(self):
        [before] = self.rendered(plans.THRESHOLD_RUN)
        for capability, change in CHANGES.items():
            if getattr(self.adapter_class.capabilities, capability):
                [after] = self.rendered({**plans.THRESHOLD_RUN, **change})
                assert before.content_hash != after.content_hash, capability

    @pytest.mark.parametrize(
        ("capability", "sample"),
        [("intervals", plans.THRESHOLD_RUN), ("exercises", plans.STRENGTH)],
    )
    def test_what_it_cannot_hold_is_said_in_words(self, capability, sample):
        noted = [note for item in self.rendered(sample) for note in item.notes]
        if getattr(self.adapter_class.capabilities, capability):
            assert all(note.words.endswith(".") for note in noted)
        else:
            field = {"exercises": "strength"}.get(capability, capability)
            assert field in {note.field for note in noted}

    @pytest.mark.parametrize(
        ("claimed", "ability"),
        [("read_back", ReadBack), ("published", Published)],
    )
    def test_it_claims_exactly_the_abilities_it_has(self, claimed, ability):
        able = (
            issubclass(self.adapter_class, ability)
            if ability is ReadBack
            else hasattr(self.adapter_class, "compose")
        )
        assert getattr(self.adapter_class.capabilities, claimed) == able
        assert (self.adapter_class.capabilities.batch > 1) == issubclass(
            self.adapter_class, WritesBatch
        )

    # --- contract and secrets -----------------------------------------------------------------

    def test_a_payload_that_breaks_its_contract_never_leaves(self):
        def forbidden(*_):
            pytest.fail("something was sent")

        adapter = self.adapter(resolve=forbidden)
        broken = Item("tp-1", plans.session(**plans.REST).date, {"surprise": object.__name__})
        with pytest.raises(PayloadError) as refusal:
            adapter.write(plans.step_for(broken), idempotency_key="k")
        assert refusal.value.code == "contract_broken"

    def test_secrets_are_not_in_its_representation_or_its_endpoint(self):
        adapter = self.adapter()
        for secret in self.secrets:
            assert secret not in repr(adapter) + repr(adapter.http) + adapter.endpoint()
            masked = adapter.config_form.masked(self.config)
            assert secret not in json.dumps(masked)
            assert secret in adapter.config_form.secret_values(self.config)

    def test_the_endpoint_says_where_it_goes_and_fits_its_column(self):
        assert 0 < len(self.adapter().endpoint()) <= 255


class PushContract(DestinationContract):
    """What holds for every destination that is called."""

    refusals: Mapping[int, type[Exception]] = {
        400: PayloadError,
        401: AuthorizationError,
        403: AuthorizationError,
        410: GoneError,
        415: PayloadError,
        422: PayloadError,
    }

    def configured(self, base):
        """The settings that lead to the server at `base`."""
        raise TypeError("say where the settings keep the address")

    def accepts(self, request):
        """The destination's answer to a write: status line, headers and body."""
        return b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"

    @pytest.fixture
    def server(self):
        server = Server(lambda connection, request: connection.sendall(self.accepts(request)))
        yield server
        server.close()

    def calling(self, server, deadline=2.0):
        config = self.configured(f"http://127.0.0.1:{server.port}")
        secrets = self.adapter_class.config_form.secret_values(config)
        client = DestinationClient(deadline=deadline, allow_loopback=True, secrets=secrets)
        return self.adapter_class(config, client)

    def item(self):
        return self.rendered(plans.THRESHOLD_RUN)[0]

    def write(self, server, step=None, deadline=2.0):
        step = step or plans.step_for(self.item())
        return self.calling(server, deadline).write(step, idempotency_key=step.idempotency_key)

    def answering(self, server, raw):
        server.handler = lambda connection, _: connection.sendall(raw)

    def refusal(self, status, headers=""):
        return f"HTTP/1.1 {status} No\r\n{headers}Content-Length: 4\r\n\r\nnope".encode()

    # --- writing ------------------------------------------------------------------------------

    def test_a_write_that_is_accepted_gives_a_receipt(self, server):
        receipt = self.write(server)
        assert isinstance(receipt, Receipt)
        assert receipt.remote_id
        assert len(server.requests) == 1

    @pytest.mark.parametrize("action", [Action.UPDATE, Action.REMOVE])
    def test_an_update_and_a_removal_are_accepted_too(self, action, server):
        before = self.item()
        after = self.rendered({**plans.THRESHOLD_RUN, "title": "Changed"})[0]
        item = after if action == Action.UPDATE else None
        step = plans.step_for(item, action, plans.remote_of(before))
        assert isinstance(self.write(server, step), Receipt)
        assert len(server.requests) == 1

    def test_the_same_step_is_sent_with_the_same_identity_and_the_same_body(self, server):
        self.write(server)
        self.write(server)
        first, second = server.requests
        assert first.partition(b"\r\n\r\n")[2] == second.partition(b"\r\n\r\n")[2]
        assert self.identity(first) == self.identity(second)
        assert self.identity(first)

    def identity(self, request):
        """What the destination recognises a repetition by."""
        raise TypeError("say where the identity of a write is")

    # --- refusals -----------------------------------------------------------------------------

    def test_every_refusal_means_what_the_contract_says(self, server):
        for status, error in self.refusals.items():
            self.answering(server, self.refusal(status))
            with pytest.raises(error) as refusal:
                self.write(server)
            assert refusal.value.http_status == status

    def test_a_rate_limit_is_obeyed(self, server):
        self.answering(server, self.refusal(429, "Retry-After: 17\r\n"))
        with pytest.raises(ThrottledError) as refusal:
            self.write(server)
        assert refusal.value.retry_after.total_seconds() == 17

    def test_a_temporary_refusal_says_that_nothing_was_applied(self, server):
        self.answering(server, self.refusal(503, "Retry-After: 5\r\n"))
        with pytest.raises(UnavailableError) as refusal:
            self.write(server)
        assert refusal.value.retry_after.total_seconds() == 5

    @pytest.mark.parametrize("status", [500, 502, 504])
    def test_a_failure_of_the_server_is_unknown(self, status, server):
        self.answering(server, self.refusal(status))
        with pytest.raises(UnknownOutcomeError):
            self.write(server)

    def test_no_answer_in_time_is_unknown(self, server):
        server.handler = lambda connection, _: connection.recv(1)
        with pytest.raises(UnknownOutcomeError):
            self.write(server, deadline=0.3)
        assert len(server.requests) == 1

    def test_a_refused_connection_is_definite(self, server):
        server.close()
        with pytest.raises(UnavailableError):
            self.write(server)

    def test_secrets_are_in_no_error_and_no_log(self, server, caplog):
        caplog.set_level("DEBUG")
        echo = json.dumps(self.configured("http://127.0.0.1")).encode()
        raw = b"HTTP/1.1 400 No\r\nContent-Length: %d\r\n\r\n" % len(echo)
        self.answering(server, raw + echo)
        with pytest.raises(DestinationError) as refusal:
            self.write(server)
        seen = f"{refusal.value!r} {refusal.value} {refusal.value.excerpt} {caplog.text}"
        for secret in self.secrets:
            assert secret not in seen

    def test_a_request_that_is_sent_back_is_kept_without_its_secrets(self, server):
        def echo(connection, request):
            head = b"HTTP/1.1 400 No\r\nContent-Length: %d\r\n\r\n" % len(request)
            connection.sendall(head + request)

        server.handler = echo
        with pytest.raises(DestinationError) as refusal:
            self.write(server)
        kept = refusal.value.excerpt
        assert "Content-Type: application/json" in kept
        for secret in self.secrets:
            assert secret not in kept
            assert base64.b64encode(f"API_KEY:{secret}".encode()).decode() not in kept

    def test_what_lists_everything_of_ours_can_read_it_back_too(self):
        """What is found so becomes a record, and a record is looked at before it is written."""
        if issubclass(self.adapter_class, ListsOurs):
            assert issubclass(self.adapter_class, ReadBack)
            assert issubclass(self.adapter_class, Finds)

    def test_what_was_doubtful_can_be_found_if_it_says_so(self):
        assert issubclass(self.adapter_class, Finds) == self.adapter_class.capabilities.external_id
