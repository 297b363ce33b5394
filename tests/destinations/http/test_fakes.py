"""The client can be tested with `responses`: no name is looked up and no connection is made."""

import responses

from destinations.http import DestinationClient


@responses.activate
def test_a_canned_answer_is_read_like_a_real_one():
    responses.post("https://hooks.example.com/z", status=202, body=b"queued")
    response = DestinationClient().post("https://hooks.example.com/z", b"{}")
    assert (response.status, response.body) == (202, b"queued")
    assert responses.calls[0].request.headers["User-Agent"] == "Baton/0.1.0"
