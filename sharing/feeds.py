"""Feeds: the secret address under which a lane of a pull destination is read, and the document it
gives.
"""

from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from accounts import consent
from accounts.models import Athlete
from audit.log import audited_atomic
from audit.retrying import retried
from destinations import registry
from destinations.models import Destination
from destinations.port import FeedInfo, Published, PublishedItem
from sharing import capability, clock, incarnation, records
from sharing.models import Feed, Lane, RemoteRecord
from sharing.stops import covering


@dataclass(frozen=True)
class Document:
    body: bytes
    content_type: str
    etag: str


def address(lane: Lane) -> str:
    """The lane's feed address; the first call makes it."""
    feed, _ = Feed.objects.get_or_create(lane=lane)
    token = capability.mint("feed", feed.pk, feed.generation)
    return settings.BATON_PUBLIC_URL + reverse("feed", args=[feed.pk, token])


@retried
def renew(lane: Lane) -> str:
    """Give the feed a new address; the old one stops at once."""
    with audited_atomic() as log:
        feed, _ = Feed.objects.select_for_update(no_key=True).get_or_create(lane=lane)
        feed.generation += 1
        feed.save(update_fields=["generation"])
        log.record("feed.renewed", plan=lane.plan_id, destination=lane.destination_id)
    return address(lane)


def open_feed(feed_id: UUID, token: str) -> Feed | None:
    """The feed behind an address, or None: unknown, renewed, or its consent is gone."""
    feed = (
        Feed.objects.select_related("lane__plan__athlete", "lane__route", "lane__destination")
        .filter(pk=feed_id, revoked_at=None)
        .first()
    )
    generation = feed.generation if feed else 1
    genuine = capability.check("feed", feed_id, generation, token)
    return feed if feed is not None and genuine else None


def document(feed: Feed) -> Document:
    """What the feed shows now: the lane's records, composed by the destination's adapter.

    A feed without an active consent shows nothing but an empty calendar, so that the
    sessions disappear from the calendars that follow it.
    """
    lane = feed.lane
    adapter = registry.adapter_for(lane.destination)
    if not isinstance(adapter, Published):
        raise TypeError(f"{lane.destination.kind} is not a feed.")
    life = incarnation.current()
    items = [_published(record, life) for record in _shown(lane)]
    body = adapter.compose(items, _info(lane))
    return Document(body, adapter.content_type, f'"{sha256(body).hexdigest()[:32]}"')


def _shown(lane: Lane) -> list[RemoteRecord]:
    if not may_be_read(lane):
        return []
    return list(
        RemoteRecord.objects.filter(lane=lane)
        .select_related("lane__plan__athlete")
        .order_by("item_key")
    )


def closed(feed: Feed) -> bool:
    """Whether the kill switch holds it, or what it would show may be older than what it has shown:
    a backup was put back, and the plan was not brought here since. Who asks later finds everything
    as it was; an empty document would clear the calendars that follow it.
    """
    return covering.killed(feed.lane) or bool(incarnation.behind()) or _may_be_older(feed.lane)


def _may_be_older(lane: Lane) -> bool:
    return may_be_read(lane) and incarnation.unconfirmed(lane)


def may_be_read(lane: Lane) -> bool:
    """A feed is asked for by the reader, so the gate is asked at every reading."""
    athlete, destination = lane.plan.athlete, lane.destination
    return (
        consent.current(athlete.pk, destination.pk) is not None
        and athlete.state == Athlete.State.ACTIVE
        and destination.state == Destination.State.ACTIVE
    )


def _published(record: RemoteRecord, life: incarnation.Life) -> PublishedItem:
    return PublishedItem(
        key=record.item_key,
        body=records.body_of(record),
        sequence=life.numbered(max(0, record.writes - 1)),
        cancelled=record.state == RemoteRecord.State.REMOVED,
        written_at=record.written_at,
    )


def _info(lane: Lane) -> FeedInfo:
    return FeedInfo(
        name=lane.plan.name,
        domain=urlsplit(settings.BATON_PUBLIC_URL).hostname or "baton.invalid",
        time_zone=lane.plan.athlete.time_zone,
    )


def was_read(feed: Feed) -> None:
    Feed.objects.filter(pk=feed.pk).update(last_read_at=clock.now())
