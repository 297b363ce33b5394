"""Standard Webhooks signatures: the bytes that are signed are the bytes that are sent."""

import base64
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook

PREFIX = "whsec_"


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def valid_secrets(config: Mapping[str, Any], now: datetime) -> list[str]:
    """The newest secret first; the one before it while the overlap lasts."""
    current, previous = config["secret"], config.get("previous_secret")
    until = config.get("previous_secret_until")
    if previous and until and now < datetime.fromisoformat(until):
        return [current, previous]
    return [current]


def signed_headers(
    body: bytes, message_id: str, config: Mapping[str, Any], now: datetime
) -> dict[str, str]:
    """The three headers of the protocol. The time is this attempt's, the id the message's."""
    moment = now.astimezone(UTC)
    signatures = (
        Webhook(secret).sign(msg_id=message_id, timestamp=moment, data=body.decode())
        for secret in valid_secrets(config, moment)
    )
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
