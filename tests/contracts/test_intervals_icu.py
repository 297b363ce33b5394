import json

import pytest

from destinations.adapters.intervals_icu.adapter import IntervalsIcuAdapter
from destinations.errors import AuthorizationError, GoneError, PayloadError, ScopeMissingError
from tests.contracts import plans
from tests.contracts.destination import PushContract

KEY = "4nd6abcd1234secret"


class TestIntervalsIcuContract(PushContract):
    adapter_class = IntervalsIcuAdapter
    config = {
        "auth": "api_key",
        "credential": KEY,
        "athlete_id": "i42",
        "athletes": {},
        "base_url": "https://intervals.icu",
    }
    secrets = (KEY,)
    refusals = {
        400: PayloadError,
        401: AuthorizationError,
        403: ScopeMissingError,
        410: GoneError,
        422: PayloadError,
    }

    def configured(self, base):
        return {**self.config, "base_url": base}

    def accepts(self, request):
        body = request.partition(b"\r\n\r\n")[2]
        events = [{**event, "id": 501} for event in json.loads(body)]
        raw = json.dumps(events).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(raw) + raw

    def identity(self, request):
        return [event["external_id"] for event in json.loads(request.partition(b"\r\n\r\n")[2])]

    def test_removing_what_is_gone_already_is_a_success(self, server):
        self.answering(server, self.refusal(404))
        step = plans.step_for(None, "remove", plans.remote_of(self.item()))
        assert self.write(server, step).remote_id == "501"

    @pytest.mark.parametrize("body", [b"[]", b"{}", b"<html>", b'[{"external_id":"tp-9","id":1}]'])
    def test_an_answer_that_does_not_name_our_session_is_no_acknowledgement(self, body, server):
        from destinations.errors import UnknownOutcomeError

        self.answering(server, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        with pytest.raises(UnknownOutcomeError):
            self.write(server)
