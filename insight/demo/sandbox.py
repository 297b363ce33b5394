"""The demo's hands on the sandbox: its scripting interface over HTTP. Never used by the product."""

import json
import urllib.request
from typing import Any
from urllib.parse import urlencode


class Sandbox:
    """A coach at TrainingPeaks, and somebody who can look into every destination."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def post(self, path: str, body: object = None) -> Any:
        return self._call("POST", path, body or {})

    def patch(self, path: str, body: object) -> Any:
        return self._call("PATCH", path, body)

    def delete(self, path: str) -> Any:
        return self._call("DELETE", path, None)

    def get(self, path: str, **query: object) -> Any:
        return self._call("GET", f"{path}?{urlencode(query)}" if query else path, None)

    def _call(self, method: str, path: str, body: object) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - the sandbox's own address
            f"{self.url}{path}",
            data=data,
            method=method,
            headers={"Content-Type": "application/json", "User-Agent": "Baton-demo/1"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the sandbox's own address
            text = answer.read()
        return json.loads(text) if text else None
