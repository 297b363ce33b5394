"""What can go wrong at a destination: who owns it, what it says and the one thing to do.

A class exists because someone does something different about it. A code says which
case of it happened; `CATALOGUE` holds the words for each code.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Owner(StrEnum):
    COACH = "coach"
    ADMIN = "admin"
    DESTINATION = "destination"
    SOURCE = "source"
    BATON = "baton"


@dataclass(frozen=True)
class ErrorKind:
    """One row of the catalogue: who acts, what each reader is told, and the one action offered."""

    owner: Owner
    coach_words: str
    admin_words: str
    action: str


class DestinationError(Exception):
    """A destination could not be written or read. The message is written for the coach, and holds
    nothing of a plan.

    `problem` is what it says beyond the words of its code, `excerpt` what was answered.
    """

    code = "failed"

    def __init__(
        self,
        message: str = "",
        *,
        code: str = "",
        http_status: int | None = None,
        retry_after: timedelta | None = None,
        excerpt: str = "",
    ) -> None:
        self.code = code or type(self).code
        super().__init__(message or CATALOGUE[self.code].coach_words)
        self.problem = message
        self.http_status = http_status
        self.retry_after = retry_after
        self.excerpt = excerpt

    @property
    def kind(self) -> ErrorKind:
        return CATALOGUE[self.code]


class TransientError(DestinationError):
    """It may work later by itself: the schedule decides when."""

    code = "unavailable"


class ThrottledError(TransientError):
    """The destination asks us to slow down: its pause is obeyed."""

    code = "throttled"


class UnavailableError(TransientError):
    """Nothing was applied: it could not be reached, or it said so."""


class PermanentError(DestinationError):
    """A person must change something before it can work."""

    code = "refused"


class PayloadError(PermanentError):
    """The destination (or our own contract) refuses this content: a few tries, then a person."""


class AuthorizationError(PermanentError):
    """The destination refused our credentials: the coach must reconnect it."""

    code = "unauthorized"


class ScopeMissingError(AuthorizationError):
    """The credentials work, but not for this: the coach must allow more when reconnecting."""

    code = "scope_missing"


class GoneError(PermanentError):
    """The destination says it has ended for good: it is switched off and its owner told."""

    code = "gone"


class MissingError(PermanentError):
    """The record we wanted to change is not there any more: forget it and create it anew."""

    code = "missing"


class ConflictError(PermanentError):
    """Somebody changed the record meanwhile: read it again, then write."""

    code = "conflict"


class StaleError(PermanentError):
    """The destination holds something newer than what we sent: nothing was overwritten."""

    code = "stale"


class UnsupportedPlanError(PermanentError):
    """The plan says something that this destination has no words for."""

    code = "unsupported_plan"


class UnlistedError(PermanentError):
    """The destination's settings do not say whose calendar it is there: this athlete waits."""

    code = "athlete_unlisted"


class BlockedAddressError(PermanentError):
    """The address leads into a network that Baton never calls. Nothing was sent."""

    code = "blocked_address"


class UnknownOutcomeError(DestinationError):
    """The request may have been applied and may not: never repeated blindly."""

    code = "no_answer"


COACH, ADMIN, DESTINATION, BATON = Owner.COACH, Owner.ADMIN, Owner.DESTINATION, Owner.BATON
TRIES_AGAIN = " Baton tries again by itself."  # as long as the schedule lasts

