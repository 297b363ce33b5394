"""The only way out: one HTTP client, with its deadline, its wall of addresses and its outcomes."""

from destinations.http.addresses import resolve
from destinations.http.client import DestinationClient, Response
from destinations.http.outcome import raise_for_outcome
from destinations.http.retry_after import parse_retry_after

__all__ = [
    "DestinationClient",
    "Response",
    "parse_retry_after",
    "raise_for_outcome",
    "resolve",
]
