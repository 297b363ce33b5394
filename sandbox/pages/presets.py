"""What a person may choose on the pages: answers of an inbox, and values of switches."""

import json
from typing import Any

from sandbox.control.switches import ACCESS, HOOKS, INTERVALS, OAUTH, Switch
from sandbox.control.switches import ANSWERS as API

GROUPS = [OAUTH, ACCESS, API, HOOKS, INTERVALS]
ANSWERS: dict[str, dict[str, Any]] = {
    "200 OK": {"status": 200},
    "202 Accepted": {"status": 202},
    "204 No content": {"status": 204},
    "301 Redirect": {"status": 301, "location": "http://127.0.0.1:1/"},
    "400 Bad request": {"status": 400},
    "401 Unauthorized": {"status": 401},
    "404 Not found": {"status": 404},
    "410 Gone": {"status": 410},
    "429 with Retry-After 3 s": {"status": 429, "retry_after": "3"},
    "500 Server error": {"status": 500},
    "502, but applied": {"status": 502, "applied": True},
    "503 with Retry-After 3 s": {"status": 503, "retry_after": "3"},
    "504 Timeout, but applied": {"status": 504, "applied": True},
    "Slow headers (20 s)": {"status": 200, "slow_headers": 20},
    "Slow body (20 s)": {"status": 200, "slow_body": 20},
    "Reset after accepting": {"status": 200, "reset": True},
    "Huge body": {"status": 200, "huge_body": 5_000_000},
}


def value_of(switch: Switch, text: str) -> Any:
    """A switch's value as a person wrote it."""
    if switch.kind == "text" or switch.choices:
        return text
    if text.strip().casefold() in {"true", "false"}:
        return text.strip().casefold() == "true"
    try:
        return json.loads(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a value.") from None