CATALOGUE: dict[str, ErrorKind] = {
    "failed": ErrorKind(
        ADMIN,
        "The destination could not take the plan.",
        "The destination failed in a way that has no case of its own.",
        "Open the delivery and read its last answer.",
    ),
    "unavailable": ErrorKind(
        DESTINATION,
        "The destination is not available right now." + TRIES_AGAIN,
        "The destination answered that it is not available; nothing was applied.",
        "Wait: the next try is on the delivery.",
    ),
    "throttled": ErrorKind(
        DESTINATION,
        "The destination asked Baton to slow down." + TRIES_AGAIN,
        "The destination's rate limit was reached; its pause is obeyed.",
        "Lower this destination's rate if it happens every day.",
    ),
    "dns_failed": ErrorKind(
        COACH,
        "The destination's address cannot be found.",
        "The host name did not resolve. Nothing was sent.",
        "Check the address for a typing mistake.",
    ),
    "connection_refused": ErrorKind(
        DESTINATION,
        "The destination does not accept connections right now." + TRIES_AGAIN,
        "The connection was refused or never came about. Nothing was sent.",
        "Wait, or ask whoever runs the destination.",
    ),
    "tls_failed": ErrorKind(
        DESTINATION,
        "The destination broke off before it could prove that it is who it says it is.",
        "The TLS handshake failed: it was cut, took too long, or made no sense. Nothing was sent.",
        "Wait, or ask whoever runs the destination.",
    ),
    "tls_expired": ErrorKind(
        DESTINATION,
        "The destination's certificate is out of date, so Baton sends it nothing.",
        "The certificate has expired or is not valid yet. Nothing was sent.",
        "Ask whoever runs the destination to renew its certificate.",
    ),
    "tls_wrong_name": ErrorKind(
        DESTINATION,
        "The destination's certificate belongs to another address.",
        "The certificate does not name the host that was called. Nothing was sent.",
        "Check the address, or ask whoever runs the destination for the right certificate.",
    ),
    "tls_untrusted": ErrorKind(
        DESTINATION,
        "Nobody whom Baton trusts vouches for the destination's certificate.",
        "The certificate is self-signed, or no public authority issued it. Nothing was sent.",
        "Ask whoever runs the destination for a certificate of a public authority.",
    ),
    "tls_too_old": ErrorKind(
        DESTINATION,
        "The destination only offers an encryption that is no longer safe.",
        "The destination offers nothing newer than TLS 1.1. Nothing was sent.",
        "Ask whoever runs the destination to offer TLS 1.2 or newer.",
    ),
    "redirected": ErrorKind(
        COACH,
        "The destination has moved to another address.",
        "The answer was a redirect. Baton never follows one: it would carry the plan along.",
        "Enter the destination's new address.",
    ),
    "refused": ErrorKind(
        ADMIN,
        "The destination did not accept the content of this plan.",
        "The destination refused the request as it is (4xx). Repeating it cannot help.",
        "Read its answer on the delivery, correct the settings or the plan, then redeliver.",
    ),
    "contract_broken": ErrorKind(
        BATON,
        "Baton could not prepare this plan for the destination. Nothing was sent.",
        "The payload broke the destination's own JSON Schema before it was sent.",
        "Report the field that the delivery names.",
    ),
    "rendering_failed": ErrorKind(
        BATON,
        "Baton failed while it prepared this plan for the destination. Nothing was sent.",
        "The adapter raised an error of its own while rendering: the log has its traceback.",
        "Report the error that the delivery names.",
    ),
    "unreadable_answer": ErrorKind(
        DESTINATION,
        "The destination gave an answer that Baton cannot read.",
        "The answer was not the JSON that this destination promises.",
        "Read its answer on the delivery; ask whoever runs the destination.",
    ),
    "unauthorized": ErrorKind(
        COACH,
        "The destination refused the stored credentials.",
        "The destination answered 401 or 403. Its deliveries wait; none is used up.",
        "Reconnect the destination.",
    ),
    "scope_missing": ErrorKind(
        COACH,
        "The destination is connected, but Baton is not allowed to write plans there.",
        "The credentials lack the permission that writing needs.",
        "Reconnect the destination and allow everything that is listed.",
    ),
    "gone": ErrorKind(
        COACH,
        "The destination says that this address has ended for good.",
        "The destination answered 410: it is switched off here until a person says otherwise.",
        "Enter the new address, or retire its routes.",
    ),
    "failing_for_days": ErrorKind(
        DESTINATION,
        "The destination has taken nothing for five days, so Baton has switched it off.",
        "Nothing but failures for five days: it is not called until a person resumes it.",
        "Ask whoever runs the destination, then resume it. The newest versions are sent.",
    ),
    "missing": ErrorKind(
        DESTINATION,
        "Something at the destination is not there any more.",
        "The destination answered 404 for a record or an address that used to exist.",
        "Check the address; a deleted session is written again by itself.",
    ),
    "conflict": ErrorKind(
        DESTINATION,
        "Somebody changed this plan at the destination meanwhile.",
        "The destination answered 409 or 412. Baton reads the record again before it writes.",
        "Decide in the drift report which copy wins.",
    ),
    "stale": ErrorKind(
        DESTINATION,
        "The destination already holds something newer.",
        "A version-comparing destination refused an older revision. Nothing was overwritten.",
        "Find out what else writes there, then deliver it again.",
    ),
    "unsupported_plan": ErrorKind(
        COACH,
        "The destination has no way to hold a part of this plan.",
        "The adapter cannot express a part of this plan in the destination's terms.",
        "Change that session, or leave its field out of the route.",
    ),
    "athlete_unlisted": ErrorKind(
        COACH,
        "The athlete is not in this destination's list of athletes, so nothing was sent.",
        "The destination's settings list athletes, and this one is not there: the lane waits.",
        "Add the athlete to the list in the destination's settings; it goes out by itself then.",
    ),
    "blocked_address": ErrorKind(
        COACH,
        "The destination's address leads to a place that Baton must not call.",
        "The address, or one of the addresses its name resolves to, is private, local or reserved.",
        "Use a public https address.",
    ),
    "bad_address": ErrorKind(
        COACH,
        "The destination's address is not one that Baton can use.",
        "The address is not https on an allowed port, or carries credentials or odd characters.",
        "Use a plain https address.",
    ),
    "no_answer": ErrorKind(
        DESTINATION,
        "The destination did not say whether it has the plan.",
        "The request left, but no complete answer came back in time.",
        "Nothing yet: Baton finds out in the way this destination allows.",
    ),
    "server_error": ErrorKind(
        DESTINATION,
        "The destination failed while it was taking the plan.",
        "The destination answered 5xx: it may have applied all, half or nothing.",
        "Nothing yet: Baton finds out in the way this destination allows.",
    ),
}
