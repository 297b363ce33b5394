"""Polling the changed feed: it finds what no webhook event announced, and so proves the webhooks.

The cursor moves on only after success, and every look goes back a little further than
the last one ended, because clocks are unclear. What is found twice is only found once.
"""

import json
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from accounts.models import Athlete, Connection
from audit.retrying import retried
from plans.errors import ContractError
from plans.trainingpeaks import Changed, item_id, parse_changed
from plans.trainingpeaks.wire import Reader, local_day
from sharing import clock, health, intake, retry, trouble, versions, windows
from sharing.models import Hint, Source
from sharing.source import endpoints
from sharing.source.client import CHANGED_PAGE, TrainingPeaks
from sharing.source.errors import (
    BadAnswerError,
    NoTokenError,
    OwnFaultError,
    SourceDownError,
    SourceError,
)
from sharing.source.window import Known, modified, number_of

logger = logging.getLogger(__name__)

OVERLAP = timedelta(minutes=10)
REMEMBER = timedelta(hours=1)  # how long before the cursor a finding may have been made


@dataclass
class Changes:
    """What the feed says since the cursor: workout id → when it was last modified, or ""."""

    modified: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    paged: bool = False


def poll(source: Source) -> int:
    """Look for changes; make the source due if there are any. Says how many were relevant."""
    began = clock.now()
    connection = source.athlete.connection
    if connection is None or connection.kind == Connection.Kind.CALENDAR_FEED:
        return _without_feed(source, began)
    if source.cursor is None:
        return _begin(source, began)
    since = source.cursor - OVERLAP
    changes = _changes(source, connection, since)
    found = _relevant(source, changes, began)
    _finish(source, began, since, found, whole=changes.paged)
    health.worked(connection, allowed=[endpoints.CHANGED.scope])
    return len(found)


def _begin(source: Source, began: datetime) -> int:
    """The first look only sets the cursor: the athlete's first reading sees everything before."""
    Source.objects.filter(pk=source.pk).update(polled_at=began, cursor=began)
    return 0


def _without_feed(source: Source, began: datetime) -> int:
    """A published calendar has no list of changes: reading it is the only way to know."""
    intake.ask(source, Hint.Kind.POLL)
    Source.objects.filter(pk=source.pk).update(polled_at=began, cursor=began)
    return 1


def _changes(source: Source, connection: Connection, since: datetime) -> Changes:
    """All pages. The end is a page that is not full and says nothing new about deletions."""
    changes = Changes()
    with TrainingPeaks(connection.pk) as api:
        for number, raw in enumerate(api.changed_pages(source.athlete.source_id or 0, since)):
            page = _parsed(raw)
            new_deletions = set(page.deleted_ids) - changes.deleted
            full = len(page.modified) >= CHANGED_PAGE
            changes.paged |= full or bool(number and (page.modified or new_deletions))
            changes.deleted |= new_deletions
            changes.modified |= {number_of(raw) or 0: raw for raw in page.modified}
            if not full and not new_deletions:
                break
    return changes


def _parsed(raw: Any) -> Changed:
    try:
        return parse_changed(raw)
    except ContractError as error:
        body = json.dumps(raw).encode()
        raise BadAnswerError(endpoints.CHANGED.name, error.path, error.problem, body) from None


def _relevant(source: Source, changes: Changes, now: datetime) -> dict[str, str]:
    """What touches a plan and has not been read yet: id → when it was modified ("" if deleted)."""
    plans = list(source.athlete.plans.filter(archived_at=None).select_related("athlete"))
    known = versions.known(plans)
    days = [w for plan in plans if (w := windows.window_of(plan, now)) is not None]
    found = {str(n): "" for n in changes.deleted if item_id(n) in known.sessions}
    for number, raw in changes.modified.items():
        if _concerns(number, raw, known, days) and not _read_already(number, raw, known):
            found[str(number)] = modified(raw)
    return found


def _concerns(
    number: int, raw: Mapping[str, Any], known: Known, days: Iterable[windows.Window]
) -> bool:
    """It is in a plan, or on a day that a plan covers (also when its day cannot be read)."""
    if item_id(number) in known.sessions:
        return True
    members = {str(key).casefold(): value for key, value in raw.items()}
    try:
        day = local_day(str(members.get("workoutday")), Reader())
    except ContractError:
        return True
    return any(window.holds(day) for window in days)


