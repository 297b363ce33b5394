"""What an answer means: from HTTP status to delivered, transient, permanent or unknown."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from destinations.errors import (
    AuthorizationError,
    ConflictError,
    DestinationError,
    GoneError,
    MissingError,
    PayloadError,
    ThrottledError,
    UnavailableError,
    UnknownOutcomeError,
)

if TYPE_CHECKING:
    from destinations.http.client import Response

NOT_APPLIED_YET = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.SERVICE_UNAVAILABLE,
}
REFUSALS: dict[int, tuple[type[DestinationError], str]] = {
    HTTPStatus.UNAUTHORIZED: (AuthorizationError, "unauthorized"),
    HTTPStatus.FORBIDDEN: (AuthorizationError, "unauthorized"),
    HTTPStatus.NOT_FOUND: (MissingError, "missing"),
    HTTPStatus.CONFLICT: (ConflictError, "conflict"),
    HTTPStatus.GONE: (GoneError, "gone"),
    HTTPStatus.PRECONDITION_FAILED: (ConflictError, "conflict"),
    HTTPStatus.TOO_MANY_REQUESTS: (ThrottledError, "throttled"),
}


def raise_for_outcome(response: "Response") -> "Response":
    """Return a success; raise what anything else means."""
    if 200 <= response.status < 300:
        return response
    error, code = _meaning(response.status)
    raise error(
        code=code,
        http_status=response.status,
        retry_after=response.retry_after,
        excerpt=response.excerpt,
    )


def _meaning(status: int) -> tuple[type[DestinationError], str]:
    if status in REFUSALS:
        return REFUSALS[status]
    if status in NOT_APPLIED_YET:
        return UnavailableError, "unavailable"
    if status < 400:
        return UnavailableError, "redirected"
    if status < 500:
        return PayloadError, "refused"
    return UnknownOutcomeError, "server_error"  # a gateway may have passed it on
