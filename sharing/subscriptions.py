"""Webhook subscriptions: three per athlete. Listed, compared with what should be, put right."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Any
from uuid import UUID

from django.conf import settings

from accounts.models import Athlete, Connection
from sharing import clock, health, intake
from sharing.models import Source, Subscription
from sharing.source import endpoints
from sharing.source.client import TrainingPeaks
from sharing.source.errors import (
    AthleteDetachedError,
    NotThereError,
    SourceRefusedError,
    SourceRejectedError,
)

EVENTS = ("workout-created", "workout-updated", "workout-deleted")
HOOKS = "/hooks/trainingpeaks/"
BUDGET = 120.0  # seconds
AT_ONCE = 500  # rows in one statement
Place = tuple[int | None, str]  # an athlete's number at TrainingPeaks, and an event


@dataclass(frozen=True)
class Remote:
    """A subscription as TrainingPeaks lists it."""

    id: str
    athlete: int
    event: str
    url: str
    active: bool

    @property
    def ours(self) -> bool:
        """Another installation's subscriptions are left alone."""
        return self.url.startswith(settings.BATON_PUBLIC_URL + HOOKS)


@dataclass
class Outcome:
    """What a reconciliation did."""

    created: int = 0
    corrected: int = 0
    deleted: int = 0
    rejected: int = 0

    @property
    def changed(self) -> int:
        return self.created + self.corrected + self.deleted


def reconcile(connection: Connection, budget: float = BUDGET) -> Outcome:
    """Make this connection's subscriptions what they should be. Doing it twice does no more.

    A large roster takes several turns: each does what it can within its time.
    """
    ends = time.monotonic() + budget
    with TrainingPeaks(connection.pk) as api:
        work = _Reconciliation(api, _by_event(_existing(api, connection)))
        try:
            for source in _sources(connection):
                if time.monotonic() > ends:
                    return work.outcome
                work.serve(source)
        finally:
            _seen_again(work.unchanged)
        work.end_needless()
    if len(work.refused) > 1 and not work.kept:  # nobody may be subscribed: it is no one athlete
        raise SourceRefusedError(endpoints.WRITE_HOOKS_SCOPE, status=403)
    health.worked(connection, allowed=api.allowed)
    return work.outcome


def _existing(api: TrainingPeaks, connection: Connection) -> list[Remote]:
    """Who may not even see the list is refused every kind of event, for each athlete."""
    try:
        return listed(api.subscriptions())
    except (SourceRefusedError, SourceRejectedError, NotThereError):
        for source in _sources(connection):
            _asked_for(source, EVENTS)
        raise


def listed(raw: Iterable[Any]) -> list[Remote]:
    """Tolerant of casing. An entry without an id or an athlete cannot be ours to change."""
    entries = [_folded(entry) for entry in raw]
    return [
        Remote(
            id=str(entry["id"]),
            athlete=int(entry["athleteid"]),
            event=str(entry.get("eventtype") or ""),
            url=str(entry.get("webhookurl") or ""),
            active=entry.get("active") is not False,
        )
        for entry in entries
        if entry.get("id") and str(entry.get("athleteid")).isdecimal()
    ]


def _by_event(existing: Iterable[Remote]) -> dict[Place, list[Remote]]:
    found: defaultdict[Place, list[Remote]] = defaultdict(list)
    for remote in existing:
        found[remote.athlete, remote.event].append(remote)
    return dict(found)


def _folded(entry: Any) -> dict[str, Any]:
    members = entry.items() if isinstance(entry, Mapping) else ()
    return {str(key).casefold(): value for key, value in members}


def _sources(connection: Connection) -> list[Source]:
    found = Source.objects.filter(
        athlete__connection=connection,
        athlete__state=Athlete.State.ACTIVE,
        athlete__source_id__isnull=False,
    ).exclude(state=Source.State.SUSPENDED)
    return list(found.select_related("athlete").prefetch_related("subscriptions"))


