"""The one client of the TrainingPeaks API. It knows the calls; what they say, others know."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote
from uuid import UUID

from django.conf import settings

from plans.window import slices
from sharing import latency
from sharing.source import credentials, endpoints, meaning, quota
from sharing.source.endpoints import Endpoint
from sharing.source.errors import BadAnswerError, SourceRejectedError, SourceUnavailableError
from sharing.source.http import Answer, Http

STRENGTH_PAGE, CHANGED_PAGE = 50, 100
MOST_PAGES = 200  # of one question: more is a fault, not a calendar
NO_STRUCTURE = ("has no structure", "cannot be exported")  # the two normal refusals

Heed = Callable[[], None]


def unheeded() -> None:
    """Nobody needs to know that a call is about to be made."""


class TrainingPeaks:
    """What one connection's token lets us ask. `heed` is called before every call."""

    def __init__(
        self, connection: UUID, *, heed: Heed = unheeded, pause: quota.Pause = time.sleep
    ) -> None:
        self.connection = connection
        self.allowed: set[str] = set()  # scopes that worked
        self._heed, self._pause = heed, pause
        self._http = Http()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.__exit__(kind, error, trace)

    # --- who -----------------------------------------------------------------------------

    def version(self) -> Any:
        """A good sign of life: it needs no permission at all."""
        return meaning.document(self._once(endpoints.VERSION, token=""))

    def coach(self) -> Any:
        return self._read(endpoints.COACH)

    def athletes(self) -> Any:
        return self._read(endpoints.ATHLETES)

    # --- what is planned -----------------------------------------------------------------

    def workouts(self, athlete: int, start: date, end: date) -> list[Any]:
        """Every workout from start to end, in as many calls as the source's limit asks for."""
        found: list[Any] = []
        for first, last in slices(start, end):
            found += self._list(
                endpoints.WORKOUTS,
                athlete=athlete,
                start=first,
                end=last,
                params={"includeDescription": "true"},
            )
        return found

    def structure(self, workout: int) -> Any:
        """The intervals as they come, or None: having none is normal, not a fault."""
        try:
            return self._read(endpoints.STRUCTURE, workout=workout, params={"format": "json"})
        except SourceRejectedError as error:
            if error.status == 400 and any(words in error.excerpt for words in NO_STRUCTURE):
                return None
            raise

    def strength_workouts(self, athlete: int, start: date, end: date) -> list[Any]:
        """All pages of all slices, as they come."""
        found: list[Any] = []
        for first, last in slices(start, end):
            pages = list(self._strength_pages(athlete, first, last))
            if len(pages) > 1 and pages != list(self._strength_pages(athlete, first, last)):
                raise SourceUnavailableError("The pages changed while we read them.")
            found += pages
        return found

    def changed_pages(self, athlete: int, since: datetime) -> Iterator[Any]:
        """The changed feed, page by page. It says neither how long it is nor where it ends."""
        for page in range(MOST_PAGES):
            yield self._read(
                endpoints.CHANGED,
                athlete=athlete,
                params={
                    "date": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "pageSize": str(CHANGED_PAGE),
                    "page": str(page),
                    "includeDescription": "true",
                },
            )
        raise SourceUnavailableError("The list of changes has no end.")

    def _strength_pages(self, athlete: int, start: date, end: date) -> Iterator[Any]:
        about = {"startDate": str(start), "endDate": str(end), "pageSize": str(STRENGTH_PAGE)}
        for page in range(MOST_PAGES):
            answer = self._read(
                endpoints.STRENGTH, athlete=athlete, params=about | {"page": str(page)}
            )
            yield answer
            if _length(answer) < STRENGTH_PAGE:
                return
        raise SourceUnavailableError("The list of strength workouts has no end.")

    # --- webhook subscriptions -----------------------------------------------------------

    def subscriptions(self) -> list[Any]:
        return self._list(endpoints.LIST_HOOKS)

    def subscribe(self, athlete: int, event: str, url: str) -> Any:
        body = {"AthleteId": athlete, "EventType": event, "WebhookUrl": url}
        return meaning.document(self._call(endpoints.CREATE_HOOK, json=body))

    def resubscribe(self, subscription: str, event: str, url: str) -> None:
        body = {"EventType": event, "WebhookUrl": url, "Active": True}
        self._call(endpoints.UPDATE_HOOK, subscription=subscription, json=body)

    def unsubscribe(self, subscription: str) -> None:
        self._call(endpoints.DELETE_HOOK, subscription=subscription)

    # --- how -----------------------------------------------------------------------------

    def _list(self, endpoint: Endpoint, **what: Any) -> list[Any]:
        answer = self._call(endpoint, **what)
        value = meaning.document(answer)
        if not isinstance(value, list):
            kind = "an object" if isinstance(value, dict) else "something else"
            raise BadAnswerError(endpoint.name, "", f"expected a list, got {kind}", answer.body)
        return value

    def _read(self, endpoint: Endpoint, **what: Any) -> Any:
        return meaning.document(self._call(endpoint, **what))

    def _call(self, endpoint: Endpoint, **what: Any) -> Answer:
        """Ask; a refused token is renewed once, and a second refusal is about the scope."""
        token = credentials.token(self.connection)
        answer = self._send(endpoint, token, **what)
        if answer.status == 401:
            token = credentials.renewed(self.connection, refused=token)
            answer = self._send(endpoint, token, **what)
        good = meaning.checked(answer, endpoint, token=token)
        self.allowed.add(endpoint.scope)
        return good

    def _once(self, endpoint: Endpoint, *, token: str) -> Answer:
        return meaning.checked(self._send(endpoint, token), endpoint)

    def _send(self, endpoint: Endpoint, token: str, **what: Any) -> Answer:
        body = {name: what.pop(name) for name in ("params", "json") if name in what}
        url = address(endpoint, **what)
        quota.wait_turn(self._pause)
        self._heed()
        with quota.spared(), latency.timed(endpoint.name):
            answer = self._http.exchange(endpoint.method, url, token=token, **body)
        if answer.status in {429, 503}:
            quota.hold(meaning.retry_after(answer))
        return answer


def address(endpoint: Endpoint, **places: object) -> str:
    """The whole address. A token never goes to one that is not encrypted."""
    base: str = settings.TRAININGPEAKS_API_URL
    if not base.startswith("https://") and not settings.TRAININGPEAKS_INSECURE_TRANSPORT:
        raise SourceRejectedError("Set TRAININGPEAKS_API_URL to an https address.")
    return base + endpoint.path.format(
        **{name: quote(str(value), safe="") for name, value in places.items()}
    )


def _length(page: Any) -> int:
    """How many there are on a page: of the list itself, or of the one list in an object."""
    if isinstance(page, dict):
        return max((len(value) for value in page.values() if isinstance(value, list)), default=0)
    return len(page) if isinstance(page, list) else 0
