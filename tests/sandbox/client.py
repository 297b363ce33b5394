"""A client with a grant, a person at the pages, and somebody who listens to webhook posts."""

import http.server
import json
import re
import threading
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.sandbox_process import CLIENT

BACK = "http://127.0.0.1:9/callback/"
SCOPES = (
    "coach:athletes workouts:read workouts:wod "
    "webhook:read-subscriptions webhook:write-subscriptions"
)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BEN, BASIC, ZONELESS = 5410001, 5410003, 5410004


class Api:
    """A client of the API with one grant."""

    def __init__(self, sandbox, scope=SCOPES):
        self.sandbox = sandbox
        self.scope = scope
        self.pair = token(sandbox, code(sandbox, scope)).json()

    def ask(self, path, method="GET", body=None, headers=None, **query):
        asked = f"{path}?{urlencode(query)}" if query else path
        named = {"Authorization": f"Bearer {self.pair['access_token']}"} | (headers or {})
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            named["Content-Type"] = "application/json"
        return self.sandbox.call(method, asked, data, named)

    def get(self, path, **query):
        answer = self.ask(path, **query)
        assert answer.status == 200, answer.text
        return answer.json()

    def subscribe(self, athlete, event, url):
        body = {"AthleteId": athlete, "EventType": event, "WebhookUrl": url}
        return self.ask("/v1/webhook/subscriptions", "POST", body)

    def refresh(self, refresh_token=None):
        given = refresh_token or self.pair["refresh_token"]
        return form(self.sandbox, grant_type="refresh_token", refresh_token=given)


def form(sandbox, **fields):
    return sandbox.call("POST", "/oauth/token", urlencode(CLIENT | fields).encode(), FORM)


def code(sandbox, scope=SCOPES, **more):
    asked = {"client_id": "baton-sandbox", "redirect_uri": BACK, "state": "s", "scope": scope}
    back = sandbox.post("/control/authorize", asked | more)["redirect"]
    return parse_qs(urlsplit(back).query)["code"][0]


def token(sandbox, given, **more):
    fields = {"grant_type": "authorization_code", "code": given, "redirect_uri": BACK} | more
    return form(sandbox, **fields)


class Browser:
    """Enough of one to read pages and send their forms."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        page = sandbox.call("GET", f"/athletes/{BEN}/new")
        self.cookie = SimpleCookie(page.headers["Set-Cookie"])["sandbox_csrf"].value
        self.csrf = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page.text)[1]

    def read(self, path):
        return self.sandbox.call("GET", path)

    def send(self, path, **fields):
        named = {
            "Cookie": f"sandbox_csrf={self.cookie}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        body = urlencode({"csrfmiddlewaretoken": self.csrf} | fields).encode()
        return self.sandbox.call("POST", path, body, named)


class Listener:
    """Somebody on this machine who keeps what is posted, and how it is answered."""

    def __init__(self):
        self.posts = []
        self.status = 200
        listener = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                size = int(self.headers.get("Content-Length", 0))
                listener.posts.append((self.path, json.loads(self.rfile.read(size))))
                self.send_response(listener.status)
                self.end_headers()

            def log_message(self, *args):
                """Nobody reads it."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks/abc"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