def _read_already(number: int, raw: Mapping[str, Any], known: Known) -> bool:
    stamp = known.stamps.get(str(number), "")
    return bool(modified(raw)) and stamp.startswith(f"{modified(raw)}|")


@retried
def _finish(
    source: Source, began: datetime, since: datetime, found: dict[str, str], *, whole: bool
) -> None:
    """Count what stayed silent, keep what is new, and move the cursor: all or nothing."""
    with transaction.atomic():
        row = (
            Source.objects.select_for_update(of=("self",), no_key=True)
            .select_related("athlete")
            .filter(pk=source.pk)
            .first()
        )
        if row is None:
            return  # the athlete was erased meanwhile
        silent = _stayed_silent(row)
        noted = _noted(row, since - REMEMBER)
        new = {key: when for key, when in found.items() if noted.get(key) != when}
        if new:
            intake.ask(row, Hint.Kind.POLL, body=json.dumps(new).encode())
        if whole:
            # What changes while we turn the pages moves the others: one may slip to a page that was
            # read already. The next look may begin too late for it, a whole reading does not.
            intake.ask(row, Hint.Kind.SCHEDULE)
        Source.objects.filter(pk=row.pk).update(
            cursor=began, polled_at=clock.now(), silent_changes=F("silent_changes") + silent
        )


def _noted(source: Source, since: datetime) -> dict[str, str]:
    """What polls since then have found."""
    found: dict[str, str] = {}
    for hint in source.hints.filter(kind=Hint.Kind.POLL, received_at__gte=since):
        hint.source = source
        found |= json.loads(intake.body_of(hint) or b"{}")
    return found


def _stayed_silent(source: Source) -> int:
    """How many findings of the last poll no webhook event has announced until now."""
    asked = source.hooks_asked_at
    if source.cursor is None or asked is None or asked > source.cursor:
        return 0  # nobody was asked yet to announce anything
    found = _noted(source, source.cursor)
    earliest = source.cursor - settings.BATON_POLL_EVERY - OVERLAP
    events = source.hints.filter(kind=Hint.Kind.WEBHOOK, received_at__gte=earliest)
    announced = set(events.values_list("workout_id", flat=True))
    if None in announced:  # an event that does not say which workout may be about any
        return 0
    return len({key for key in found if int(key) not in announced})


def poll_due_sources(budget: float = 60.0) -> int:
    """Poll every source whose last look is too long ago, the oldest first. Says how many."""
    ends = time.monotonic() + budget
    polled, without_token = 0, set()
    for source in _due(clock.now()):
        if time.monotonic() > ends:
            break
        if source.athlete.connection_id in without_token:
            continue
        error = _had_its_turn(source)
        if isinstance(error, SourceDownError):
            break
        if isinstance(error, NoTokenError):
            without_token.add(source.athlete.connection_id)
        polled += 1
    return polled


def _had_its_turn(source: Source) -> SourceError | None:
    """What went wrong, if anything did. It goes to the end of the queue in any case."""
    try:
        return _looked_at(source)
    except retry.UNWELL:  # the database is unwell: all would fare alike
        raise
    except Exception:  # one athlete's fault costs nobody behind them their turn
        logger.exception("Polling a source met a fault; its turn comes again.")
        error = OwnFaultError()
        Source.objects.filter(pk=source.pk).update(polled_at=clock.now(), last_error=error.code)
        return error


def _looked_at(source: Source) -> SourceError | None:
    try:
        poll(source)
    except SourceError as error:
        Source.objects.filter(pk=source.pk).update(polled_at=clock.now())
        trouble.follows(source.pk, error)
        return error
    return None


def _due(now: datetime) -> QuerySet[Source]:
    before = now - settings.BATON_POLL_EVERY
    late = Q(polled_at=None) | Q(polled_at__lte=before)
    usable = (Connection.State.HEALTHY, Connection.State.SCOPE_MISSING)
    return (
        Source.objects.filter(
            late,
            state=Source.State.ACTIVE,
            athlete__state=Athlete.State.ACTIVE,
            athlete__connection__state__in=usable,
        )
        .select_related("athlete__connection")
        .order_by(F("polled_at").asc(nulls_first=True))
    )
