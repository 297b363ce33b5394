"""TrainingPeaks' OAuth server: credentials in the body, form-encoded; answers in any shape.

The only place in this room that speaks HTTP. No transaction is open while it does. How long it
takes is measured by a room above this one, with `time_with`.
"""

import base64
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from http import HTTPStatus
from typing import Any

import requests
from django.conf import settings
from oauthlib.oauth2 import OAuth2Error
from requests_oauthlib import OAuth2Session

TIMEOUT = (5, 15)  # connect, read: seconds
USER_AGENT = "Baton/1.0"
DEFAULT_LIFETIME = 600  # seconds, when the answer names none
LONGEST_LIFETIME = 30 * 24 * 3600  # seconds; nobody means more
NO_ANSWER = (ValueError, TypeError, AttributeError, OverflowError, RecursionError)  # of odd bodies
TOKEN, DEAUTHORIZE = "token", "deauthorize"  # the endpoints, as they are timed
os.environ["OAUTHLIB_RELAX_TOKEN_SCOPE"] = "1"  # noqa: S105 - no password: other scopes than asked for are our finding


Timer = Callable[[str], AbstractContextManager[None]]
_timer: list[Timer] = []


def time_with(timer: Timer) -> None:
    """Measure every call with this, by its endpoint; without it, none is measured."""
    _timer[:] = [timer]


def _timed(endpoint: str) -> AbstractContextManager[None]:
    return _timer[0](endpoint) if _timer else nullcontext()


class Refused(Exception):  # noqa: N818 - reads as the sentence it is
    """The server refused the code or the refresh token: only the coach can help."""


class Unreachable(Exception):  # noqa: N818 - reads as the sentence it is
    """No usable answer: nothing is known, nothing is given up."""


@dataclass(frozen=True)
class TokenPair:
    access: str
    refresh: str
    lifetime: timedelta
    scopes: tuple[str, ...]


def authorization_url(state: str, verifier: str | None) -> str:
    """Where the coach says yes. Scopes are exactly the documented ones."""
    session = _session(settings.TRAININGPEAKS_SCOPES)
    extra: dict[str, str] = {}
    if verifier:
        extra = {"code_challenge": _challenge(verifier), "code_challenge_method": "S256"}
    url, _ = session.authorization_url(_url("/OAuth/Authorize"), state=state, **extra)
    return str(url)


def _challenge(verifier: str) -> str:
    digest = sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def exchange(code: str, verifier: str | None) -> TokenPair:
    extra = {"code_verifier": verifier} if verifier else {}
    return _ask(
        lambda session: session.fetch_token(
            _url("/oauth/token"),
            code=code,
            include_client_id=True,
            client_secret=settings.TRAININGPEAKS_CLIENT_SECRET,
            timeout=TIMEOUT,
            **extra,
        )
    )


def refresh(refresh_token: str) -> TokenPair:
    return _ask(
        lambda session: session.refresh_token(
            _url("/oauth/token"),
            refresh_token=refresh_token,
            client_id=settings.TRAININGPEAKS_CLIENT_ID,
            client_secret=settings.TRAININGPEAKS_CLIENT_SECRET,
            timeout=TIMEOUT,
        ),
        keep=refresh_token,
    )


def deauthorize(access_token: str) -> bool:
    """Tell the server to forget us. False when it did not answer."""
    try:
        with _plain() as session, _timed(DEAUTHORIZE):
            answer = session.post(
                _url("/oauth/deauthorize"),
                headers={"Authorization": f"Bearer {access_token}"},
                timeout=TIMEOUT,
                allow_redirects=False,
            )
    except requests.RequestException:
        return False
    return answer.ok


def _ask(call: Any, keep: str = "") -> TokenPair:
    with _session() as session:
        try:
            with _timed(TOKEN):
                answer: Mapping[str, Any] = call(session)
        except OAuth2Error as error:
            if _says_no(error):
                raise Refused(error.error or "invalid_grant") from None
            raise Unreachable(type(error).__name__) from None
        except (requests.RequestException, *NO_ANSWER) as error:
            raise Unreachable(type(error).__name__) from None
    return _pair(answer, keep)


def _listen(response: requests.Response) -> requests.Response:
    """What the status says comes first: a server in trouble refuses nobody, whatever its body says.

    A 400 is a refusal also as a bare text or list; as a page it is somebody else's, on the way.
    """
    status = response.status_code
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        response.raise_for_status()
    page = response.headers.get("Content-Type", "").startswith("text/html")
    refused = status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}
    if refused and not page and not response.text.lstrip().startswith("{"):
        raise Refused(f"status_{status}")
    return response


def _says_no(error: OAuth2Error) -> bool:
    """A 400 or 401 in OAuth's own words. A missing token is an answer that was not one."""
    return error.error in {
        "invalid_grant",
        "invalid_request",
        "invalid_client",
        "invalid_scope",
        "unauthorized_client",
        "access_denied",
    }


def _pair(answer: Mapping[str, Any], keep: str) -> TokenPair:
    access = answer.get("access_token")
    if not isinstance(access, str) or not access:
        raise Unreachable("no_access_token")
    refresh_token = answer.get("refresh_token")
    if not isinstance(refresh_token, str) or not refresh_token:
        refresh_token = keep
    lifetime = timedelta(seconds=_seconds(answer.get("expires_in")))
    return TokenPair(access, refresh_token, lifetime, _scopes(answer.get("scope")))


def _seconds(said: object) -> int:
    try:
        return min(max(1, int(str(said))), LONGEST_LIFETIME)
    except ValueError:
        return DEFAULT_LIFETIME


def _scopes(said: object) -> tuple[str, ...]:
    """A text with spaces, or a list; anything else says nothing."""
    listed = said.split() if isinstance(said, str) else said
    return tuple(str(scope) for scope in listed if scope) if isinstance(listed, list) else ()


def _session(scopes: Sequence[str] | None = None) -> OAuth2Session:
    _allow_plain_http()
    session = OAuth2Session(
        settings.TRAININGPEAKS_CLIENT_ID,
        redirect_uri=settings.TRAININGPEAKS_REDIRECT_URL,
        scope=list(scopes) if scopes else None,
    )
    session.register_compliance_hook("access_token_response", _listen)
    session.register_compliance_hook("refresh_token_response", _listen)
    _careful(session)
    return session


def _plain() -> requests.Session:
    session = requests.Session()
    _careful(session)
    return session


def _careful(session: requests.Session) -> None:
    session.trust_env = False
    session.max_redirects = 0
    session.headers["User-Agent"] = USER_AGENT


def _url(path: str) -> str:
    return f"{settings.TRAININGPEAKS_OAUTH_URL}{path}"


def _allow_plain_http() -> None:
    """The sandbox on this machine speaks plain HTTP; production refuses the setting at start-up."""
    if settings.TRAININGPEAKS_INSECURE_TRANSPORT:
        os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
