import http.server
import threading

import pytest

FEED = b"""BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//t//t//EN\r
BEGIN:VEVENT\r
UID:tp-1@example.com\r
DTSTAMP:20260301T080000Z\r
DTSTART;VALUE=DATE:20260302\r
SUMMARY:Easy run\r
SEQUENCE:3\r
END:VEVENT\r
END:VCALENDAR\r
"""


@pytest.fixture
def feed():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            known = self.headers.get("If-None-Match") == '"v1"'
            self.send_response(304 if known else 200)
            self.send_header("ETag", '"v1"')
            self.end_headers()
            if not known:
                self.wfile.write(FEED)

        def log_message(self, *args):
            """Nobody reads it."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/feed.ics"
    server.shutdown()
    server.server_close()


def test_a_feed_is_polled_with_its_etag_and_read(sandbox, feed):
    sandbox.post("/control/calendars", {"url": feed.replace("http:", "webcal:")})
    (first,) = sandbox.get("/control/calendars")["calendars"]
    (second,) = sandbox.get("/control/calendars")["calendars"]
    assert [first["status"], second["status"]] == ["200", "304"]
    assert first["events"] == second["events"]
    (event,) = second["events"]
    assert (event["uid"], event["start"], event["sequence"]) == (
        "tp-1@example.com",
        "2026-03-02",
        3,
    )


def test_only_feeds_on_this_machine_are_read(sandbox):
    with pytest.raises(RuntimeError, match="on this machine"):
        sandbox.post("/control/calendars", {"url": "https://example.com/x.ics"})


def test_a_person_subscribes_asks_again_and_ends_it(sandbox, browser, feed):
    browser.send("/calendars/subscribe", url=feed)
    browser.send("/calendars/poll")
    page = browser.read("/calendars").text
    assert "tp-1@example.com" in page
    assert "Last answer 304" in page
    browser.send("/calendars/end", url=feed)
    assert feed not in browser.read("/calendars").text


def test_a_person_cannot_make_it_call_elsewhere(sandbox, browser):
    answer = browser.send("/calendars/subscribe", url="https://example.com/x.ics")
    assert answer.status == 400
    assert "on this machine" in answer.text
    assert sandbox.get("/control/calendars")["calendars"] == []
