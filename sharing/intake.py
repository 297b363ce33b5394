"""Taking in hints: whatever arrives is kept, raises the athlete's counter, and is never believed.

The counter does all the thinking: duplicates, bursts, replays and any order cost one
more reading at most.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from audit.crashpoint import crashpoint
from audit.log import audited_atomic
from audit.retrying import retried, retried_within
from sharing import capability, clock, wake
from sharing.models import Hint, Source
from sharing.source.errors import BadAnswerError

LARGEST_BODY = 64 * 1024
DEEPEST = 20  # lists and objects inside one another
MOST_KEPT = 1_000  # unread hints kept per athlete; after that only the counter is raised
OVERLAP = timedelta(days=2)  # an old hook address works so long after a rotation
MOST_HEADER = 200
KEPT_HEADERS = frozenset({"content-type", "content-length", "user-agent", "date", "x-request-id"})
VENDOR_HEADERS = "x-trainingpeaks-"
EVENT = re.compile(r"[a-z0-9._-]{1,64}")
LARGEST_ID = 2**63 - 1
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NOBODY = UUID(int=0)


@dataclass(frozen=True)
class Said:
    """What a body claims it is about. Good for a trace, never for a decision."""

    event_type: str = ""
    workout_id: int | None = None


def hook_url(source: Source) -> str:
    """The address that TrainingPeaks posts this athlete's events to."""
    secret = capability.mint("hook", source.pk, source.hook_generation)
    return settings.BATON_PUBLIC_URL + reverse("trainingpeaks-hook", args=[source.pk, secret])


@retried
def rotate(source_id: UUID) -> None:
    """Give the hook a new secret. The old one works on until the subscriptions have moved."""
    with audited_atomic() as log:
        source = (
            Source.objects.select_for_update(no_key=True)
            .select_related("athlete")
            .get(pk=source_id)
        )
        source.hook_generation += 1
        source.previous_hook_until = clock.now() + OVERLAP
        source.save(update_fields=["hook_generation", "previous_hook_until"])
        athlete = source.athlete
        log.record(
            "source.hook.rotated",
            organisation=athlete.organisation_id,
            subject=athlete.pseudonym,
            extra={"generation": source.hook_generation},
        )


def source_of(source_id: UUID, secret: str) -> Source | None:
    """The source behind an address. A wrong secret and an unknown id take the same work."""
    source = Source.objects.filter(pk=source_id).first()
    generation = source.hook_generation if source else 1
    row = source.pk if source else _NOBODY
    now_good = capability.check("hook", row, generation, secret)
    once_good = capability.check("hook", row, generation - 1, secret)
    now = clock.now()  # asked in any case: a stranger must not count our queries
    overlapping = source is not None and source.previous_hook_until > now
    return source if source and (now_good or (once_good and overlapping)) else None


@retried_within(2.0)  # the sender is waiting
def record(source: Source, *, headers: Mapping[str, str], body: bytes) -> None:
    """Keep a webhook event and say that the calendar is out of date. Committed on return."""
    with transaction.atomic():
        about = said(body)
        note(
            source,
            Hint.Kind.WEBHOOK,
            event_type=about.event_type,
            workout_id=about.workout_id,
            headers=kept(headers),
            body=body,
        )
        crashpoint("P01")
        transaction.on_commit(partial(crashpoint, "P03"))
        wake.wake()
    crashpoint("P02")


@retried
def ask(source: Source, kind: Hint.Kind, *, body: bytes = b"", at_once: bool = False) -> None:
    """A hint of our own: a person asked, time passed, or polling found something."""
    with transaction.atomic():
        note(source, kind, body=body)
        if at_once:
            Source.objects.filter(pk=source.pk).update(due_at=clock.now())
        wake.wake()


def note(source: Source, kind: Hint.Kind, *, body: bytes = b"", **about: Any) -> None:
    """Raise the counter under the source's row lock. Part of the caller's transaction."""
    now = clock.now()
    row = Source.objects.select_for_update(no_key=True).get(pk=source.pk)
    if row.dirty_seq == row.clean_seq or row.dirty_since is None:
        row.dirty_since = now
    row.dirty_seq += 1
    row.due_at = due_at(row, now)
    if kind == Hint.Kind.WEBHOOK:
        row.last_webhook_at = now
        if _breaks_the_silence(row, about.get("event_type", "")):
            row.silent_changes = 0
    row.save(
        update_fields=["dirty_seq", "dirty_since", "due_at", "last_webhook_at", "silent_changes"]
    )
    if row.dirty_seq - row.clean_seq <= MOST_KEPT:
        hint = Hint(source=row, seq=row.dirty_seq, kind=kind, received_at=now, **about)
        hint.body = source.athlete.seal(body, purpose=f"hint:{hint.pk}") if body else b""
        hint.save(force_insert=True)


def _breaks_the_silence(source: Source, event_type: str) -> bool:
    """An event of another kind proves nothing about one that is refused."""
    return not source.hooks_refused or event_type in source.hooks_refused.split()


def due_at(source: Source, now: datetime) -> datetime:
    """After a quiet period, bounded by the longest wait, never closer together than our spacing.

    A source that fails keeps its pause, because hints must not spend the calls that are
    left. After a malformed answer, though, a hint may mean that it was repaired.
    """
    since = source.dirty_since or now
    due = min(now + settings.BATON_QUIET_PERIOD, since + settings.BATON_MAX_WAIT)
    if source.read_at:
        due = max(due, source.read_at + settings.BATON_FETCH_SPACING)
    if source.failures and source.last_error == BadAnswerError.code:
        return max(due, now + settings.BATON_FETCH_SPACING)
    return max(due, source.due_at) if source.failures else due


def body_of(hint: Hint) -> bytes:
    """The body as it came."""
    sealed = bytes(hint.body)
    athlete = hint.source.athlete
    return athlete.unseal(sealed, purpose=f"hint:{hint.pk}") if sealed else b""


def kept(headers: Mapping[str, str]) -> dict[str, str]:
    """The few headers that help to understand an event; never one that could hold a secret."""
    return {
        name.casefold(): _CONTROL.sub("", value)[:MOST_HEADER]
        for name, value in headers.items()
        if name.casefold() in KEPT_HEADERS or name.casefold().startswith(VENDOR_HEADERS)
    }


def said(body: bytes) -> Said:
    """Event and workout, from any shape and any casing; nothing where there is nothing."""
    members = _members(body)
    event = str(members.get("eventtype") or "").casefold()
    return Said(event if EVENT.fullmatch(event) else "", _workout(members))


def _members(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if _deeper(value, DEEPEST):
        return {}
    if isinstance(value, list):
        value = value[0] if value else {}
    if not isinstance(value, dict):
        return {}
    return {str(key).casefold(): member for key, member in value.items()}


def _deeper(value: Any, levels: int) -> bool:
    """Whether it goes on below so many levels of lists and objects."""
    if not isinstance(value, list | dict):
        return False
    inside = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_deeper(each, levels - 1) for each in inside)


def _workout(members: Mapping[str, Any]) -> int | None:
    value = members.get("workoutid") or members.get("id")
    if isinstance(value, str) and len(value) <= 19 and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 < value <= LARGEST_ID else None
