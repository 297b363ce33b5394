"""The token a call is made with, another when it was refused. `accounts` does the refreshing."""

from uuid import UUID

from accounts import tokens
from sharing.source.errors import NeedsReconnectError, NoTokenError


def token(connection: UUID) -> str:
    return _asked(connection, refused=None)


def renewed(connection: UUID, *, refused: str) -> str:
    """Another token than the one that was refused, by at most one refresh."""
    return _asked(connection, refused=refused)


def _asked(connection: UUID, *, refused: str | None) -> str:
    try:
        return tokens.fresh_access_token(connection, refused=refused)
    except tokens.NeedsReauthError:
        raise NeedsReconnectError from None
    except tokens.TokenUnavailableError as error:
        raise NoTokenError(str(error)) from None
