"""How the source can fail. Each class exists because somebody does something different about it."""

from datetime import timedelta


class SourceError(Exception):
    """The source did not give what was asked. `words` are for the person who reads them."""

    code = "source_error"

    def __init__(self, words: str, *, status: int | None = None, excerpt: str = "") -> None:
        super().__init__(words)
        self.words = words
        self.status = status
        self.excerpt = excerpt


class SourceUnavailableError(SourceError):
    """Overloaded, down, silent or cut short: the same question again, later."""

    code = "source_unavailable"

    def __init__(
        self,
        words: str,
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

    code = "scope_missing"

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

    code = "athlete_detached"


class NotThereError(SourceError):
    """Nothing at that address. May be lost permission, so it never proves a deletion."""

    code = "source_not_found"


class EmptiedError(SourceError):
    """A full calendar that is suddenly empty: believed when a second reading says the same."""

    code = "emptied"


class OwnFaultError(SourceError):
    """Baton itself failed over it: whoever runs Baton finds in the log where."""

    code = "fault_of_our_own"

    def __init__(self) -> None:
        super().__init__("A fault of our own. The log of Baton says more.")


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