@dataclass
class _Reconciliation:
    api: TrainingPeaks
    existing: Mapping[Place, Sequence[Remote]]
    outcome: Outcome = field(default_factory=Outcome)
    kept: set[str] = field(default_factory=set)
    unchanged: list[UUID] = field(default_factory=list)  # rows that say what is there
    refused: set[UUID] = field(default_factory=set)  # sources whose athlete we may not subscribe

    def serve(self, source: Source) -> None:
        refused = [event for event in EVENTS if not self.ensure(source, event)]
        _asked_for(source, refused)

    def ensure(self, source: Source, event: str) -> bool:
        """One athlete's trouble does not cost the others their events."""
        try:
            remote_id = self._ensured(source, event)
        except (SourceRejectedError, AthleteDetachedError, NotThereError) as error:
            self.outcome.rejected += 1
            if isinstance(error, AthleteDetachedError):
                self.refused.add(source.pk)
            return False
        self.kept.add(remote_id)
        known = _known(source, event, remote_id)
        if known is None:
            _seen(source, event, remote_id)
        else:
            self.unchanged.append(known)
        return True

    def end_needless(self) -> None:
        """Ours, but for nobody we read, for no event we know, or a second one for the same."""
        for remote in chain.from_iterable(self.existing.values()):
            if remote.ours and remote.id not in self.kept:
                self._end(remote)

    def _ensured(self, source: Source, event: str) -> str:
        url = intake.hook_url(source)
        remote = self._matching(source, event, url)
        if remote is None:
            answer = _folded(self.api.subscribe(source.athlete.source_id or 0, event, url))
            self.outcome.created += 1
            return str(answer.get("id") or "")
        if remote.url != url or not remote.active:
            self.api.resubscribe(remote.id, event, url)
            self.outcome.corrected += 1
        return remote.id

    def _matching(self, source: Source, event: str, url: str) -> Remote | None:
        """Ours by its address, or by the id we were given when we made it."""
        made = {row.remote_id for row in source.subscriptions.all()}
        candidates = [
            remote
            for remote in self.existing.get((source.athlete.source_id, event), ())
            if remote.ours or remote.id in made
        ]
        return min(
            candidates,
            key=lambda r: (r.url != url, not r.active, r.id not in made, r.id),
            default=None,
        )

    def _end(self, remote: Remote) -> None:
        try:
            with suppress(NotThereError):  # it is gone: what we wanted
                self.api.unsubscribe(remote.id)
        except AthleteDetachedError:
            self.outcome.rejected += 1
            return
        Subscription.objects.filter(remote_id=remote.id).delete()
        self.outcome.deleted += 1


def _asked_for(source: Source, refused: Sequence[str]) -> None:
    """From now on silence means something; and what we may not have is known by its name."""
    kinds = " ".join(refused)
    if source.hooks_asked_at is None or source.hooks_refused != kinds:
        Source.objects.filter(pk=source.pk).update(
            hooks_asked_at=source.hooks_asked_at or clock.now(), hooks_refused=kinds
        )


def _known(source: Source, event: str, remote_id: str) -> UUID | None:
    """The row that says this already, of those that were read with the source."""
    wanted = (event, remote_id[:64], True, source.hook_generation)
    for row in source.subscriptions.all():
        if (row.event_type, row.remote_id, row.active, row.hook_generation) == wanted:
            return row.pk
    return None


def _seen_again(rows: Sequence[UUID]) -> None:
    """A roster's rows in a few statements: most of the time nothing has changed."""
    for first in range(0, len(rows), AT_ONCE):
        some = rows[first : first + AT_ONCE]
        Subscription.objects.filter(pk__in=some).update(seen_at=clock.now())


def _seen(source: Source, event: str, remote_id: str) -> None:
    Subscription.objects.update_or_create(
        source=source,
        event_type=event,
        defaults={
            "remote_id": remote_id[:64],
            "active": True,
            "hook_generation": source.hook_generation,
            "seen_at": clock.now(),
        },
    )
