"""Why a bulk action, or one lane of it, is refused: in words for the person who asked."""

from sharing.redeliver import BLOCKED, SUPERSEDED

__all__ = ["BLOCKED", "SUPERSEDED", "NotPossible", "Refused"]


class Refused(Exception):  # noqa: N818 - reads as the sentence it is
    """A lane is left as it is: superseded by something newer, or blocked."""

    def __init__(self, kind: str, words: str) -> None:
        super().__init__(words)
        self.kind = kind


class NotPossible(Exception):  # noqa: N818 - reads as the sentence it is
    """The action as a whole cannot go this step now."""
