"""How the source can fail: who owns it, what it says and the one thing to do.

A class exists because somebody does something different about it; `CATALOGUE` holds its words. A
source keeps the code of what held it up last.
"""

from datetime import timedelta

from destinations.errors import ErrorKind, Owner

NEEDS_TIME_ZONE = "needs_time_zone"  # no error: what a reading remarks that knows no local day
LIST_TOO_SHORT = "list_too_short"  # no error either: so many are gone that nobody believes it yet
KEPT_LIST = "roster-mass-change"  # the contract under which such a list is kept


class SourceError(Exception):
    """The source did not give what was asked. `words` are for the person who reads them: those of
    its row, unless this case says more.
    """

    code = "source_error"

    def __init__(self, words: str = "", *, status: int | None = None, excerpt: str = "") -> None:
        self.words = words or CATALOGUE[self.code].coach_words
        super().__init__(self.words)
        self.status = status
        self.excerpt = excerpt


class SourceUnavailableError(SourceError):
    """Overloaded, down, silent or cut short: the same question again, later."""

    code = "source_unavailable"

    def __init__(
        self,
        words: str = "",
        *,
        status: int | None = None,
        excerpt: str = "",
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(words, status=status, excerpt=excerpt)
        self.retry_after = retry_after


class SourceDownError(SourceUnavailableError):
    """No call of anybody gets through now: the source is down, or our limit on calls is used up."""


class NoTokenError(SourceUnavailableError):
    """One connection's token cannot be renewed now; the others' work."""

    code = "token_unavailable"


class SourceRejectedError(SourceError):
    """The question itself was wrong for the source: asking again changes nothing."""

    code = "source_rejected"


class SourceRefusedError(SourceError):
    """A working token lacks this scope: TrainingPeaks or the coach must grant it."""

    code = "source_scope_missing"

    def __init__(self, scope: str, *, status: int | None = None, excerpt: str = "") -> None:
        super().__init__(
            f"TrainingPeaks does not let us use “{scope}”.", status=status, excerpt=excerpt
        )
        self.scope = scope


class NeedsReconnectError(SourceError):
    """The coach's permission is gone: only the coach can connect again."""

    code = "needs_reconnect"


class AthleteDetachedError(SourceError):
    """The athlete is no longer attached to the coach whose token asked."""

    code = "athlete_not_shown"


class NotThereError(SourceError):
    """Nothing at that address. May be lost permission, so it never proves a deletion."""

    code = "source_not_found"


class EmptiedError(SourceError):
    """A full calendar that is suddenly empty: believed when a second reading says the same."""

    code = "emptied"


class OwnFaultError(SourceError):
    """Baton itself failed over it: whoever runs Baton finds in the log where."""

    code = "fault_of_our_own"


class DatabaseFailedError(OwnFaultError):
    """Our database failed meanwhile, which says nothing about the source: it is read again soon."""


class ReaderCrashedError(OwnFaultError):
    """Several readers in a row did not come back: perhaps the answer kills whoever reads it."""

    code = "reader_crashed"


class BadAnswerError(SourceError):
    """An answer that breaks its contract: kept whole, nothing sent, a person looks at it."""

    code = "bad_answer"

    def __init__(self, contract: str, field: str, problem: str, body: bytes) -> None:
        super().__init__(f"{contract}: {field or 'the answer'}: {problem}")
        self.contract = contract
        self.field = field
        self.problem = problem
        self.body = body


COACH, ADMIN, SOURCE, BATON = Owner.COACH, Owner.ADMIN, Owner.SOURCE, Owner.BATON

CATALOGUE: dict[str, ErrorKind] = {
    "source_error": ErrorKind(
        ADMIN,
        "TrainingPeaks could not be read. Baton tries again by itself.",
        "The source failed in a way that has no case of its own.",
        "Look at the log of Baton if it happens again.",
    ),
    "source_unavailable": ErrorKind(
        SOURCE,
        "TrainingPeaks cannot be read right now. Baton tries again by itself.",
        "No whole answer, a 408, 425, 429 or 5xx; or our own limit on calls is used up.",
        "Wait: what changed meanwhile is found as soon as it answers.",
    ),
    "token_unavailable": ErrorKind(
        ADMIN,
        "TrainingPeaks does not renew Baton's access. Nothing new is read meanwhile.",
        "The access token has ended and renewing it fails; the refresh token is kept.",
        "Look at what the connection says, if it does not pass by itself.",
    ),
    "source_rejected": ErrorKind(
        ADMIN,
        "TrainingPeaks does not accept the way in which Baton asks for this calendar.",
        "A redirect, a 4xx that has no case of its own, or an address that may not be asked.",
        "Check the address of the calendar or of the API; if it is right, report it.",
    ),
    "source_scope_missing": ErrorKind(
        COACH,
        "TrainingPeaks is connected, but not everything that Baton needs was allowed.",
        "A call was refused for want of a scope. The connection page names it.",
        "Connect again and allow everything that is listed.",
    ),
    "needs_reconnect": ErrorKind(
        COACH,
        "TrainingPeaks refuses the stored access. Nothing new is read until you connect again.",
        "The refresh token was refused. Only the coach who connected can renew it.",
        "Connect again: every change made meanwhile is found then.",
    ),
    "athlete_not_shown": ErrorKind(
        COACH,
        "TrainingPeaks does not show this calendar to Baton, so it is not read.",
        "A call for this athlete got a 403. It is tried again whenever the list names them.",
        "Check in TrainingPeaks that the athlete is still attached to the coach.",
    ),
    "source_not_found": ErrorKind(
        COACH,
        "TrainingPeaks has nothing where this calendar was. Nothing is taken for deleted.",
        "A 404, which may be lost permission: it never proves a deletion.",
        "Check that the athlete, or the published calendar, is still there.",
    ),
    "emptied": ErrorKind(
        COACH,
        "The whole calendar is suddenly empty. Baton asks once more before it believes that.",
        "A full calendar came back empty: a second reading must say the same.",
        "Look at the calendar in TrainingPeaks, unless you have cleared it yourself.",
    ),
    "fault_of_our_own": ErrorKind(
        BATON,
        "A fault of our own. Baton tries again by itself.",
        "An exception that has no case of its own: the log of Baton says where it arose.",
        "Look at the log of Baton if it happens again.",
    ),
    "reader_crashed": ErrorKind(
        BATON,
        "Baton stopped three times while it read this, so it reads it less often now.",
        "Readers in a row did not come back: perhaps what they were given kills them.",
        "Look into the log of the workers for what ended them.",
    ),
    "bad_answer": ErrorKind(
        BATON,
        "TrainingPeaks answered in a way that Baton does not know. Nothing of it was sent.",
        "An answer broke its contract. The field is named; it can be read again after a fix.",
        "Report the field that the quarantine names. Read it again there after a fix.",
    ),
    LIST_TOO_SHORT: ErrorKind(
        COACH,
        "TrainingPeaks no longer lists many or all athletes. Nobody was removed: you decide.",
        "A list was too short to be believed: they left, or permission to see them was lost.",
        "Read it again in the quarantine if they left; dismiss it there if not.",
    ),
    NEEDS_TIME_ZONE: ErrorKind(
        COACH,
        "The athlete's time zone is not known, so Baton cannot tell which days to read.",
        "A rolling window begins on the athlete's own day, and no time zone says which that is.",
        "Set the athlete's time zone in TrainingPeaks: the next look at the list brings it here.",
    ),
}
