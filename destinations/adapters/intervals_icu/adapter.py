"""intervals.icu: sessions on the athlete's calendar, written under our own ids in bulk."""

import base64
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from destinations.adapters.intervals_icu import comparison, mapping
from destinations.adapters.intervals_icu.forms import IntervalsIcuConfigForm
from destinations.adapters.shared import allowed_sessions, marker
from destinations.contract import load_schema
from destinations.errors import (
    DestinationError,
    MissingError,
    ScopeMissingError,
    UnknownOutcomeError,
    UnlistedError,
)
from destinations.http import Response, raise_for_outcome
from destinations.port import (
    Action,
    Body,
    Capabilities,
    Copy,
    DestinationAdapter,
    IdempotencyClass,
    Item,
    Receipt,
    Recipient,
    Remote,
    RemoteState,
    RenderOptions,
    Step,
    json_bytes,
)
from plans.model import Plan

HERE = Path(__file__).parent
MOST = 2 * 1024 * 1024  # it answers a bulk write with every event and its parsed workout
Outcomes = dict[str, Receipt | DestinationError]


class IntervalsIcuAdapter(DestinationAdapter):
    kind = "intervals_icu"
    label = "intervals.icu"
    config_form = IntervalsIcuConfigForm
    capabilities = Capabilities(
        idempotency=IdempotencyClass.UPSERT,
        time_of_day=True,
        duration=True,
        distance=True,
        intervals=True,
        read_back=True,
        compared=comparison.FIELDS,
        external_id=True,
        batch=25,
        rate_per_second=2.0,
        terms=("Devices receive sessions from intervals.icu about a week ahead.",),
    )
    schema = load_schema(HERE / "schema.json")

    def render(self, plan: Plan, options: RenderOptions) -> list[Item]:
        sessions = allowed_sessions(plan, options)
        return [mapping.session_item(session, options, self.config) for session in sessions]

    def write(self, step: Step, *, idempotency_key: str) -> Receipt:
        outcome = self.write_batch([step])[step.item_key]
        if isinstance(outcome, DestinationError):
            raise outcome
        return outcome

    def write_batch(self, steps: Sequence[Step]) -> Outcomes:
        """Removals first, then everything else as an upsert; one call each per athlete."""
        outcomes: Outcomes = {}
        for (athlete, removing), group in self._groups(steps):
            call = self._remove if removing else self._upsert
            outcomes |= _each(group, call, athlete)
        return outcomes

    def find(self, step: Step) -> Receipt | None:
        day = step.date
        if day is None:
            return None
        athlete = mapping.athlete_of(step, self.config)
        for event in self._events(athlete, day.isoformat(), day.isoformat()):
            if event.get("external_id") == step.item_key:
                return Receipt(remote_id=str(event["id"]))
        return None

    def read_back(self, remotes: Sequence[Remote]) -> list[RemoteState]:
        by_athlete: dict[str, list[Remote]] = defaultdict(list)
        for remote in remotes:
            by_athlete[mapping.athlete_of(remote, self.config)].append(remote)
        return [
            state
            for athlete, group in sorted(by_athlete.items())
            for state in self._read_back(athlete, group)
        ]

    def look_up(self, remote: Remote) -> RemoteState:
        """Asks for the one event by its id: only a 404 for it says that it is gone."""
        if not remote.remote_id.isdigit():
            raise UnknownOutcomeError("There is no id to look this session up by.")
        athlete = mapping.athlete_of(remote, self.config)
        try:
            answer = self._call("GET", athlete, f"/events/{remote.remote_id}")
        except MissingError:
            return RemoteState(item_key=remote.item_key, present=False)
        event: Any = answer.json()
        shown = isinstance(event, dict) and str(event.get("id", "")) == remote.remote_id
        if not shown or not comparison.complete(event):
            raise _unreadable(answer)
        return _compared(remote, event, answer)

    def ours(self, recipient: Recipient, first: date, last: date) -> list[Remote]:
        try:
            athlete = mapping.remote_athlete(recipient, self.config)
        except UnlistedError:
            return []  # without a calendar there, nothing is on it
        events = self._events(athlete, first.isoformat(), last.isoformat())
        return [_remote(athlete, event) for event in events if _is_ours(event)]

    def said(self, body: Body) -> dict[str, Any]:
        return comparison.said(body["event"])

    def same(self, field: str, ours: Any, theirs: Any) -> bool:
        return comparison.same(field, ours, theirs)

    def with_theirs(self, body: Body, values: Mapping[str, Any]) -> Body:
        return {**body, "event": comparison.with_theirs(body["event"], values)}

    def check_connection(self) -> str:
        self._events(mapping.athlete_of(_NOBODY, self.config), "2000-01-01", "2000-01-01")
        return f"{self.endpoint()} accepts the stored key and shows the calendar."

    def endpoint(self) -> str:
        return f"intervals.icu at {urlsplit(self.config['base_url']).hostname}"

    def _groups(self, steps: Sequence[Step]) -> Iterable[tuple[tuple[str, bool], list[Step]]]:
        groups: dict[tuple[str, bool], list[Step]] = defaultdict(list)
        for step in sorted(steps, key=lambda step: step.action != Action.REMOVE):
            removing = step.action == Action.REMOVE
            groups[mapping.athlete_of(step, self.config), removing].append(step)
        return groups.items()

    def _upsert(self, athlete: str, steps: Sequence[Step]) -> Outcomes:
        events = [self.checked(step.item.body)["event"] for step in steps if step.item]
        answer = self._call("POST", athlete, "/events/bulk?upsert=true", events)
        ids = {event.get("external_id"): event.get("id") for event in _listed(answer)}
        return {step.item_key: _acknowledged(ids.get(step.item_key), answer) for step in steps}

    def _remove(self, athlete: str, steps: Sequence[Step]) -> Outcomes:
        wanted = [_reference(step) for step in steps]
        with suppress(MissingError):  # gone already is gone
            self._call("PUT", athlete, "/events/bulk-delete", wanted)
        return {step.item_key: Receipt(remote_id=_remote_id(step)) for step in steps}

    def _read_back(self, athlete: str, remotes: Sequence[Remote]) -> list[RemoteState]:
        days = sorted(remote.date.isoformat() for remote in remotes if remote.date)
        if not days:
            return [RemoteState(item_key=remote.item_key, present=None) for remote in remotes]
        answer = self._list(athlete, days[0], days[-1])
        by_id = {str(event.get("id", "")): event for event in _listed(answer)}
        states = [_state(remote, by_id.get(remote.remote_id), answer) for remote in remotes]
        ours = {remote.remote_id for remote in remotes}
        others = [event for number, event in by_id.items() if number not in ours]
        return [
            replace(state, copies=_copies(remote, others))
            for remote, state in zip(remotes, states, strict=True)
        ]

    def _events(self, athlete: str, oldest: str, newest: str) -> list[Body]:
        return _listed(self._list(athlete, oldest, newest))

    def _list(self, athlete: str, oldest: str, newest: str) -> Response:
        window = urlencode({"oldest": oldest, "newest": newest})
        return self._call("GET", athlete, f"/events?{window}")

    def _call(
        self, method: str, athlete: str, path: str, content: list[Body] | None = None
    ) -> Response:
        url = f"{self.config['base_url']}/api/v1/athlete/{quote(athlete, safe='')}{path}"
        body = json_bytes(content) if content is not None else None
        headers = {"Authorization": self._authorization(), "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        answer = self.http.send(method, url, body=body, headers=headers, most=MOST)
        if answer.status == HTTPStatus.FORBIDDEN:
            raise ScopeMissingError(http_status=answer.status, excerpt=answer.excerpt)
        return raise_for_outcome(answer)

    def _authorization(self) -> str:
        credential = self.config["credential"]
        if self.config.get("auth") == "bearer":
            return f"Bearer {credential}"
        return "Basic " + base64.b64encode(f"API_KEY:{credential}".encode()).decode()


_NOBODY = Remote(item_key="")


def _each(
    steps: Sequence[Step], call: Callable[[str, Sequence[Step]], Outcomes], athlete: str
) -> Outcomes:
    """One call for a group of steps; what goes wrong with it goes wrong with each of them."""
    try:
        return call(athlete, steps)
    except DestinationError as error:
        return {step.item_key: error for step in steps}


def _listed(answer: Response) -> list[Body]:
    found: Any = answer.json()
    if isinstance(found, list) and all(isinstance(event, dict) for event in found):
        return found
    raise _unreadable(answer)


def _acknowledged(remote_id: object, answer: Response) -> Receipt | DestinationError:
    if remote_id is None:
        return UnknownOutcomeError(http_status=answer.status, excerpt=answer.excerpt)
    return Receipt(remote_id=str(remote_id), http_status=answer.status)


def _reference(step: Step) -> Body:
    remote_id = _remote_id(step)
    return {"id": int(remote_id)} if remote_id.isdigit() else {"external_id": step.item_key}


def _remote_id(step: Step) -> str:
    return step.remote.remote_id if step.remote else ""


def _state(remote: Remote, event: Body | None, answer: Response) -> RemoteState:
    """A session that is not in the list, or not shown whole, may be on another day or left out."""
    if event is None or not comparison.whole(remote.body or {}, event):
        return RemoteState(item_key=remote.item_key, present=None)
    return _compared(remote, event, answer)


def _copies(remote: Remote, others: Iterable[Body]) -> tuple[Copy, ...]:
    """Events beside ours that carry its mark: whatever is not marked is none of our business."""
    written = remote.body or {}
    return tuple(
        Copy(
            remote_id=str(event["id"]),
            date=comparison.day_of(event),
            body={**written, "event": {**written.get("event", {}), **event}},
        )
        for event in others
        if event.get("id") and comparison.mark_of(event) == marker(remote.item_key)
    )


def _is_ours(event: Body) -> bool:
    """Our id alone may be another application's, our mark alone somebody's copy."""
    key = event.get("external_id")
    return bool(key and event.get("id")) and comparison.mark_of(event) == marker(str(key))


def _remote(athlete: str, event: Body) -> Remote:
    return Remote(
        item_key=str(event["external_id"]),
        remote_id=str(event["id"]),
        date=comparison.day_of(event),
        body={"athlete": athlete, "event": event},
    )


def _compared(remote: Remote, event: Body, answer: Response) -> RemoteState:
    try:
        altered = comparison.alterations(remote.body or {}, event)
    except comparison.UnreadableError:
        raise _unreadable(answer) from None
    return RemoteState(
        item_key=remote.item_key, present=True, remote_id=str(event["id"]), altered=altered
    )


def _unreadable(answer: Response) -> UnknownOutcomeError:
    return UnknownOutcomeError(
        code="unreadable_answer", http_status=answer.status, excerpt=answer.excerpt
    )
